import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/bytes/canonical-json.ts';
import { PROFILE_NAMES, type Profile, parseProfile } from '../../src/policy/profile.ts';
import { type KeyRow, namesOf, PHASE_INPUTS, REGISTRY, resolveKey, rowOf } from '../../src/policy/registry.ts';
import {
  boundsText,
  type Comparison,
  checkValue,
  compare,
  formatValue,
  parseValue,
  tuneBounds,
} from '../../src/policy/value.ts';
import { refusal } from '../support/refusal.ts';

/** The table of governance page 4, by hand: key, other names, scope, tighter, sensitive, a tighter step, too big or wrong. */
const TABLE: readonly [string, string[], string, string, string, [Json, Json, Comparison], string[]][] = [
  ['pq.phase', ['pq_phase', 'phase'], 'g,t', 'up', 'yes', [1, 2, 'tighter'], ['4', '-1', 'and']],
  ['pq.rollout_percent', ['rollout_percent'], 'g,t', 'up', 'yes', [50, 10, 'looser'], ['101', '1.5', '050']],
  [
    'pq.legacy_grace_days',
    ['pq_legacy_grace_days', 'legacy_grace_days'],
    'g,t',
    'down',
    'yes',
    [30, 0, 'tighter'],
    ['91', '-0', '1e1'],
  ],
  [
    'security.attest_require',
    ['attest_require'],
    'g',
    'right',
    'both-ways',
    ['never', 'if-available', 'tighter'],
    ['Never', ''],
  ],
  [
    'security.attest_classes',
    ['attest_classes'],
    'g',
    'subset',
    'yes',
    [['software', 'tpm'], ['tpm'], 'tighter'],
    ['', 'soft', 'tpm,'],
  ],
  ['service.backend', ['backend'], 'g', 'equal', 'yes', ['file', 'pkcs11', 'different'], ['disk']],
  ['service.amnesia', ['amnesia'], 'g', 'equal', 'yes', [true, false, 'different'], ['yes', '1', 'TRUE']],
  ['service.allow_sign_fallback', ['allow_sign_fallback'], 'g', 'false', 'yes', [true, false, 'tighter'], ['no']],
  [
    'service.allowed_algs',
    ['allowed_algs'],
    'g',
    'subset',
    'yes',
    [['ed25519'], ['ed25519', 'hybrid'], 'looser'],
    ['rsa', 'ed25519,rsa'],
  ],
  ['keys.rotate_max_days', ['rotate_max_days'], 'g,t', 'down', 'yes', [90, 30, 'tighter'], ['0', '91']],
  ['freeze.max_minutes', ['max_minutes'], 'g', 'equal', 'yes', [60, 30, 'different'], ['0', '61']],
  ['caps.max_ttl_s', ['max_ttl_s'], 'g,t', 'down', 'yes', [900, 901, 'looser'], ['59', '86401']],
  ['caps.max_active', ['max_active'], 'g,t', 'down', 'tunable', [100, 99, 'tighter'], ['0', '10001']],
  ['caps.mint_per_min', ['mint_per_min'], 'g,t', 'down', 'tunable', [10, 11, 'looser'], ['0', '6001']],
  ['limits.max_inflight_sign', ['max_inflight_sign'], 'g', 'down', 'tunable', [512, 1, 'tighter'], ['0', '65537']],
  ['limits.max_inflight_verify', ['max_inflight_verify'], 'g', 'down', 'tunable', [1, 2, 'looser'], ['0', '65537']],
  [
    'limits.tenant_share_min_permille',
    ['limits.tenant_share_min', 'tenant_share_min_permille'],
    'g',
    'up',
    'tunable',
    [50, 51, 'tighter'],
    ['0', '501', '0.05'],
  ],
  ['verify_cache.max_entries', ['max_entries'], 'g', 'down', 'tunable', [1, 0, 'tighter'], ['1048577']],
  ['verify_cache.ttl_ms', ['verify_cache_ttl_ms', 'ttl_ms'], 'g', 'down', 'tunable', [1, 1, 'equal'], ['3600001']],
];

const START: Readonly<Record<string, readonly [dev: Json, micronode: Json, macronode: Json]>> = {
  'pq.phase': [1, 1, 2],
  'pq.rollout_percent': [100, 100, 100],
  'pq.legacy_grace_days': [30, 30, 30],
  'security.attest_require': ['never', 'if-available', 'required'],
  'service.amnesia': [false, true, false],
  'freeze.max_minutes': [60, 30, 60],
  'keys.rotate_max_days': [90, 90, 90],
  'caps.max_ttl_s': [900, 900, 900],
  'caps.max_active': [100, 100, 100],
  'caps.mint_per_min': [10, 10, 10],
  'service.allow_sign_fallback': [false, false, false],
};

const row = (key: string): KeyRow => rowOf(key)!;

describe('the registry', () => {
  it('has exactly the rows of the table', () => {
    expect(REGISTRY.map((one) => one.key)).toEqual(TABLE.map(([key]) => key));
  });

  it.each(TABLE)('%s', (key, others, scope, tighter, sensitive, [from, to, comparison], wrong) => {
    const one = row(key);
    expect(namesOf(one)).toEqual([key, ...others]);
    expect(one.scope).toBe(scope === 'g' ? 'global' : 'global-and-tenant');
    expect(one.tighter).toBe(tighter);
    expect(one.sensitive).toBe(sensitive);
    expect(compare(one, from, to)).toBe(comparison);
    for (const name of [key, ...others]) expect(resolveKey(name), name).toBe(one);
    for (const text of wrong) {
      const error = refusal(() => parseValue(one, text));
      expect([error.code, error.field], text).toEqual(['InvalidValue', key]);
      expect(error.message).toContain(boundsText(one));
    }
  });

  it.each(Object.entries(START))('%s starts as the profile says', (key, [dev, micronode, macronode]) => {
    const start = (profile: Profile): Json => row(key).start!(profile);
    expect([start('dev'), start('drill'), start('micronode'), start('macronode')]).toEqual([
      dev,
      dev,
      micronode,
      macronode,
    ]);
  });

  it('every start value is within its bounds, prints and reads back', () => {
    for (const one of REGISTRY) {
      for (const profile of PROFILE_NAMES) {
        const value = one.start!(profile);
        expect(checkValue(one, value, profile)).toEqual(value);
        expect(parseValue(one, formatValue(value), profile)).toEqual(value);
      }
    }
  });

  it('no name means two things', () => {
    const names = [...REGISTRY.flatMap(namesOf), ...Object.keys(PHASE_INPUTS)];
    expect(new Set(names).size).toBe(names.length);
  });

  it('a micronode freezes at most 30 minutes', () => {
    expect(parseValue(row('freeze.max_minutes'), '30', 'micronode')).toBe(30);
    expect(refusal(() => parseValue(row('freeze.max_minutes'), '31', 'micronode')).message).toContain('1 to 30');
    expect(parseValue(row('freeze.max_minutes'), '31', 'dev')).toBe(31);
  });

  it('sets are sorted and unique in signed bytes, in any order as typed', () => {
    const algs = row('service.allowed_algs');
    expect(parseValue(algs, 'ml-dsa,ed25519,ml-dsa')).toEqual(['ed25519', 'ml-dsa']);
    for (const value of [['ml-dsa', 'ed25519'], ['ed25519', 'ed25519'], [], 'ed25519', ['rsa'], [1]]) {
      expect(refusal(() => checkValue(algs, value)).code).toBe('InvalidValue');
    }
  });

  it('sets that only overlap are neither tighter nor looser', () => {
    expect(compare(row('service.allowed_algs'), ['ed25519', 'hybrid'], ['ed25519', 'ml-dsa'])).toBe('different');
  });
});

describe('unknown keys', () => {
  it.each([
    ['pq_mod', 'pq_mode'],
    ['pq.verifymode', 'pq.verify_mode'],
    ['caps.max_ttl', 'caps.max_ttl_s'],
    ['rollout', 'rollout_percent'],
    ['hybrid_mode', 'verify_mode'],
  ])('%s is refused, naming %s', (name, near) => {
    const error = refusal(() => resolveKey(name));
    expect([error.code, error.field]).toEqual(['UnknownKey', name]);
    expect(error.hint).toContain(near);
  });
  it.each(['__proto__', 'constructor', 'toString', '', 'pq.', 'backends.disk.dir', 'Pq_Mode'])(
    '%j is refused',
    (name) => {
      expect(refusal(() => resolveKey(name)).code).toBe('UnknownKey');
      expect(rowOf(name)).toBeNull();
    },
  );
  it('an alias is no canonical name', () => {
    for (const name of ['rollout_percent', 'pq_mode', 'limits.tenant_share_min', 'ttl_ms'])
      expect(rowOf(name)).toBeNull();
  });
  it('a source of a secret is never policy', () => {
    for (const name of ['backends.file.passphrase_file', 'backends.pkcs11.pin_env', 'backends.cloud.token_file']) {
      expect(refusal(() => resolveKey(name)).message).toContain('where a secret comes from');
    }
    expect(resolveKey('backends.pkcs11.slot_label')).toMatchObject({ byBackendChange: true });
  });
});

describe('bounds of a tune', () => {
  it.each([
    [100, 80, 120],
    [10, 8, 12],
    [1, 1, 1],
    [3, 3, 3],
    [7, 6, 8],
    [0, 0, 0],
    [512, 410, 614],
  ])('of %i are %i to %i', (approved, min, max) => {
    expect(tuneBounds(approved)).toEqual({ min, max });
  });
});

describe('profiles', () => {
  it('other words are refused', () => {
    for (const word of ['', 'Dev', 'prod', '__proto__']) {
      const error = refusal(() => parseProfile(word, '--profile'));
      expect([error.code, error.field]).toEqual(['InvalidValue', '--profile']);
    }
    expect(parseProfile('drill', '--profile')).toBe('drill');
  });
});
