import { describe, expect, it } from 'vitest';
import { canonicalText, type Json, type JsonObject, parseCanonicalText } from '../../src/bytes/canonical-json.ts';
import { applyBackend, applyCeiling, applyChanges } from '../../src/policy/apply.ts';
import { PROFILE_NAMES } from '../../src/policy/profile.ts';
import {
  approvedValue,
  decodePolicyState,
  initialPolicy,
  type PolicyState,
  parseScope,
  policyStateJson,
  pqOf,
} from '../../src/policy/state.ts';
import { settled } from '../../src/rollout/phases.ts';
import { refusal } from '../support/refusal.ts';

const dev = initialPolicy('dev');
const text = (state: PolicyState): string => canonicalText(policyStateJson(state));
const reread = (state: PolicyState): PolicyState =>
  decodePolicyState(parseCanonicalText(text(state), 'state'), 'policy');
const set = (
  state: PolicyState,
  scope: 'global' | 'tenant:acme' | 'tenant:other',
  key: string,
  to: Json,
): PolicyState => applyChanges(state, scope, [{ key, to }], 'dev');

describe('a policy state', () => {
  it.each(PROFILE_NAMES)('start values of %s read back as the same bytes', (profile) => {
    const state = initialPolicy(profile);
    expect(text(reread(state))).toBe(text(state));
    expect(pqOf(state, 'global')).toEqual(settled(profile === 'macronode' ? 2 : 1));
  });

  const mangled: readonly [string, (json: Record<string, Json>) => void, string][] = [
    ['another version', (json) => (json['v'] = 2), 'policy.v'],
    ['an unknown member', (json) => (json['freezes'] = {}), 'policy.freezes'],
    ['no pq', (json) => (json['global'] = { 'caps.max_active': 1 }), 'policy.global.pq'],
    [
      'an unknown key',
      (json) => (json['global'] = { ...(json['global'] as JsonObject), 'caps.no': 1 }),
      'policy.global.caps.no',
    ],
    [
      'an alias',
      (json) => (json['global'] = { ...(json['global'] as JsonObject), max_active: 1 }),
      'policy.global.max_active',
    ],
    [
      'pq.phase beside pq',
      (json) => (json['global'] = { ...(json['global'] as JsonObject), 'pq.phase': 1 }),
      'policy.global.pq.phase',
    ],
    [
      'a value out of bounds',
      (json) => (json['global'] = { ...(json['global'] as JsonObject), 'caps.max_active': 0 }),
      'policy.global.caps.max_active',
    ],
    [
      'a value of another type',
      (json) => (json['global'] = { ...(json['global'] as JsonObject), 'caps.max_active': '1' }),
      'policy.global.caps.max_active',
    ],
    [
      'a global key of a tenant',
      (json) => (json['tenants'] = { acme: { 'service.amnesia': true } }),
      'policy.tenants.acme.service.amnesia',
    ],
    ['a tenant without override', (json) => (json['tenants'] = { acme: {} }), 'policy.tenants.acme'],
    [
      'a tenant id in upper case',
      (json) => (json['tenants'] = { ACME: { 'caps.max_active': 1 } }),
      'policy.tenants.ACME',
    ],
    [
      'a ceiling that may govern',
      (json) => (json['ceilings'] = { op: { tenants: ['a'], scopes: ['kms:govern'], max_ttl_s: 60, max_active: 1 } }),
      'policy.ceilings.op.scopes[0]',
    ],
    [
      'a ceiling for nobody',
      (json) => (json['ceilings'] = { op: { tenants: [], scopes: ['kms:sign'], max_ttl_s: 60, max_active: 1 } }),
      'policy.ceilings.op.tenants',
    ],
    [
      'a ceiling out of order',
      (json) =>
        (json['ceilings'] = { op: { tenants: ['b', 'a'], scopes: ['kms:sign'], max_ttl_s: 60, max_active: 1 } }),
      'policy.ceilings.op.tenants[1]',
    ],
    [
      'the source of a secret',
      (json) => (json['global'] = { ...(json['global'] as JsonObject), 'backends.pkcs11.pin_env': 'PIN' }),
      'policy.global.backends.pkcs11.pin_env',
    ],
  ];
  it.each(mangled)('with %s is refused', (_name, change, field) => {
    const json = { ...policyStateJson(dev) };
    change(json);
    const error = refusal(() => decodePolicyState(json, 'policy'));
    expect([error.code, error.field]).toEqual(['Malformed', field]);
  });

  it('tenant names from outside are only names', () => {
    const state = applyChanges(dev, 'tenant:constructor', [{ key: 'caps.max_active', to: 5 }], 'dev');
    expect(approvedValue(state, 'tenant:constructor', 'caps.max_active')).toBe(5);
    expect(approvedValue(dev, 'tenant:constructor', 'caps.max_active')).toBe(100);
    expect(approvedValue(reread(state), 'tenant:constructor', 'caps.max_active')).toBe(5);
  });
});

describe('changes', () => {
  it('a global change moves tenants without an override', () => {
    const state = set(dev, 'global', 'caps.max_ttl_s', 600);
    expect(approvedValue(state, 'tenant:acme', 'caps.max_ttl_s')).toBe(600);
  });

  it('the tighter of global and tenant is approved, whichever changes last', () => {
    const tenant = set(dev, 'tenant:acme', 'caps.max_ttl_s', 600);
    expect(approvedValue(set(tenant, 'global', 'caps.max_ttl_s', 300), 'tenant:acme', 'caps.max_ttl_s')).toBe(300);
    expect(approvedValue(set(tenant, 'global', 'caps.max_ttl_s', 1200), 'tenant:acme', 'caps.max_ttl_s')).toBe(600);
  });

  it('for PQ the higher phase is approved, then the higher percentage', () => {
    const tenant = applyChanges(
      dev,
      'tenant:acme',
      [
        { key: 'pq.phase', to: 2 },
        { key: 'pq.rollout_percent', to: 25 },
      ],
      'dev',
    );
    expect(pqOf(tenant, 'tenant:acme')).toEqual({ phase: 2, base_phase: 1, percent: 25 });
    expect(pqOf(tenant, 'tenant:other')).toEqual(settled(1));
    const global = set(tenant, 'global', 'pq.phase', 2);
    expect(pqOf(global, 'tenant:acme')).toEqual(settled(2));
  });

  it('a tenant starts from the global state', () => {
    const global = applyChanges(
      dev,
      'global',
      [
        { key: 'pq.phase', to: 2 },
        { key: 'pq.rollout_percent', to: 50 },
      ],
      'dev',
    );
    expect(pqOf(set(global, 'tenant:acme', 'pq.rollout_percent', 100), 'tenant:acme')).toEqual(settled(2));
  });

  it('a tenant may go back to the global value', () => {
    const raised = set(dev, 'tenant:acme', 'pq.phase', 2);
    expect(pqOf(set(raised, 'tenant:acme', 'pq.phase', 1), 'tenant:acme')).toEqual(settled(1));
    const short = set(dev, 'tenant:acme', 'caps.max_ttl_s', 60);
    expect(approvedValue(set(short, 'tenant:acme', 'caps.max_ttl_s', 900), 'tenant:acme', 'caps.max_ttl_s')).toBe(900);
  });

  it.each([
    ['caps.max_ttl_s', 901],
    ['pq.legacy_grace_days', 31],
    ['keys.rotate_max_days', 90],
    ['caps.max_active', 101],
  ] as const)('a tenant value looser than global is refused, naming exception: %s', (key, to) => {
    const state = set(dev, 'global', 'keys.rotate_max_days', 60);
    const error = refusal(() => set(state, 'tenant:acme', key, to));
    expect([error.code, error.exit, error.field]).toEqual(['PolicyRefused', 16, key]);
    expect(error.hint).toContain('exception');
  });

  it('a tenant phase or percentage below the global one is refused, naming exception', () => {
    const two = set(dev, 'global', 'pq.phase', 2);
    for (const [key, to] of [
      ['pq.phase', 1],
      ['pq.rollout_percent', 99],
    ] as const) {
      const error = refusal(() => set(two, 'tenant:acme', key, to));
      expect([error.code, error.field]).toEqual(['PolicyRefused', key]);
      expect(error.hint).toContain('exception');
    }
  });

  it.each([
    ['an unknown key', 'global', [{ key: 'caps.no', to: 1 }], 'UnknownKey', 'caps.no'],
    ['an alias in signed bytes', 'global', [{ key: 'pq_mode', to: 'and' }], 'UnknownKey', 'pq_mode'],
    ['pq itself', 'global', [{ key: 'pq', to: { phase: 2, base_phase: 2, percent: 100 } }], 'UnknownKey', 'pq'],
    [
      'a global key of a tenant',
      'tenant:acme',
      [{ key: 'service.amnesia', to: true }],
      'InvalidValue',
      'service.amnesia',
    ],
    ['the backend', 'global', [{ key: 'service.backend', to: 'inmem' }], 'InvalidValue', 'service.backend'],
    ['a backend setting', 'global', [{ key: 'backends.file.dir', to: 'x' }], 'InvalidValue', 'backends.file.dir'],
    ['a value out of bounds', 'global', [{ key: 'caps.max_ttl_s', to: 59 }], 'InvalidValue', 'caps.max_ttl_s'],
    ['a string for a number', 'global', [{ key: 'caps.max_ttl_s', to: '600' }], 'InvalidValue', 'caps.max_ttl_s'],
    ['the same value', 'global', [{ key: 'caps.max_ttl_s', to: 900 }], 'NoChange', 'caps.max_ttl_s'],
    ['the same phase', 'global', [{ key: 'pq.phase', to: 1 }], 'NoChange', 'pq.phase'],
    [
      'the same percentage with a raise',
      'global',
      [
        { key: 'pq.phase', to: 2 },
        { key: 'pq.rollout_percent', to: 100 },
      ],
      'NoChange',
      'pq.rollout_percent',
    ],
    [
      'a key twice',
      'global',
      [
        { key: 'caps.max_active', to: 1 },
        { key: 'caps.max_active', to: 2 },
      ],
      'InvalidValue',
      'caps.max_active',
    ],
    ['nothing', 'global', [], 'NoChange', 'changeset'],
  ] as const)('%s is refused', (_name, scope, changes, code, field) => {
    const error = refusal(() => applyChanges(dev, scope, changes, 'dev'));
    expect([error.code, error.field]).toEqual([code, field]);
  });

  it('a phase lowered out of a rollout must say that the percentage moves too', () => {
    const part = applyChanges(
      dev,
      'global',
      [
        { key: 'pq.phase', to: 2 },
        { key: 'pq.rollout_percent', to: 50 },
      ],
      'dev',
    );
    expect(refusal(() => set(part, 'global', 'pq.phase', 1)).message).toContain('the changeset must say so');
    const both = applyChanges(
      part,
      'global',
      [
        { key: 'pq.phase', to: 1 },
        { key: 'pq.rollout_percent', to: 100 },
      ],
      'dev',
    );
    expect(pqOf(both, 'global')).toEqual(settled(1));
  });

  it('a micronode keeps its bound', () => {
    const micronode = initialPolicy('micronode');
    expect(
      refusal(() => applyChanges(micronode, 'global', [{ key: 'freeze.max_minutes', to: 45 }], 'micronode')).code,
    ).toBe('InvalidValue');
  });

  it('leaves the old state as it was', () => {
    const before = text(dev);
    set(dev, 'tenant:acme', 'pq.phase', 2);
    expect(text(dev)).toBe(before);
  });
});

describe('ceilings and backends', () => {
  const ceiling = { tenants: ['acme'], scopes: ['kms:sign'], max_ttl_s: 600, max_active: 10 };
  it('a ceiling is set, replaced and removed', () => {
    const one = applyCeiling(dev, 'operator', ceiling);
    expect(reread(one).ceilings['operator']).toEqual(ceiling);
    expect(applyCeiling(one, 'operator', { ...ceiling, max_active: 1 }).ceilings['operator']?.max_active).toBe(1);
    expect(text(applyCeiling(one, 'operator', null))).toBe(text(dev));
    expect(refusal(() => applyCeiling(dev, 'operator', null)).code).toBe('NoChange');
  });
  it('a backend change replaces all backend settings', () => {
    const hsm = applyBackend(dev, 'pkcs11', { slot_label: 'RON-KMS' });
    expect(reread(hsm).global['backends.pkcs11.slot_label']).toBe('RON-KMS');
    const file = applyBackend(hsm, 'file', {});
    expect(text(file)).toBe(text(dev));
    expect(refusal(() => applyBackend(dev, 'file', {})).code).toBe('NoChange');
    expect(refusal(() => applyBackend(dev, 'disk', {})).code).toBe('InvalidValue');
    expect(refusal(() => applyBackend(dev, 'pkcs11', { pin_env: 'X' })).message).toContain('secret');
    expect(refusal(() => applyBackend(dev, 'pkcs11', { 'a.b': 'X' })).code).toBe('UnknownKey');
  });
});

describe('scopes', () => {
  it.each(['global', 'tenant:acme', 'tenant:a.b-c_d'])('%s', (scope) => {
    expect(parseScope(scope, '--scope')).toBe(scope);
  });
  it.each([
    '',
    'Global',
    'tenant:',
    'tenant:ACME',
    'tenant:../x',
    'service:kms',
    `tenant:${'a'.repeat(65)}`,
    'tenant:_instance',
  ])('%j is refused', (scope) => {
    const error = refusal(() => parseScope(scope, '--scope'));
    expect([error.code, error.field]).toEqual(['InvalidValue', '--scope']);
  });
});
