// Fair share: what one tenant asks does not become another's waiting time, places stay bounded, and nobody waits for ever.

import { array, assert, asyncProperty, constantFrom, integer, tuple } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RonError } from '../../src/errors.ts';
import { FairGate, type GateLimits } from '../../src/kms/fairness.ts';
import { refused } from '../contract/kms-subject.ts';
import { percentile, processors, seeded, sharedSync, simulate } from '../support/simulated-service.ts';

const LIMITS: GateLimits = { places: 512, queue: 512, sharePermille: 50 };

const ONE = { min: 1, max: 1 };

function gateOf(limits: Partial<GateLimits> = {}, window = { min: 2, max: 128 }) {
  const clock = { nowMs: 0 };
  const gate = new FairGate({
    name: 'sign',
    limits: () => ({ ...LIMITS, ...limits }),
    monotonicMs: () => clock.nowMs,
    window,
  });
  return { gate, clock };
}

describe('a tenant at ten times the load', () => {
  const p95 = async (loads: readonly { tenant: string; perSecond: number }[]): Promise<number> => {
    const { gate, clock } = gateOf();
    const random = seeded(1);
    // Two processors and 1 ms of work on average, with a tail: 2000 a second at the very most.
    const machine = processors(2, () => 0.5 - 0.5 * Math.log(1 - random()));
    const outcomes = await simulate(gate, clock, machine, loads, 4, random);
    return percentile(outcomes.get('light')!.latencies, 0.95);
  };

  it('does not move the p95 of another beyond twice, with capacity to spare and without', async () => {
    for (const perSecond of [120, 170, 300]) {
      const alone = await p95([{ tenant: 'light', perSecond }]);
      const beside = await p95([
        { tenant: 'light', perSecond },
        { tenant: 'heavy', perSecond: perSecond * 10 },
      ]);
      expect(beside, `${perSecond} per second: ${beside} against ${alone} ms alone`).toBeLessThanOrEqual(2 * alone);
    }
  });

  it('is refused what is too much, and the other nothing', async () => {
    const { gate, clock } = gateOf();
    const outcomes = await simulate(
      gate,
      clock,
      processors(2, () => 1),
      [
        { tenant: 'light', perSecond: 300 },
        { tenant: 'heavy', perSecond: 3000 },
      ],
      2,
      seeded(2),
    );
    expect(outcomes.get('light')!.refused).toBe(0);
    expect(outcomes.get('heavy')!.refused).toBeGreaterThan(1000);
    expect(outcomes.get('heavy')!.latencies.length).toBeGreaterThan(2500);
    expect(gate.depth).toBe(0);
  });

  it('work that waits for a shared sync is not made to wait longer', async () => {
    const { gate, clock } = gateOf();
    const outcomes = await simulate(gate, clock, sharedSync(2), [{ tenant: 'a', perSecond: 12_000 }], 2, seeded(3));
    expect(outcomes.get('a')!.latencies.length).toBeGreaterThan(18_000);
    expect(outcomes.get('a')!.refused).toBeLessThan(5000);
  });
});

describe('places', () => {
  it('queues are served in turn, one of each tenant, those that just came before the long ones', async () => {
    const { gate } = gateOf({}, ONE);
    const order: string[] = [];
    const first = await gate.enter('x');
    const releases: (() => void)[] = [];
    for (const name of ['a', 'a', 'a', 'b', 'b', 'c']) {
      void gate.enter(name).then((release) => {
        order.push(name);
        releases.push(release);
      });
    }
    first();
    for (let i = 0; i < 6; i++) {
      await Promise.resolve();
      releases.shift()!();
    }
    expect(order).toEqual(['a', 'b', 'a', 'c', 'b', 'a']);
    expect(gate.depth).toBe(0);
  });

  it('a full gate refuses whoever has its share, and takes in whoever has not in place of the greediest', async () => {
    const { gate } = gateOf({ places: 10, queue: 10, sharePermille: 500 }, ONE);
    const heavy = Array.from({ length: 10 }, () => gate.enter('heavy'));
    expect((await refused(gate.enter('heavy'))).code).toBe('Busy');
    const light = gate.enter('light');
    const error = await refused(heavy.at(-1)!);
    expect(error.message).toBe('too much sign work is waiting; try again later');
    expect(gate.depth).toBe(10);
    (await heavy[0]!)();
    const release = await Promise.race([light, heavy[1]!]);
    expect(release).toBe(await light);
    release();
    (await heavy[1]!)();
  });

  it('above twenty tenants the floor is an equal part', async () => {
    const { gate } = gateOf({ places: 40, queue: 40, sharePermille: 50 }, ONE);
    for (let i = 0; i < 40; i++) gate.enter(`tenant${i % 39}`).catch(() => undefined);
    const late = gate.enter('late');
    late.catch(() => undefined);
    expect(gate.depth).toBe(40);
    expect(await Promise.race([late, Promise.resolve('waits')])).toBe('waits');
  });

  it('a caller that goes away leaves its place, waiting or not yet there', async () => {
    const { gate } = gateOf({}, ONE);
    const first = await gate.enter('a');
    const controller = new AbortController();
    const waiting = gate.enter('b', controller.signal);
    controller.abort();
    expect((await refused(waiting)).code).toBe('Interrupted');
    expect((await refused(gate.enter('b', controller.signal))).code).toBe('Interrupted');
    expect(gate.depth).toBe(1);
    first();
    first();
    expect(gate.depth).toBe(0);
  });

  it('never holds more than its places, and everything that is let in or refused is settled', async () => {
    const step = tuple(constantFrom('enter', 'release', 'abort'), constantFrom('a', 'b', 'c', '__proto__'));
    await assert(
      asyncProperty(array(step, { maxLength: 120 }), integer({ min: 1, max: 8 }), async (steps, places) => {
        const { gate } = gateOf({ places, queue: places, sharePermille: 200 }, { min: 1, max: 3 });
        const held: (() => void)[] = [];
        const pending: { readonly controller: AbortController; readonly done: Promise<unknown> }[] = [];
        for (const [what, tenant] of steps) {
          if (what === 'release') held.shift()?.();
          else if (what === 'abort') pending.shift()?.controller.abort();
          else {
            const controller = new AbortController();
            const done = gate.enter(tenant, controller.signal).then(
              (release) => void held.push(release),
              (error: unknown) => expect(error).toBeInstanceOf(RonError),
            );
            pending.push({ controller, done });
          }
          await Promise.resolve();
          expect(gate.depth).toBeLessThanOrEqual(places);
          expect(gate.running).toBeLessThanOrEqual(3);
        }
        for (const { controller } of pending) controller.abort();
        await Promise.all(pending.map(({ done }) => done));
        for (const release of held) release();
        expect(gate.depth).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
