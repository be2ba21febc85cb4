// The accumulated digest of ML-DSA-65.

import { accumulatedMlDsa } from './accumulated.ts';

accumulatedMlDsa('ML-DSA-65');
