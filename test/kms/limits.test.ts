// Rates: per capability, per tenant and instance, and what a refusal says and counts.

import { describe, expect, it } from 'vitest';
import { CapabilityRates, createAdmission, SharedRate } from '../../src/kms/limits.ts';
import { capability, refused } from '../contract/kms-subject.ts';
import { countingTelemetry, defaultConfig } from '../support/http-server.ts';

/** How many of `asks` a millisecond-by-millisecond walk lets through, by tenant. */
function walk(rate: SharedRate, perMs: Readonly<Record<string, number>>, ms: number): Record<string, number> {
  const taken: Record<string, number> = Object.fromEntries(Object.keys(perMs).map((name) => [name, 0]));
  for (let now = 0; now < ms; now++) {
    for (const [tenant, asks] of Object.entries(perMs)) {
      for (let i = 0; i < asks; i++) if (rate.take(tenant, now)) taken[tenant]! += 1;
    }
  }
  return taken;
}

describe('the rate of the instance', () => {
  it('is what all tenants together get, after a burst of one second', () => {
    const taken = walk(new SharedRate(() => 500), { a: 5 }, 3000);
    expect(taken['a']).toBeGreaterThanOrEqual(3 * 500 - 5);
    expect(taken['a']).toBeLessThanOrEqual(4 * 500 + 5);
  });

  it('a tenant that asks much leaves another its part', () => {
    const rate = new SharedRate(() => 500);
    walk(rate, { heavy: 50 }, 3000);
    let light = 0;
    let heavy = 0;
    for (let now = 3000; now < 5000; now++) {
      for (let i = 0; i < 50; i++) if (rate.take('heavy', now)) heavy += 1;
      if (now % 5 === 0 && rate.take('light', now)) light += 1;
    }
    expect(light).toBeGreaterThanOrEqual(398);
    expect(heavy).toBeGreaterThan(500);
    expect(light + heavy).toBeLessThanOrEqual(2 * 500 + 10);
  });

  it('what one does not use, another may', () => {
    const rate = new SharedRate(() => 500);
    walk(rate, { heavy: 5, light: 0 }, 1000);
    let heavy = 0;
    for (let now = 1000; now < 3000; now++) {
      for (let i = 0; i < 5; i++) if (rate.take('heavy', now)) heavy += 1;
      if (now % 100 === 0) rate.take('light', now);
    }
    expect(heavy).toBeGreaterThan(2 * 400);
  });

  it('a clock set back gives nothing', () => {
    const rate = new SharedRate(() => 1);
    expect([rate.take('a', 10_000), rate.take('a', 10_000), rate.take('a', 10_000)]).toEqual([true, true, false]);
    expect([rate.take('a', 0), rate.take('a', 10_000), rate.take('a', 10_500)]).toEqual([false, false, false]);
  });
});

describe('the rate of a capability', () => {
  it('holds for (root, id), and fills again with time', () => {
    const rates = new CapabilityRates();
    expect([1, 2, 3].map(() => rates.take('1:x', 2, 0))).toEqual([true, true, false]);
    expect(rates.take('2:x', 2, 0)).toBe(true);
    expect([rates.take('1:x', 2, 499), rates.take('1:x', 2, 500)]).toEqual([false, true]);
  });
});

describe('admission', () => {
  const admission = (change: { readonly rps?: number } = {}) => {
    const telemetry = countingTelemetry();
    const config = defaultConfig();
    const security = { ...config.security, sign_rate_limit_rps: change.rps ?? 500 };
    const admit = createAdmission({ config: () => ({ ...config, security }), monotonicMs: () => 0, telemetry });
    return { admit, counts: telemetry.seen.counts };
  };
  const signal = new AbortController().signal;

  it('a capability is held to its own rate, whatever it asks for, and a refusal is counted', async () => {
    const { admit, counts } = admission();
    const caller = { ...capability(), narrowed: { rps: 1, expiresAt: '2027-01-01T00:00:00.000Z' } } as ReturnType<
      typeof capability
    >;
    (await admit(caller, 'read', 'acme', signal))();
    const error = await refused(admit(caller, 'read', 'acme', signal));
    expect([error.code, error.message]).toEqual(['Busy', 'the capability allows 1 requests per second']);
    expect(counts.get('busy_rejections_total{queue=read}')).toBe(1);
  });

  it('signing is held to the rate of the instance, verifying is not', async () => {
    const { admit } = admission({ rps: 1 });
    const one = await admit(capability(), 'sign', 'acme', signal);
    one();
    (await admit(capability(), 'sign', 'acme', signal))();
    expect((await refused(admit(capability(), 'sign', 'acme', signal))).message).toContain('rate of the instance');
    for (let i = 0; i < 10; i++) (await admit(capability(), 'verify', 'acme', signal))();
  });

  it('the depth of each queue is told', async () => {
    const { admit, counts } = admission();
    const release = await admit(capability(), 'wrap', 'acme', signal);
    expect(counts.get('queue_depth{queue=wrap}')).toBe(1);
    release();
    expect(counts.get('queue_depth{queue=wrap}')).toBe(0);
  });
});
