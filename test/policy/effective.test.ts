import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalText, type Json, parseCanonicalText } from '../../src/bytes/canonical-json.ts';
import { uuidV4 } from '../../src/bytes/uuid.ts';
import type { Moment } from '../../src/host.ts';
import { applyChanges } from '../../src/policy/apply.ts';
import { effective, effectivePq, type KeyPlace, modeFor, phaseOf } from '../../src/policy/effective.ts';
import { decodeOverlay, type Grant, isLive, type Overlay, overlayJson, remainingMs } from '../../src/policy/overlay.ts';
import { initialPolicy, type PolicyState, type Scope } from '../../src/policy/state.ts';
import { bucketOf } from '../../src/rollout/cohort.ts';
import { settled } from '../../src/rollout/phases.ts';
import { refusal } from '../support/refusal.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const moment = (afterMs: number, boot = 'a'): Moment => ({
  wall: new Date(START + afterMs).toISOString(),
  boot_id: boot,
  boottime_ms: 1_000_000 + afterMs,
});
const judged = (afterMs: number, boot = 'a', highWaterMs = START) => ({ now: moment(afterMs, boot), highWaterMs });
const grant = (scope: Scope, changes: Grant['changes'], more: Partial<Grant> = {}): Grant => ({
  kind: 'exception',
  seq: 1,
  scope,
  judged_at: moment(0),
  duration_s: 3600,
  changes,
  ...more,
});

const dev = initialPolicy('dev');
const set = (state: PolicyState, scope: Scope, ...changes: [string, Json][]): PolicyState =>
  applyChanges(
    state,
    scope,
    changes.map(([key, to]) => ({ key, to })),
    'dev',
  );
const value = (state: PolicyState, overlays: readonly Overlay[], key: string, tenant: string | null = 'acme') =>
  effective(state, tenant, overlays, judged(0)).values.get(key)!;

describe('the end of a grant (governance page 11)', () => {
  const one = grant('global', [{ key: 'caps.max_ttl_s', to: 1200 }]);
  it.each([
    ['within one boot, by time since boot', judged(1000), 3_599_000],
    ['exactly at its end it has ended', judged(3_600_000), 0],
    ['one millisecond before', judged(3_599_999), 1],
    ['after a reboot, by the wall clock', judged(1000, 'b'), 3_599_000],
    ['after a reboot, exactly at its end', judged(3_600_000, 'b'), 0],
    // Attack: a clock set back revives a grant.
    ['after a reboot with the clock behind the newest time', judged(1000, 'b', START + 1001), 0],
    ['after a reboot with the clock before its start', judged(-1, 'b', 0), 0],
    [
      'within one boot, the wall clock set back changes nothing',
      { ...judged(5000), highWaterMs: START + 9e9 },
      3_595_000,
    ],
    ['20 ms of slack before its start', judged(-20), 3_600_000],
    ['more than the slack before its start', judged(-21), 0],
  ])('%s', (_name, at, left) => {
    expect(remainingMs(one, at)).toBe(left);
    expect(isLive(one, at)).toBe(left > 0);
  });
  it('a tune has no end of its own', () => {
    expect(
      isLive({ kind: 'tune', seq: 1, scope: 'global', key: 'caps.max_active', to: 90, baseline: 100 }, judged(9e9)),
    ).toBe(true);
  });
});

describe('ordinary keys', () => {
  it('a tenant without an override has the global value', () => {
    expect(value(dev, [], 'caps.max_ttl_s')).toEqual({ value: 900, origin: 'global' });
  });
  it('the tighter of global and tenant', () => {
    const own = set(dev, 'tenant:acme', ['caps.max_ttl_s', 600]);
    expect(value(own, [], 'caps.max_ttl_s')).toEqual({ value: 600, origin: 'tenant' });
    expect(value(own, [], 'caps.max_ttl_s', 'other')).toEqual({ value: 900, origin: 'global' });
    expect(value(set(own, 'global', ['caps.max_ttl_s', 300]), [], 'caps.max_ttl_s')).toEqual({
      value: 300,
      origin: 'global',
    });
  });
  it('an exception is looser for its scope only, says what is approved and ends by itself', () => {
    const one = grant('tenant:acme', [{ key: 'caps.max_ttl_s', to: 1800 }]);
    expect(value(dev, [one], 'caps.max_ttl_s')).toEqual({
      value: 1800,
      origin: 'exception',
      approved: 900,
      remainingMs: 3_600_000,
    });
    expect(value(dev, [one], 'caps.max_ttl_s', 'other').value).toBe(900);
    expect(effective(dev, 'acme', [one], judged(3_600_000)).values.get('caps.max_ttl_s')).toEqual({
      value: 900,
      origin: 'global',
    });
  });
  it('an exception that would tighten counts for nothing', () => {
    expect(value(dev, [grant('tenant:acme', [{ key: 'caps.max_ttl_s', to: 60 }])], 'caps.max_ttl_s').origin).toBe(
      'global',
    );
  });
  it('of two exceptions the newest counts', () => {
    const first = grant('global', [{ key: 'caps.max_ttl_s', to: 1800 }], { seq: 5 });
    const second = grant('global', [{ key: 'caps.max_ttl_s', to: 1000 }], { seq: 6 });
    for (const overlays of [
      [first, second],
      [second, first],
    ])
      expect(value(dev, overlays, 'caps.max_ttl_s').value).toBe(1000);
  });
  it('a global exception leaves a tighter tenant as it is', () => {
    const own = set(dev, 'tenant:acme', ['caps.max_ttl_s', 600]);
    expect(value(own, [grant('global', [{ key: 'caps.max_ttl_s', to: 1800 }])], 'caps.max_ttl_s').value).toBe(600);
  });
  it('a tune replaces a tunable value in its scope', () => {
    const tune = (scope: Scope, to: number, seq = 1): Overlay => ({
      kind: 'tune',
      seq,
      scope,
      key: 'caps.mint_per_min',
      to,
      baseline: 10,
    });
    expect(value(dev, [tune('tenant:acme', 12)], 'caps.mint_per_min')).toEqual({
      value: 12,
      origin: 'tune',
      approved: 10,
    });
    expect(value(dev, [tune('global', 8)], 'caps.mint_per_min').value).toBe(8);
    expect(value(dev, [tune('global', 8, 2), tune('global', 9, 3)], 'caps.mint_per_min').value).toBe(9);
  });
  it('no tune touches a key that is not tunable', () => {
    const tune: Overlay = { kind: 'tune', seq: 1, scope: 'global', key: 'caps.max_ttl_s', to: 9000, baseline: 900 };
    expect(value(dev, [tune], 'caps.max_ttl_s').value).toBe(900);
  });
  it('every key of the registry that has a value is there', () => {
    expect(effective(dev, null, [], judged(0)).values.size).toBe(19);
  });
});

describe('PQ', () => {
  const nonce = new Uint8Array(16).fill(3);
  const uuids = Array.from({ length: 300 }, (_, index) =>
    uuidV4(Uint8Array.from({ length: 16 }, (_u, at) => index * 7 + at)),
  );
  const inside = uuids.find((id) => bucketOf(nonce, 'acme', id) < 20)!;
  const outside = uuids.find((id) => bucketOf(nonce, 'acme', id) >= 60)!;
  const key = (uuid: string, global = false, tenant = false): KeyPlace => ({
    tenant: 'acme',
    uuid,
    createdAfterRaise: { global, tenant },
  });
  const pq = (state: PolicyState, overlays: readonly Overlay[] = [], tenant: string | null = 'acme') =>
    effectivePq(state, tenant, overlays, judged(0));
  const two = set(dev, 'global', ['pq.phase', 2]);
  const three = set(two, 'global', ['pq.phase', 3]);
  const acmeAt30 = set(dev, 'tenant:acme', ['pq.phase', 2], ['pq.rollout_percent', 30]);

  it('the cohort decides between the phase and the one below', () => {
    const state = pq(acmeAt30);
    expect(modeFor(state, key(inside), nonce)).toBe('and');
    expect(modeFor(state, key(outside), nonce)).toBe('or');
    expect(state.origin).toBe('tenant');
  });
  it('a key made after the raise of the tenant is inside; after a raise elsewhere it is not', () => {
    expect(modeFor(pq(acmeAt30), key(outside, false, true), nonce)).toBe('and');
    expect(modeFor(pq(acmeAt30), key(outside, true, false), nonce)).toBe('or');
  });
  it('per key the higher phase of global and tenant', () => {
    const both = set(acmeAt30, 'global', ['pq.phase', 2], ['pq.rollout_percent', 60]);
    const middle = uuids.find((id) => bucketOf(nonce, 'acme', id) >= 30 && bucketOf(nonce, 'acme', id) < 60)!;
    expect(modeFor(pq(both), key(middle), nonce)).toBe('and');
    expect(modeFor(pq(both), key(outside), nonce)).toBe('or');
    expect(pq(both).summary).toEqual({ phase: 2, base_phase: 1, percent: 60 });
  });
  it('an unknown nonce is no excuse for the lower phase', () => {
    expect(() => phaseOf(pq(acmeAt30), key(inside), null)).toThrow('nonce');
    expect(phaseOf(pq(two), key(inside), null)).toBe(2);
  });

  it('an exception lowers one tenant by one notch', () => {
    const one = grant('tenant:acme', [{ key: 'pq.phase', to: 1 }]);
    const state = pq(two, [one]);
    expect(modeFor(state, key(inside), nonce)).toBe('or');
    expect(state).toMatchObject({
      summary: settled(1),
      approved: settled(2),
      origin: 'exception',
      remainingMs: 3_600_000,
    });
    expect(modeFor(pq(two, [one], 'other'), { ...key(inside), tenant: 'other' }, nonce)).toBe('and');
    expect(modeFor(effectivePq(two, 'acme', [one], judged(3_600_000)), key(inside), nonce)).toBe('and');
  });
  it('a key made after the raise is lowered as well', () => {
    expect(
      modeFor(pq(two, [grant('tenant:acme', [{ key: 'pq.phase', to: 1 }])]), key(outside, true, true), nonce),
    ).toBe('or');
  });
  it('a global exception lowers every tenant without a tighter override', () => {
    const one = grant('global', [{ key: 'pq.phase', to: 1 }], { kind: 'rollback' });
    expect(pq(two, [one])).toMatchObject({ summary: settled(1), origin: 'rollback' });
    const own = set(two, 'tenant:acme', ['pq.phase', 3]);
    expect(pq(own, [one])).toMatchObject({ summary: settled(3), origin: 'tenant' });
  });
  it.each([
    ['two notches', three, 1, 2],
    ['to phase 0 from 1', dev, 0, 1],
    ['to phase 0 from 2', two, 0, 1],
    ['upwards', dev, 3, 1],
    ['to nothing', two, 7, 2],
  ])('a grant %s counts only as far as the rule allows', (_name, state, to, phase) => {
    expect(phaseOf(pq(state, [grant('tenant:acme', [{ key: 'pq.phase', to }])]), key(inside), nonce)).toBe(phase);
  });
  it('after a later raise an exception is still one notch at most', () => {
    const one = grant('tenant:acme', [{ key: 'pq.phase', to: 1 }]);
    expect(phaseOf(pq(three, [one]), key(inside), nonce)).toBe(2);
  });
  it('a percentage may be granted within phases 2 and 3, never in 1', () => {
    const part = grant('tenant:acme', [{ key: 'pq.rollout_percent', to: 20 }]);
    expect(modeFor(pq(two, [part]), key(outside), nonce)).toBe('or');
    expect(modeFor(pq(two, [part]), key(inside), nonce)).toBe('and');
    expect(phaseOf(pq(dev, [part]), key(outside), nonce)).toBe(1);
  });

  it('of a global and a tenant grant the looser one counts for each key', () => {
    const global = grant('global', [{ key: 'pq.phase', to: 1 }]);
    const part = grant('tenant:acme', [{ key: 'pq.rollout_percent', to: 20 }], { seq: 2 });
    expect(modeFor(pq(two, [global, part]), key(inside), nonce)).toBe('or');
  });

  it('no overlay ever loosens a key by more than one phase or below 1, or tightens it', () => {
    const states = [dev, two, three, acmeAt30, set(acmeAt30, 'global', ['pq.phase', 2])];
    const anyGrant = fc
      .record({
        scope: fc.constantFrom<Scope>('global', 'tenant:acme', 'tenant:other'),
        key: fc.constantFrom('pq.phase', 'pq.rollout_percent'),
        to: fc.integer({ min: -2, max: 101 }),
        seq: fc.integer({ min: 1, max: 99 }),
      })
      .map((one) => grant(one.scope, [{ key: one.key, to: one.to }], { seq: one.seq }));
    fc.assert(
      fc.property(
        fc.constantFrom(...states),
        fc.array(anyGrant, { maxLength: 4 }),
        fc.constantFrom(...uuids),
        fc.boolean(),
        fc.boolean(),
        (state, overlays, uuid, global, tenant) => {
          const one = key(uuid, global, tenant);
          const approved = phaseOf(pq(state), one, nonce);
          const now = phaseOf(pq(state, overlays), one, nonce);
          expect(now).toBeLessThanOrEqual(approved);
          expect(now).toBeGreaterThanOrEqual(Math.max(approved - 1, Math.min(approved, 1)));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('overlays as JSON', () => {
  const overlays: Overlay[] = [
    grant('tenant:acme', [{ key: 'pq.phase', to: 1 }]),
    grant('global', [{ key: 'caps.max_ttl_s', to: 1800 }], { kind: 'rollback', seq: 9 }),
    { kind: 'tune', seq: 3, scope: 'global', key: 'caps.max_active', to: 90, baseline: 100 },
    {
      kind: 'envelope',
      seq: 4,
      scope: 'global',
      judged_at: moment(0),
      duration_s: 60,
      bounds: new Map([['caps.max_active', { min: 50, max: 200 }]]),
    },
  ];
  it.each(overlays)('$kind reads back', (overlay) => {
    const text = canonicalText(overlayJson(overlay));
    expect(decodeOverlay(parseCanonicalText(text, 'overlay'), 'overlay')).toEqual(overlay);
  });
  it.each([
    [{ kind: 'freeze' }, 'overlay.kind'],
    [{ ...(overlayJson(overlays[0]!) as object), duration_s: 0 }, 'overlay.duration_s'],
    [{ ...(overlayJson(overlays[0]!) as object), duration_s: 2_592_001 }, 'overlay.duration_s'],
    [{ ...(overlayJson(overlays[2]!) as object), judged_at: 1 }, 'overlay.judged_at'],
    [{ ...(overlayJson(overlays[3]!) as object), bounds: { a: { min: 2, max: 1 } } }, 'overlay.bounds.a'],
    [null, 'overlay'],
  ])('%j is refused', (json, field) => {
    const error = refusal(() => decodeOverlay(json, 'overlay'));
    expect([error.code, error.field]).toEqual(['Malformed', field]);
  });
});
