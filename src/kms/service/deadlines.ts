// Bounded waits on one timer (CON-04): each promise is given up when its time is over; what it stands for goes on and is
// told to whoever holds it. One coarse timer serves thousands of waits.

import type { Clock, Millis } from '../../host.ts';

const TICK_MS = 25;

interface Wait {
  untilMs: number;
  readonly expire: () => void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Wait>();
  #ticking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  nowMs(): Millis {
    return this.#clock.now();
  }

  monotonicMs(): Millis {
    return this.#clock.monotonicMs();
  }

  /** Settles like `promise`, or rejects with what `late` makes once `ms` have passed. */
  within<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        untilMs: this.#clock.monotonicMs() + ms,
        expire: () => {
          this.#waiting.delete(wait);
          reject(late());
        },
      };
      this.#waiting.add(wait);
      if (!this.#ticking) void this.#tick();
      promise.then(
        (value) => {
          this.#waiting.delete(wait);
          resolve(value);
        },
        (error: unknown) => {
          this.#waiting.delete(wait);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  async #tick(): Promise<void> {
    this.#ticking = true;
    while (this.#waiting.size > 0) {
      const before = this.#clock.monotonicMs();
      await this.#clock.sleep(TICK_MS);
      const now = this.#clock.monotonicMs();
      // Time in which this process did not run at all is nobody's delay; what has come meanwhile is told first.
      const stalledMs = now - before - TICK_MS;
      if (stalledMs > TICK_MS) {
        for (const wait of this.#waiting) wait.untilMs += stalledMs;
        continue;
      }
      for (const wait of this.#waiting) if (wait.untilMs <= now) wait.expire();
    }
    this.#ticking = false;
  }
}
