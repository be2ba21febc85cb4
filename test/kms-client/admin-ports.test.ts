// The contracts of the admin ports through the client, a real socket and the server.

import { afterAll } from 'vitest';
import { auditContract } from '../contract/kms-audit.ts';
import { governanceContract } from '../contract/kms-governance.ts';
import { forgetGovernedKms, governedKmsOverHttp } from '../support/admin-kms.ts';

afterAll(forgetGovernedKms);

governanceContract('over HTTP', governedKmsOverHttp);
auditContract('over HTTP', governedKmsOverHttp);
