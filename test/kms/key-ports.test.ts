// The port contracts against the in-process service over a memory store.

import { keysContract } from '../contract/kms-keys.ts';
import { signingContract } from '../contract/kms-signing.ts';
import { wrappingContract } from '../contract/kms-wrapping.ts';
import { memoryKms } from '../support/memory-kms.ts';

keysContract('in memory', () => memoryKms());
signingContract('in memory', () => memoryKms());
wrappingContract('in memory', () => memoryKms());
