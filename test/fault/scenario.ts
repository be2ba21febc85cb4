// One row of the crash matrix (store page 10): an operation on a prepared home, what its state is in words, and whether it
// was acknowledged. The runner fails every mutating call of the operation in turn.

import type { TestDeps } from '../support/store.ts';

export interface Scenario {
  readonly name: string;
  /** Every mutating call, or every third; `npm run test:crash` runs all of all. */
  readonly every: 1 | 3;
  /** Makes the home that each run starts from a copy of. */
  prepare(deps: TestDeps): Promise<void>;
  /**
   * Does the operation to its end, through a fresh open. Calls `acknowledge` when the caller would have been told. Running
   * it again after a crash completes it and does nothing twice.
   */
  run(deps: TestDeps, acknowledge: () => void): Promise<void>;
  /**
   * Opens everything again, verifies it, and describes what there is: the state before, or the state after, and nothing
   * else. Throws when anything does not verify.
   */
  describe(deps: TestDeps): Promise<string>;
}
