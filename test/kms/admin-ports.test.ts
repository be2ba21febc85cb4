// The contracts of the admin ports against the service of a server, in this process.

import { afterAll } from 'vitest';
import { auditContract } from '../contract/kms-audit.ts';
import { governanceContract } from '../contract/kms-governance.ts';
import { forgetGovernedKms, governedKms } from '../support/admin-kms.ts';

afterAll(forgetGovernedKms);

governanceContract('in-process', governedKms);
auditContract('in-process', governedKms);
