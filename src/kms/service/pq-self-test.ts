// The own post-quantum stack, tested again once a minute while the process lives (MQ-23): what passed at the start may fail
// later. Refuses nothing; readiness judges by `ok`.

import type { Clock, Millis } from '../../host.ts';
import type { Telemetry } from '../telemetry.ts';

const PQ_TEST_MS = 60_000;

export interface PqSelfTestDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly telemetry: Pick<Telemetry, 'log'>;
  /** Rejects when an algorithm fails; absent: nothing is tested. */
  readonly test: (() => Promise<void>) | undefined;
}

export class PqSelfTest {
  readonly #deps: PqSelfTestDeps;
  #ok = true;
  #testedMs: Millis;

  constructor(deps: PqSelfTestDeps) {
    this.#deps = deps;
    // Before the process got here every algorithm passed.
    this.#testedMs = deps.clock.monotonicMs();
  }

  get ok(): boolean {
    return this.#ok;
  }

  async whenDue(): Promise<void> {
    const { clock, telemetry, test } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (test === undefined || nowMs - this.#testedMs < PQ_TEST_MS) return;
    this.#testedMs = nowMs;
    try {
      await test();
      this.#ok = true;
    } catch (error) {
      this.#ok = false;
      telemetry.log('error', 'self_test_failed', { message: error instanceof Error ? error.message : String(error) });
    }
  }
}
