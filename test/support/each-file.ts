// Runs before every file of tests, also when its worker has the modules of the files before: a hook at the top of another
// module would belong to the first file that imports it.

import { afterAll } from 'vitest';
import { removeScratch } from './scratch.ts';

afterAll(removeScratch);
