// Supervision of the parts of a server (CON-12, CON-13): a part that fails is started again after a delay that grows from
// 100 ms to 5 s with jitter; after ten failures within a minute it is given up, and the process ends.

import type { Clock, Random } from '../host.ts';

export const BACKOFF_MIN_MS = 100;
export const BACKOFF_MAX_MS = 5000;
export const FAILURES_PER_MINUTE = 10;
const MINUTE_MS = 60_000;

export interface SuperviseDeps {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly random: Random;
  /** Before each restart. */
  readonly onRestart: (error: unknown, delayMs: number) => void;
}

/** Delay before restart number `failure` (from 1), half of it random. */
export function backoffMs(failure: number, random: Random): number {
  const full = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failure, 16));
  const [byte] = random.bytes(1);
  return Math.max(BACKOFF_MIN_MS, full / 2 + (full / 2) * (byte! / 255));
}

/**
 * Runs `part` until it resolves or the signal fires. It runs for as long as the part lives and throws when the part fails.
 * Throws the last error when it fails too often.
 */
export async function supervise(
  part: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
  deps: SuperviseDeps,
): Promise<void> {
  let failures: number[] = [];
  while (!signal.aborted) {
    try {
      return await part(signal);
    } catch (error) {
      if (signal.aborted) return;
      const now = deps.clock.monotonicMs();
      failures = [...failures.filter((at) => now - at < MINUTE_MS), now];
      if (failures.length >= FAILURES_PER_MINUTE) throw error;
      const delayMs = backoffMs(failures.length, deps.random);
      deps.onRestart(error, delayMs);
      await deps.clock.sleep(delayMs, signal).catch(() => undefined);
    }
  }
}
