// R-34 and C-74: every row of the registry from every source, looser refused, equal and tighter accepted.

import { describe, expect, test } from 'vitest';
import type { Json } from '../../src/bytes/canonical-json.ts';
import { serverKeys } from '../../src/config/server-keys.ts';
import { judgeAgainstLedger, type LedgerJudgement, type LedgerPolicy } from '../../src/config/server-ledger.ts';
import { toFile, toText, type Value } from '../../src/config/server-value.ts';
import type { Judged, Overlay } from '../../src/policy/overlay.ts';
import { type KeyRow, REGISTRY } from '../../src/policy/registry.ts';
import { initialPolicy, type PolicyState, pqJson } from '../../src/policy/state.ts';
import { formatValue } from '../../src/policy/value.ts';
import type { PqState } from '../../src/rollout/phases.ts';
import { resolveOf, type TestSources } from '../support/server-config.ts';

const judged: Judged = { now: { wall: '2026-11-20T00:00:00.000Z', boot_id: 'b', boottime_ms: 1 }, highWaterMs: 0 };

function ledgerOf(values: Readonly<Record<string, Json>>, more: Partial<LedgerPolicy> = {}): LedgerPolicy {
  const start = initialPolicy('dev');
  const policy: PolicyState = { ...start, global: { ...start.global, ...values } };
  return { governed: true, name: 'ledger abc', profile: 'dev', policy, overlays: [], ...more };
}

const pq = (phase: number, percent = 100): Json =>
  pqJson({ phase, percent, base_phase: percent === 100 ? phase : phase - 1 } as PqState);

async function judge(sources: TestSources, ledger: LedgerPolicy): Promise<LedgerJudgement> {
  return judgeAgainstLedger(await resolveOf(sources), ledger, judged);
}

interface Case {
  /** Value in the ledger, and values that are looser and tighter than it; none where there is no direction. */
  readonly approved: Json;
  readonly looser: readonly Json[];
  readonly tighter: readonly Json[];
}

/** A value in the middle, one beside it on either side. */
function caseOf(row: KeyRow): Case {
  const { type } = row;
  switch (row.tighter) {
    case 'up':
      return { approved: 100, looser: [99], tighter: [101] };
    case 'down': {
      const { min, max } = type as Extract<typeof type, { kind: 'integer' }>;
      const middle = Math.floor((min + max) / 2);
      return { approved: middle, looser: [middle + 1], tighter: [middle - 1] };
    }
    case 'right':
      return { approved: 'if-available', looser: ['never'], tighter: ['required'] };
    case 'false':
      return { approved: false, looser: [true], tighter: [] };
    case 'subset': {
      const { values } = type as Extract<typeof type, { kind: 'set' }>;
      const [a, b, c] = [...values].sort() as [string, string, string];
      // A set that only overlaps is not within the approved one either.
      return { approved: [a, b], looser: [[a, b, c], [a, c], [c]], tighter: [[a]] };
    }
    default:
      if (type.kind === 'boolean') return { approved: true, looser: [false], tighter: [] };
      if (type.kind === 'choice') return { approved: 'inmem', looser: ['file'], tighter: [] };
      return { approved: 10, looser: [9, 11], tighter: [] };
  }
}

const configurable = serverKeys().flatMap((row) => {
  const governing = REGISTRY.find(({ key }) => key === row.registry);
  return governing === undefined || row.key.startsWith('pq.') ? [] : [{ row, governing }];
});

/** The same value by file, variable and flag. */
function sourcesOf(row: (typeof configurable)[number]['row'], value: Json): [origin: string, sources: TestSources][] {
  const given = value as Exclude<Value, null>;
  const text = toText(row.type, given);
  const out: [string, TestSources][] = [
    ['/h/ron-kms.toml:1', { file: `${row.key} = ${JSON.stringify(toFile(row.type, given))}\n` }],
    [row.env, { env: { [row.env]: text } }],
  ];
  if (row.flag !== undefined) {
    out.push([`--${row.flag}`, { flags: { [row.flag]: row.type.kind === 'boolean' ? text === 'true' : text } }]);
  }
  return out;
}

test('every row of the registry can be configured', () => {
  const named = new Set([
    ...configurable.map(({ governing }) => governing.key),
    'pq.phase',
    'pq.rollout_percent',
    'pq.legacy_grace_days',
  ]);
  expect(REGISTRY.map(({ key }) => key).filter((key) => !named.has(key))).toEqual([]);
});

describe.each(configurable.map(({ row, governing }) => [row.key, row, governing] as const))(
  '%s',
  (_key, row, governing) => {
    const { approved, looser, tighter } = caseOf(governing);
    const ledger = ledgerOf({ [governing.key]: approved });
    const ofRow = (judgement: LedgerJudgement) => judgement.violations.filter(({ key }) => key === row.key);

    for (const value of looser) {
      test.each(sourcesOf(row, value))(`${JSON.stringify(value)} from %s is looser`, async (origin, sources) => {
        const [found, ...more] = ofRow(await judge(sources, ledger));
        expect(more).toEqual([]);
        expect(found).toMatchObject({ code: 'RefusedConfig', origin });
        // Both values and their origins.
        expect(found!.message).toContain(`${origin}: ${row.key} = ${formatValue(value)}`);
        expect(found!.message).toContain(`not within ${formatValue(approved)}, which ledger abc says`);
      });
    }

    for (const value of [approved, ...tighter]) {
      test.each(sourcesOf(row, value))(`${JSON.stringify(value)} from %s is accepted`, async (origin, sources) => {
        const judgement = await judge(sources, ledger);
        expect(ofRow(judgement)).toEqual([]);
        const found = judgement.tightened.filter(({ key }) => key === governing.key);
        expect(found).toEqual(
          value === approved ? [] : [{ key: governing.key, ledger: approved, configured: value, origin }],
        );
      });
    }

    test('without configuration follows the ledger', async () => {
      const judgement = await judge({}, ledger);
      expect(ofRow(judgement)).toEqual([]);
      expect(judgement.origins.get(row.key)).toBe('ledger abc');
      const found = row.member
        .split('.')
        .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], judgement.config);
      expect(found).toEqual(approved);
    });
  },
);

describe('pq.*', () => {
  const cases: readonly (readonly [
    state: Json,
    env: Readonly<Record<string, string>>,
    accepted: boolean,
    text: string,
  ])[] = [
    [
      pq(2),
      { RON_KMS_PQ_VERIFY_MODE: 'or' },
      false,
      'means phase 1 (or), looser than phase 2 (and), which ledger abc says',
    ],
    [pq(2), { RON_KMS_PQ_VERIFY_MODE: 'and' }, true, ''],
    [pq(2), { RON_KMS_PQ_VERIFY_MODE: 'pq_only' }, true, 'phase 3'],
    [pq(1), { RON_KMS_PQ_PRODUCE_HYBRID: 'false' }, false, 'phase 0 (off)'],
    [pq(1), { RON_KMS_PQ_PRODUCE_HYBRID: 'true' }, true, ''],
    [pq(3), { RON_KMS_PQ_PRODUCE_HYBRID: 'false' }, true, ''],
    [pq(2, 50), { RON_KMS_PQ_ROLLOUT_PERCENT: '49' }, false, 'phase 2 (and) at 49 %'],
    [pq(2, 50), { RON_KMS_PQ_ROLLOUT_PERCENT: '50' }, true, ''],
    [pq(2, 50), { RON_KMS_PQ_ROLLOUT_PERCENT: '60' }, true, '60'],
    [pq(1), { RON_KMS_PQ_VERIFY_MODE: 'and', RON_KMS_PQ_ROLLOUT_PERCENT: '10' }, true, '10'],
    [pq(2), { RON_KMS_PQ_VERIFY_MODE: 'or', RON_KMS_PQ_ROLLOUT_PERCENT: '100' }, false, 'phase 1 (or)'],
    [pq(2), { KMS_PQ_VERIFY_MODE: 'or' }, false, 'KMS_PQ_VERIFY_MODE: pq.verify_mode = or'],
    [pq(2), { KMS_PQ_MODE: 'off' }, false, 'phase 0 (off)'],
    [pq(1), { RON_KMS_PQ_VERIFY_MODE: 'pq_only', RON_KMS_PQ_PRODUCE_HYBRID: 'false' }, true, 'phase 3'],
    [pq(2), { RON_KMS_PQ_PRODUCE_HYBRID: 'false' }, false, 'impossible combination'],
  ];
  test.each(cases)('%j with %j', async (state, env, accepted, text) => {
    const { violations, tightened, local } = await judge({ env }, ledgerOf({ pq: state }));
    expect(violations.length === 0).toBe(accepted);
    if (!accepted) expect(violations[0]!.message).toContain(text);
    else expect([tightened.length, local.pq !== null]).toEqual(text === '' ? [0, false] : [1, true]);
    if (accepted && text !== '') expect(`${JSON.stringify(tightened)}phase ${local.pq!.phase}`).toContain(text);
  });

  test.each([
    ['/h/ron-kms.toml:1', { file: 'pq.verify_mode = "or"' }],
    ['RON_KMS_PQ_VERIFY_MODE', { env: { RON_KMS_PQ_VERIFY_MODE: 'or' } }],
    ['--pq-verify', { flags: { 'pq-verify': 'or' } }],
  ] as const)('a looser mode from %s', async (origin, sources) => {
    const { violations } = await judge(sources, ledgerOf({ pq: pq(2) }));
    expect(violations).toMatchObject([{ code: 'RefusedConfig', key: 'pq.verify_mode', origin }]);
  });

  test('pq.legacy_grace_days', async () => {
    const ledger = ledgerOf({ 'pq.legacy_grace_days': 20 });
    expect((await judge({ env: { RON_KMS_PQ_LEGACY_GRACE_DAYS: '21' } }, ledger)).violations).toHaveLength(1);
    expect((await judge({ env: { RON_KMS_PQ_LEGACY_GRACE_DAYS: '20' } }, ledger)).violations).toEqual([]);
  });
});

describe('pq.sign_algo', () => {
  const env = { RON_KMS_PQ_SIGN_ALGO: 'slh-dsa' };
  test('slh-dsa makes no key of ML-DSA alone in this process', async () => {
    const judgement = await judge({ env }, ledgerOf({ 'service.allowed_algs': ['ed25519', 'ml-dsa', 'slh-dsa'] }));
    expect(judgement.violations).toEqual([]);
    expect(judgement.config.service.allowed_algs).toEqual(['ed25519', 'slh-dsa']);
    expect(judgement.local.values).toEqual({ 'service.allowed_algs': ['ed25519', 'slh-dsa'] });
    expect(judgement.tightened).toMatchObject([{ key: 'service.allowed_algs', origin: 'RON_KMS_PQ_SIGN_ALGO' }]);
  });
  test('goes together with a configured list', async () => {
    const both = { ...env, RON_KMS_ALLOWED_ALGS: 'ml-dsa,hybrid' };
    expect((await judge({ env: both }, ledgerOf({}))).local.values).toEqual({ 'service.allowed_algs': ['hybrid'] });
  });
  test('is refused when it leaves nothing', async () => {
    const { violations } = await judge({ env }, ledgerOf({ 'service.allowed_algs': ['ml-dsa'] }));
    expect(violations).toMatchObject([{ code: 'RefusedConfig', key: 'pq.sign_algo' }]);
  });
  test('ml-dsa changes nothing', async () => {
    expect((await judge({}, ledgerOf({}))).tightened).toEqual([]);
  });
});

describe('before adoption', () => {
  const ledger = ledgerOf({}, { governed: false, name: 'profile dev' });
  test('pq.* may be equal to the start phase or tighter', async () => {
    expect((await judge({ env: { RON_KMS_PQ_PRODUCE_HYBRID: '0' } }, ledger)).violations).toHaveLength(1);
    expect((await judge({ env: { RON_KMS_PQ_VERIFY_MODE: 'or' } }, ledger)).violations).toEqual([]);
    expect((await judge({ env: { RON_KMS_PQ_VERIFY_MODE: 'and' } }, ledger)).local.pq).toMatchObject({ phase: 2 });
  });
  test('everything else is configuration', async () => {
    const env = { RON_KMS_BACKEND: 'inmem', RON_KMS_CAPS_MAX_TTL_S: '86400' };
    const { violations, config, origins, local } = await judge({ env }, ledger);
    expect([violations, config.caps.max_ttl_s, origins.get('caps.max_active')]).toEqual([[], 86_400, 'default']);
    expect(local.values).toEqual({ 'service.backend': 'inmem', 'caps.max_ttl_s': 86_400 });
  });
});

describe('what stands over approved values', () => {
  const scope = 'global' as const;
  const tune: Overlay = { kind: 'tune', seq: 3, scope, key: 'caps.max_active', to: 80, baseline: 100 };
  const exception: Overlay = {
    kind: 'exception',
    seq: 4,
    scope,
    judged_at: judged.now,
    duration_s: 3600,
    changes: [{ key: 'caps.max_ttl_s', to: 3600 }],
  };
  const ledger = ledgerOf({}, { overlays: [tune, exception] });

  test('a tune counts', async () => {
    expect((await judge({ env: { RON_KMS_CAPS_MAX_ACTIVE: '90' } }, ledger)).violations).toHaveLength(1);
    expect((await judge({}, ledger)).config.caps.max_active).toBe(80);
  });
  test('an exception does not: it ends', async () => {
    const { violations } = await judge({ env: { RON_KMS_CAPS_MAX_TTL_S: '3600' } }, ledger);
    expect(violations[0]!.message).toContain('caps.max_ttl_s = 3600 is not within 900');
  });
});

test('backends.* of the ledger must be equal', async () => {
  const ledger = ledgerOf({ 'backends.file.aead': 'aes-gcm' });
  const { violations } = await judge({ env: { RON_KMS_FILE_AEAD: 'chacha20poly1305' } }, ledger);
  expect(violations).toMatchObject([{ key: 'backends.file.aead', origin: 'RON_KMS_FILE_AEAD' }]);
  expect((await judge({}, ledger)).config.backends.file.aead).toBe('aes-gcm');
  expect((await judge({ env: { RON_KMS_FILE_AEAD: 'aes-gcm' } }, ledger)).violations).toEqual([]);
});

test('judged again after the ledger moved, what nobody configured follows it', async () => {
  const first = await judge({}, ledgerOf({ 'caps.max_ttl_s': 900 }));
  const again = judgeAgainstLedger(first, ledgerOf({ 'caps.max_ttl_s': 600, pq: pq(3) }), judged);
  expect([again.violations, again.config.caps.max_ttl_s]).toEqual([[], 600]);
});

test('another profile than the genesis is refused', async () => {
  const { violations } = await judge({ env: { RON_KMS_PROFILE: 'drill' } }, ledgerOf({}));
  expect(violations).toMatchObject([{ code: 'RefusedConfig', key: 'profile', origin: 'RON_KMS_PROFILE' }]);
});
