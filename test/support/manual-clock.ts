// A clock that stands until the test moves it: sleeps end when their time has come, in order. Both clocks run together.

import type { Clock } from '../../src/host.ts';

interface Sleep {
  readonly untilMs: number;
  readonly wake: () => void;
}

/** Lets everything run that needs no time of the clock to pass: promises, and the disk, which takes real time. */
export async function settle(realMs = 15): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, realMs));
}

/** Moves the clock until a promise has settled. */
export async function passing<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const pending = Symbol('pending');
  for (;;) {
    const first = await Promise.race([promise, settle(1).then(() => pending)]);
    if (first !== pending) return promise;
    await clock.pass(50);
  }
}

/** Waits, in real time, until something holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await settle(2);
}

export class ManualClock implements Clock {
  nowMs: number;
  sinceBootMs = 3_600_000;
  boot = 'boot-1';
  #sleeps: Sleep[] = [];

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.sinceBootMs;
  }

  uptimeMs(): number {
    return this.sinceBootMs;
  }

  bootId(): string {
    return this.boot;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    // No time has to pass for it: whoever sleeps so lets others run.
    if (ms === 0) return settle(0);
    return new Promise((resolve, reject) => {
      const sleep: Sleep = { untilMs: this.sinceBootMs + ms, wake: resolve };
      this.#sleeps.push(sleep);
      const gone = (): void => {
        this.#sleeps = this.#sleeps.filter((one) => one !== sleep);
        reject(new Error('aborted'));
      };
      if (signal?.aborted === true) gone();
      else signal?.addEventListener('abort', gone, { once: true });
    });
  }

  /** Time goes by in steps, so that what sleeps again within it wakes again. */
  async pass(ms: number, stepMs = 50): Promise<void> {
    const end = this.sinceBootMs + ms;
    while (this.sinceBootMs < end) {
      const step = Math.min(stepMs, end - this.sinceBootMs);
      this.nowMs += step;
      this.sinceBootMs += step;
      const due = this.#sleeps.filter((one) => one.untilMs <= this.sinceBootMs);
      this.#sleeps = this.#sleeps.filter((one) => one.untilMs > this.sinceBootMs);
      for (const one of due) one.wake();
      await settle();
    }
  }
}
