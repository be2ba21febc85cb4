// Readiness: each documented key flips as documented, at its boundary; and a walk over every reachable combination of states
// (MS-18) for what must hold in all of them.

import { describe, expect, test } from 'vitest';
import type { ServiceState } from '../../src/kms/admin-ports.ts';
import { healthPage, versionPage } from '../../src/kms/health-pages.ts';
import { READINESS_KEYS, readiness, readinessLevels, type Surroundings } from '../../src/kms/readiness.ts';
import { AROUND, HEALTHY, NOW_MS, READINESS_CONFIG } from '../support/service-state.ts';

const audit = (more: Partial<ServiceState['audit']>): Partial<ServiceState> => ({
  audit: { ...HEALTHY.audit, ...more },
});

const GIB = 2 ** 30;

const judge = (state: Partial<ServiceState>, around: Partial<Surroundings> = {}) =>
  readiness({ ...HEALTHY, ...state }, READINESS_CONFIG, { ...AROUND, ...around });

describe('the documented body', () => {
  test('of a healthy service', () => {
    expect(judge({})).toEqual({
      ready: true,
      missing: [],
      degraded: [],
      retry_after: 0,
      snapshot: { backend: 'file', pq_mode: 'and', audit_last_checkpoint_age_s: 30 },
    });
  });

  test('of one that is not ready: what is missing, and when to come again', () => {
    expect(judge({ ...audit({ checkpointAtMs: null }), rngOk: false })).toEqual({
      ready: false,
      missing: ['checkpoint_recent', 'rng_ok'],
      degraded: [],
      retry_after: 5,
      snapshot: { backend: 'file', pq_mode: 'and', audit_last_checkpoint_age_s: null },
    });
  });
});

describe('each key', () => {
  test.each<[string, Partial<ServiceState>, Partial<Surroundings>, string]>([
    ['config_loaded', {}, { reloadRefused: 'looser than the ledger' }, 'degraded'],
    ['listener_bound', {}, { listenerBound: false }, 'missing'],
    ['backend_ready', { backendReady: false, backendLostAtMs: 90_001 }, {}, 'degraded'],
    ['backend_ready', { backendReady: false, backendLostAtMs: 90_000 }, {}, 'missing'],
    ['backend_ready', { backendReady: false, backendLostAtMs: null }, {}, 'missing'],
    ['attestation_ready', { attestation: { required: true, ready: false, class: null } }, {}, 'missing'],
    ['attestation_ready', { attestation: { required: false, ready: false, class: null } }, {}, 'ok'],
    ['audit_ready', audit({ writable: false }), {}, 'missing'],
    ['audit_ready', audit({ checkpointOk: false }), {}, 'missing'],
    ['audit_ready', audit({ integrityFailures: 1 }), {}, 'missing'],
    ['audit_ready', audit({ lateAtMs: 90_000 }), {}, 'degraded'],
    ['audit_ready', audit({ lateAtMs: 89_999 }), {}, 'ok'],
    ['checkpoint_recent', audit({ checkpointAtMs: NOW_MS - 120_000 }), {}, 'ok'],
    ['checkpoint_recent', audit({ checkpointAtMs: NOW_MS - 120_001 }), {}, 'missing'],
    ['rng_ok', { rngOk: false }, {}, 'missing'],
    ['clock_ok', { clockOk: false }, {}, 'missing'],
    ['verify_cache_ok', { verifyCache: { entries: 1, ageMs: 300_000 } }, {}, 'ok'],
    ['verify_cache_ok', { verifyCache: { entries: 1, ageMs: 300_001 } }, {}, 'degraded'],
    ['verify_cache_ok', { verifyCache: { entries: 1, ageMs: 600_000 } }, {}, 'degraded'],
    ['verify_cache_ok', { verifyCache: { entries: 1, ageMs: 600_001 } }, {}, 'missing'],
    ['policy_loaded', { verifyOnly: 'no ledger yet' }, {}, 'missing'],
    ['bus_ready', {}, { busReady: false }, 'missing'],
    ['pq_ok', { pqOk: false }, {}, 'missing'],
    ['disk_space', { freeBytes: 99 * GIB, totalBytes: 1000 * GIB }, {}, 'degraded'],
    ['disk_space', { freeBytes: GIB - 1, totalBytes: 2 * GIB }, {}, 'degraded'],
    ['disk_space', { freeBytes: 256 * 2 ** 20 - 1, totalBytes: GIB }, {}, 'missing'],
    ['disk_space', { freeBytes: 0, totalBytes: 0 }, {}, 'ok'],
    ['cap_root_age', { capRootAgeDays: 30 }, {}, 'ok'],
    ['cap_root_age', { capRootAgeDays: 31 }, {}, 'degraded'],
    ['governed', { governed: false }, {}, 'degraded'],
    ['not_draining', { draining: true }, {}, 'missing'],
  ])('%s with %j %j is %s alone', (key, state, around, level) => {
    const found = judge(state, around);
    expect(found.missing).toEqual(level === 'missing' ? [key] : []);
    expect(found.degraded).toEqual(level === 'degraded' ? [key] : []);
    expect(found.ready).toBe(level !== 'missing');
  });

  test('every key can be other than ok', () => {
    const worst = readinessLevels(
      {
        ...HEALTHY,
        backendReady: false,
        attestation: { required: true, ready: false, class: null },
        audit: { ...HEALTHY.audit, writable: false, checkpointAtMs: null },
        sinks: [{ name: 'one', kind: 'file', index: 0, behind: 1, lagMs: 60_000, error: null }],
        rngOk: false,
        clockOk: false,
        verifyCache: { entries: 0, ageMs: 1e9 },
        verifyOnly: 'x',
        pqOk: false,
        freeBytes: 1,
        capRootAgeDays: 31,
        governed: false,
        draining: true,
      },
      READINESS_CONFIG,
      { ...AROUND, listenerBound: false, reloadRefused: 'x', busReady: false },
    );
    expect(READINESS_KEYS.filter((key) => worst[key] === 'ok')).toEqual([]);
  });

  test('verify-only by configuration is degraded, not missing (C-54)', () => {
    const config = { ...READINESS_CONFIG, service: { verify_only: true } };
    const found = readiness({ ...HEALTHY, verifyOnly: 'configured' }, config, AROUND);
    expect([found.ready, found.degraded]).toEqual([true, ['policy_loaded']]);
  });
});

describe('a walk over the states (MS-18)', () => {
  type Step = readonly [string, (state: ServiceState) => ServiceState];
  const toggle = <K extends keyof ServiceState>(key: K, values: readonly ServiceState[K][]): Step[] =>
    values.map((value) => [`${key}=${JSON.stringify(value)}`, (state) => ({ ...state, [key]: value })] as const);

  const STEPS: readonly Step[] = [
    ...toggle('backendReady', [true, false]),
    ...toggle('backendLostAtMs', [null, 95_000, 1000]),
    ...toggle('attestation', [
      { required: true, ready: true, class: 'software' },
      { required: true, ready: false, class: null },
      { required: false, ready: false, class: null },
    ]),
    ...toggle('audit', [
      HEALTHY.audit,
      { ...HEALTHY.audit, writable: false },
      { ...HEALTHY.audit, checkpointOk: false },
      { ...HEALTHY.audit, integrityFailures: 2 },
      { ...HEALTHY.audit, checkpointAtMs: null },
    ]),
    ...toggle('verifyCache', [HEALTHY.verifyCache, { entries: 1, ageMs: 400_000 }, { entries: 1, ageMs: 700_000 }]),
    ...toggle('pqOk', [true, false]),
    ...toggle('draining', [true]),
    ...toggle('freeBytes', [HEALTHY.freeBytes, GIB, 1]),
  ];

  const reached = new Map<string, ServiceState>([[JSON.stringify(HEALTHY), HEALTHY]]);
  for (let queue = [HEALTHY]; queue.length > 0; ) {
    const state = queue.pop()!;
    for (const [, step] of STEPS) {
      const next = step(state);
      const key = JSON.stringify(next);
      if (!reached.has(key)) {
        reached.set(key, next);
        queue.push(next);
      }
    }
  }

  test('reaches what it should', () => {
    expect(reached.size).toBe(2 * 3 * 3 * 5 * 3 * 2 * 2 * 3);
  });

  test('in every state: ready exactly without a missing key, no key twice, and fail closed', () => {
    for (const state of reached.values()) {
      const found = readiness(state, READINESS_CONFIG, AROUND);
      const named = [...found.missing, ...found.degraded];
      const why = JSON.stringify({ state, found });
      if (found.ready !== (found.missing.length === 0)) expect.fail(why);
      if (found.ready !== (found.retry_after === 0)) expect.fail(why);
      if (new Set(named).size !== named.length) expect.fail(why);
      const mustFail =
        !state.audit.writable ||
        !state.audit.checkpointOk ||
        state.audit.integrityFailures > 0 ||
        (state.attestation.required && !state.attestation.ready) ||
        !state.pqOk ||
        state.draining;
      if (mustFail && found.ready) expect.fail(why);
    }
  });

  test('one change never makes another key better or worse', () => {
    for (const state of reached.values()) {
      const before = readinessLevels(state, READINESS_CONFIG, AROUND);
      for (const [name, step] of STEPS) {
        const after = readinessLevels(step(state), READINESS_CONFIG, AROUND);
        const changed = READINESS_KEYS.filter((key) => before[key] !== after[key]);
        // The two that one member of the state decides together.
        const together = changed.filter((key) => key !== 'audit_ready' && key !== 'checkpoint_recent');
        if (together.length > 1 || (together.length === 1 && changed.length > 1)) {
          expect.fail(`${name}: ${changed.join(', ')}`);
        }
      }
    }
  });
});

describe('pages', () => {
  test('/healthz repeats what readiness last found, and says ok before it was ever judged (C-44)', () => {
    expect(healthPage(null)).toEqual({ status: 'ok', ready: null, missing: [], degraded: [] });
    expect(healthPage(judge({ rngOk: false, governed: false }))).toEqual({
      status: 'ok',
      ready: false,
      missing: ['rng_ok'],
      degraded: ['governed'],
    });
  });

  test('/version names contract, package, runtime and the flags of the profile (C-65)', () => {
    const page = versionPage({ version: '0.1.0', runtime: '26.10.0', openssl: '3.5.0', provider: 'native' }, HEALTHY, {
      security: { attest_require: 'required' },
      tls: { enabled: true, pq_only: true },
      audit: { tlog: 'off' },
    });
    expect(page).toEqual({
      service: 'ron-kms',
      wire: '1.0.0',
      package: '0.1.0',
      runtime: '26.10.0',
      openssl: '3.5.0',
      provider: 'native',
      governed: true,
      profile: 'macronode',
      flags: {
        amnesia: false,
        backend: 'file',
        attest_require: 'required',
        verify_only: false,
        tls: true,
        tls_pq_only: true,
        tlog: 'off',
        grpc: false,
      },
    });
  });
});
