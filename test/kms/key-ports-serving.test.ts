// The port contracts against the key ports of a server.

import { keysContract } from '../contract/kms-keys.ts';
import { signingContract } from '../contract/kms-signing.ts';
import { wrappingContract } from '../contract/kms-wrapping.ts';
import { servingKms } from '../support/serving-kms.ts';

keysContract('in a server', servingKms);
signingContract('in a server', servingKms);
wrappingContract('in a server', servingKms);
