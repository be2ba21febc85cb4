import { crashMatrix } from './matrix.ts';
import { STORE_SCENARIOS } from './store-scenarios.ts';

crashMatrix('crash matrix of the stores', STORE_SCENARIOS);
