// The accumulated digest of ML-KEM-768 (final FIPS 203; the published digests of the draft are not used).

import { accumulatedMlKem } from './accumulated.ts';

accumulatedMlKem();
