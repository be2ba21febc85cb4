// Writes vectors/SHA256SUMS: `node test/vectors/generate-sums.ts` after any change below vectors/.

import { writeSums } from './own-format.ts';

writeSums();
