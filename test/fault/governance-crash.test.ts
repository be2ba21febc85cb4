import { GOVERNANCE_SCENARIOS } from './governance-scenarios.ts';
import { crashMatrix } from './matrix.ts';

crashMatrix('crash matrix of governance', GOVERNANCE_SCENARIOS);
