// The port contracts against the in-process service over a real home.

import { keysContract } from '../contract/kms-keys.ts';
import { signingContract } from '../contract/kms-signing.ts';
import { wrappingContract } from '../contract/kms-wrapping.ts';
import { fileKms } from '../support/file-kms.ts';

keysContract('on files', fileKms);
signingContract('on files', fileKms);
wrappingContract('on files', fileKms);
