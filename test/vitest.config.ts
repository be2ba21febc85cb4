import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './support/longest-first.ts';
import { testDirectory } from './support/test-directory.ts';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/each-file.ts'],
    globalSetup: ['test/support/test-directory.ts', 'test/support/build.ts'],
    env: { TMPDIR: testDirectory() },
    environment: 'node',
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // Modules do nothing when they are imported and keep no state of a test, so the files of a worker share them.
    isolate: false,
    // The tests wait for child processes most of the time: as many workers as cores leave a fifth of them idle.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    disableConsoleIntercept: true,
    // A deadline against hangs only; no test asserts a duration.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
