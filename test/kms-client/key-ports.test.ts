// The contract of the key ports, through the client, a real socket and the server.

import { keysContract } from '../contract/kms-keys.ts';
import { signingContract } from '../contract/kms-signing.ts';
import { wrappingContract } from '../contract/kms-wrapping.ts';
import { httpSubject } from '../support/http-kms.ts';
import { memoryKms } from '../support/memory-kms.ts';

const make = async () => httpSubject(await memoryKms());

keysContract('over HTTP', make);
signingContract('over HTTP', make);
wrappingContract('over HTTP', make);
