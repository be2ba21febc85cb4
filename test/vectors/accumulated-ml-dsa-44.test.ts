// The accumulated digest of ML-DSA-44.

import { accumulatedMlDsa } from './accumulated.ts';

accumulatedMlDsa('ML-DSA-44');
