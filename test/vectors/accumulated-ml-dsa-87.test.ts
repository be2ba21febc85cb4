// The accumulated digest of ML-DSA-87.

import { accumulatedMlDsa } from './accumulated.ts';

accumulatedMlDsa('ML-DSA-87');
