// How much of one kind of work runs at the same time: the smallest number that gives nearly the best throughput. More than that
// only makes everybody's service time longer, and with it the wait of the one whose turn is next; where work waits for a
// shared sync of the log, more at a time costs nothing and the number grows. It is tried, a step at a time, while others wait.

export interface WindowBounds {
  readonly min: number;
  readonly max: number;
}

/** A step is judged over at least this many ends, several of each place, and this much time. */
const EPOCH_ENDS = 100;
const EPOCH_TURNS = 8;
const EPOCH_MS = 25;
/** A larger number must bring this much more, a smaller one may bring this much less. */
const GAIN = 1.2;
const LOSS = 0.96;
const STEP_UP = 2;
const STEP_DOWN = 1.5;
/** Between two tries. */
const HOLD_MS = 1000;

type Trial = 'up' | 'down';

export class ConcurrencyWindow {
  readonly #bounds: WindowBounds;
  /** The number in force, which may be on trial. */
  #limit: number;
  #settled: number;
  #rate = 0;
  #trial: Trial | null = null;
  #next: Trial = 'up';
  #heldMs = HOLD_MS;
  #ends = 0;
  #epochMs: number | null = null;

  constructor(bounds: WindowBounds) {
    this.#bounds = bounds;
    this.#limit = bounds.min;
    this.#settled = bounds.min;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Nobody waits: what is seen now says nothing about too much at a time. */
  calm(): void {
    this.#epochMs = null;
  }

  /** One piece of work ended while others were waiting. */
  ended(nowMs: number): void {
    if (this.#epochMs === null) {
      this.#epochMs = nowMs;
      this.#ends = 0;
      return;
    }
    this.#ends += 1;
    const spanMs = nowMs - this.#epochMs;
    if (this.#ends < Math.max(EPOCH_ENDS, EPOCH_TURNS * this.#limit) || spanMs < EPOCH_MS) return;
    this.#step(this.#ends / spanMs, spanMs);
    this.#epochMs = nowMs;
    this.#ends = 0;
  }

  #step(rate: number, spanMs: number): void {
    const trial = this.#trial;
    if (trial === null) {
      this.#rate = this.#rate === 0 ? rate : (this.#rate * 2 + rate) / 3;
      this.#heldMs += spanMs;
      if (this.#heldMs >= HOLD_MS) this.#try(this.#next);
      return;
    }
    if (rate >= this.#rate * (trial === 'up' ? GAIN : LOSS)) {
      this.#settled = this.#limit;
      this.#rate = rate;
      this.#try(trial);
      return;
    }
    this.#next = trial === 'up' ? 'down' : 'up';
    this.#hold();
  }

  #try(trial: Trial): void {
    const { min, max } = this.#bounds;
    const wanted = trial === 'up' ? this.#settled * STEP_UP : Math.floor(this.#settled / STEP_DOWN);
    const limit = Math.max(min, Math.min(max, wanted));
    if (limit === this.#settled) {
      this.#next = trial === 'up' ? 'down' : 'up';
      this.#hold();
      return;
    }
    this.#trial = trial;
    this.#limit = limit;
  }

  #hold(): void {
    this.#trial = null;
    this.#limit = this.#settled;
    this.#heldMs = 0;
  }
}
