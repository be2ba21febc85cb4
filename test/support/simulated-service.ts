// A service in simulated time: tenants that send at given rates, a gate, and work that either shares a few processors or waits
// for a shared sync. Deterministic, from one seed.

import { RonError } from '../../src/errors.ts';
import type { FairGate } from '../../src/kms/fairness.ts';

export interface Load {
  readonly tenant: string;
  readonly perSecond: number;
}

export interface Outcome {
  /** Milliseconds from arrival to end, of what was not refused. */
  readonly latencies: number[];
  refused: number;
}

/** When a piece of work that begins now ends. */
export type Machine = (nowMs: number) => number;

/** `count` processors, first come first served. */
export function processors(count: number, workMs: () => number): Machine {
  const freeAt = Array.from({ length: count }, () => 0);
  return (nowMs) => {
    const at = freeAt.indexOf(Math.min(...freeAt));
    freeAt[at] = Math.max(nowMs, freeAt[at]!) + workMs();
    return freeAt[at];
  };
}

/** Everything that begins before a sync starts ends with it; syncs follow one another. */
export function sharedSync(syncMs: number): Machine {
  return (nowMs) => (Math.floor(nowMs / syncMs) + 2) * syncMs;
}

/** mulberry32: repeatable numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const percentile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * part)] ?? 0;

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs the loads for `seconds`; the gate reads its time from `clock`. */
export async function simulate(
  gate: FairGate,
  clock: { nowMs: number },
  machine: Machine,
  loads: readonly Load[],
  seconds: number,
  random: () => number,
): Promise<Map<string, Outcome>> {
  const events: { readonly atMs: number; run(): void }[] = [];
  const schedule = (atMs: number, run: () => void): void => {
    let at = events.length;
    while (at > 0 && events[at - 1]!.atMs < atMs) at--;
    events.splice(at, 0, { atMs, run });
  };
  const outcomes = new Map<string, Outcome>(loads.map(({ tenant }) => [tenant, { latencies: [], refused: 0 }]));
  const request = (tenant: string): void => {
    const arrivedMs = clock.nowMs;
    const outcome = outcomes.get(tenant)!;
    gate.enter(tenant).then(
      (release) =>
        schedule(machine(clock.nowMs), () => {
          outcome.latencies.push(clock.nowMs - arrivedMs);
          release();
        }),
      (error: unknown) => {
        if (!(error instanceof RonError) || error.code !== 'Busy') throw error;
        outcome.refused += 1;
      },
    );
  };
  for (const { tenant, perSecond } of loads) {
    const arrive = (): void => {
      request(tenant);
      const nextMs = clock.nowMs + (-Math.log(1 - random()) * 1000) / perSecond;
      if (nextMs < seconds * 1000) schedule(nextMs, arrive);
    };
    schedule((random() * 1000) / perSecond, arrive);
  }
  for (let event = events.pop(); event !== undefined; event = events.pop()) {
    clock.nowMs = event.atMs;
    event.run();
    await settled();
  }
  return outcomes;
}
