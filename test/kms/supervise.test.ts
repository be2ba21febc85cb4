import { describe, expect, it } from 'vitest';
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS, backoffMs, FAILURES_PER_MINUTE, supervise } from '../../src/kms/supervise.ts';

const constant = (byte: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(byte) });

/** A clock that only moves by sleeping. */
function virtual() {
  let now = 0;
  const slept: number[] = [];
  return {
    slept,
    advance: (ms: number) => {
      now += ms;
    },
    clock: {
      monotonicMs: () => now,
      sleep: async (ms: number) => {
        slept.push(ms);
        now += ms;
      },
    },
  };
}

describe('a part that fails', () => {
  it('waits 100 ms to 5 s, longer each time, with jitter', () => {
    for (const byte of [0, 128, 255]) {
      const delays = Array.from({ length: 12 }, (_, index) => backoffMs(index + 1, constant(byte)));
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(BACKOFF_MIN_MS);
      expect(Math.max(...delays)).toBeLessThanOrEqual(BACKOFF_MAX_MS);
      expect(delays).toEqual(delays.toSorted((a, b) => a - b));
    }
    expect(backoffMs(1, constant(0))).not.toBe(backoffMs(1, constant(255)));
    expect(backoffMs(1000, constant(255))).toBe(BACKOFF_MAX_MS);
  });

  it('is started again until it ends by itself', async () => {
    const { clock, slept } = virtual();
    const errors: unknown[] = [];
    let runs = 0;
    await supervise(
      async () => {
        runs += 1;
        if (runs < 4) throw new Error(`failure ${runs}`);
      },
      new AbortController().signal,
      { clock, random: constant(0), onRestart: (error) => errors.push(error) },
    );
    expect(runs).toBe(4);
    expect(slept.length).toBe(3);
    expect(errors.map(String)).toEqual(['Error: failure 1', 'Error: failure 2', 'Error: failure 3']);
  });

  it('is given up after ten failures within a minute, with its last error', async () => {
    const { clock } = virtual();
    let runs = 0;
    const running = supervise(
      async () => {
        runs += 1;
        throw new Error(`failure ${runs}`);
      },
      new AbortController().signal,
      { clock, random: constant(255), onRestart: () => undefined },
    );
    await expect(running).rejects.toThrow(`failure ${FAILURES_PER_MINUTE}`);
    expect(runs).toBe(FAILURES_PER_MINUTE);
  });

  it('lives on when its failures are far apart', async () => {
    const { clock, advance } = virtual();
    let runs = 0;
    await supervise(
      async () => {
        runs += 1;
        advance(10_000);
        if (runs <= 3 * FAILURES_PER_MINUTE) throw new Error('now and then');
      },
      new AbortController().signal,
      { clock, random: constant(0), onRestart: () => undefined },
    );
    expect(runs).toBe(3 * FAILURES_PER_MINUTE + 1);
  });

  it('is not started again once it shall stop', async () => {
    const { clock } = virtual();
    const stop = new AbortController();
    let runs = 0;
    await supervise(
      async () => {
        runs += 1;
        stop.abort();
        throw new Error('stopped in the middle');
      },
      stop.signal,
      { clock, random: constant(0), onRestart: () => undefined },
    );
    expect(runs).toBe(1);
  });
});
