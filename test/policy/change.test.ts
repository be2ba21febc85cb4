import { describe, expect, it } from 'vitest';
import { applyChanges } from '../../src/policy/apply.ts';
import {
  actionRisk,
  buildChangeset,
  type Changeset,
  changesetRisk,
  isSensitive,
  kindOfChangeset,
  parseChange,
  parseChangeFile,
  pqDirectionOf,
  staleKey,
} from '../../src/policy/change.ts';
import { checkRollback, defaultRollback, rollbackFor, rollbackRequired } from '../../src/policy/rollback.ts';
import { initialPolicy, type PolicyState, type Scope } from '../../src/policy/state.ts';
import { refusal } from '../support/refusal.ts';

const dev = initialPolicy('dev');
const macronode = initialPolicy('macronode');
const build = (text: string, state: PolicyState = dev, scope: Scope = 'tenant:acme') =>
  buildChangeset(
    text.split(' ').map((one) => parseChange(one, '--change')),
    state,
    scope,
    'dev',
  );
const changes = (text: string, state?: PolicyState, scope?: Scope): Changeset => build(text, state, scope).changeset;
const at = (text: string, state: PolicyState = dev, scope: Scope = 'tenant:acme'): PolicyState =>
  build(text, state, scope).after;

const two = at('pq_mode=and');
const twoAt50 = at('pq_mode=and rollout_percent=50');
const three = at('pq_mode=pq_only', two);

describe('changesets', () => {
  it('the documented line: pq_mode=and', () => {
    expect(changes('pq_mode=and')).toEqual([{ key: 'pq.phase', from: 1, to: 2 }]);
  });
  it('every name of the phase gives the same changeset', () => {
    for (const name of [
      'pq_mode=and',
      'pq.mode=and',
      'verify_mode=and',
      'pq.verify_mode=and',
      'pq.phase=2',
      'phase=2',
    ]) {
      expect(changes(name), name).toEqual(changes('pq_mode=and'));
    }
  });
  it('several names that agree are one change', () => {
    expect(changes('pq_mode=and verify_mode=and produce_hybrid=true pq.phase=2')).toHaveLength(1);
  });
  it('a raise with a percentage names both keys', () => {
    expect(changes('pq_mode=and rollout_percent=10')).toEqual([
      { key: 'pq.phase', from: 1, to: 2 },
      { key: 'pq.rollout_percent', from: 100, to: 10 },
    ]);
  });
  it('a raise with percent 100 names the phase only', () => {
    expect(changes('pq_mode=and rollout_percent=100')).toEqual(changes('pq_mode=and'));
  });
  it('lowering out of a rollout names the percentage too', () => {
    expect(changes('pq_mode=or', twoAt50)).toEqual([
      { key: 'pq.phase', from: 2, to: 1 },
      { key: 'pq.rollout_percent', from: 50, to: 100 },
    ]);
  });
  it('is sorted by key and takes canonical names', () => {
    expect(changes('rotate_max_days=30 max_ttl_s=600 pq_mode=and').map((entry) => entry.key)).toEqual([
      'caps.max_ttl_s',
      'keys.rotate_max_days',
      'pq.phase',
    ]);
  });
  it('a change file is the same as flags', () => {
    const inputs = parseChangeFile(
      [
        { key: 'service.allowed_algs', to: ['hybrid', 'ml-dsa'] },
        { key: 'security.attest_require', to: 'required' },
        { key: 'produce_hybrid', to: true },
        { key: 'pq_mode', to: 'and' },
      ],
      'changes.json',
    );
    expect(buildChangeset(inputs, dev, 'global', 'dev').changeset).toEqual(
      changes('allowed_algs=ml-dsa,hybrid attest_require=required pq_mode=and', dev, 'global'),
    );
    expect(refusal(() => parseChangeFile([{ key: 'pq_mode' }], 'changes.json')).field).toBe('changes.json[0].to');
    expect(refusal(() => parseChangeFile([{ key: 'pq_mode', to: 1, from: 0 }], 'changes.json')).code).toBe('Malformed');
  });

  it.each([
    ['pq_mode=and on a macronode', 'pq_mode=and', macronode, 'NoChange', 'pq.phase'],
    ['from off to and', 'pq_mode=and', at('pq_mode=off', dev, 'global'), 'InvalidValue', 'pq.phase'],
    ['the phase against the mode', 'pq_mode=and pq.phase=1', dev, 'InvalidValue', 'pq.phase'],
    ['two modes', 'pq_mode=and verify_mode=or', dev, 'InvalidValue', 'pq_mode'],
    ['and without hybrid', 'pq_mode=and produce_hybrid=false', dev, 'InvalidValue', 'pq_mode'],
    ['one mode by two names', 'pq_mode=and pq.mode=and', dev, 'InvalidValue', 'pq_mode'],
    ['one key by two names', 'max_ttl_s=600 caps.max_ttl_s=600', dev, 'InvalidValue', 'caps.max_ttl_s'],
    ['percent twice', 'rollout_percent=1 pq.rollout_percent=2', dev, 'InvalidValue', 'pq.rollout_percent'],
    ['phase twice', 'pq.phase=2 phase=2', dev, 'InvalidValue', 'pq.phase'],
    ['an unknown mode', 'pq_mode=hybrid', dev, 'InvalidValue', 'pq_mode'],
    ['an unknown key', 'pq_mood=and', dev, 'UnknownKey', 'pq_mood'],
    ['one change of two that changes nothing', 'pq_mode=and max_ttl_s=900', dev, 'NoChange', 'caps.max_ttl_s'],
    ['no equals sign', 'pq_mode', dev, 'InvalidValue', '--change'],
    ['no key', '=and', dev, 'InvalidValue', '--change'],
    ['a global key of a tenant', 'amnesia=true', dev, 'InvalidValue', 'service.amnesia'],
  ] as const)('%s is refused', (_name, text, state, code, field) => {
    const error = refusal(() => changes(text, state));
    expect([error.code, error.field]).toEqual([code, field]);
  });

  it('nothing and too much are refused', () => {
    expect(refusal(() => buildChangeset([], dev, 'global', 'dev')).code).toBe('NoChange');
    const many = Array.from({ length: 33 }, () => parseChange('pq_mode=and', '--change'));
    expect(refusal(() => buildChangeset(many, dev, 'global', 'dev')).code).toBe('TooLarge');
  });

  it('a stale from is named', () => {
    expect(staleKey(dev, 'tenant:acme', changes('pq_mode=and'))).toBeNull();
    expect(staleKey(two, 'tenant:acme', changes('pq_mode=and'))).toBe('pq.phase');
  });
});

describe('sensitivity and risk', () => {
  it.each([
    ['pq_mode=and', true, 'medium', 'pq', dev],
    ['pq_mode=and rollout_percent=10', true, 'medium', 'pq', dev],
    ['pq_mode=or', true, 'high', 'pq', two],
    ['pq_mode=or', true, 'high', 'pq', twoAt50],
    ['pq_mode=pq_only', true, 'high', 'pq', two],
    ['rollout_percent=90', true, 'high', 'pq', three],
    ['rollout_percent=90', true, 'medium', 'pq', twoAt50],
    ['rollout_percent=10', true, 'high', 'pq', twoAt50],
    ['legacy_grace_days=10', true, 'medium', 'pq', dev],
    ['max_ttl_s=600', true, 'medium', 'policy', dev],
    ['mint_per_min=8', false, 'low', 'policy', dev],
    ['mint_per_min=7', true, 'medium', 'policy', dev],
    ['pq_mode=and mint_per_min=8', true, 'medium', 'pq', dev],
  ] as const)('%s: sensitive %s, risk %s, kind %s', (text, sensitive, risk, kind, state) => {
    const changeset = changes(text, state);
    expect(changeset.some(isSensitive)).toBe(sensitive);
    expect(changesetRisk(changeset, state, 'tenant:acme')).toBe(risk);
    expect(kindOfChangeset(changeset)).toBe(kind);
  });

  it.each([
    ['attest_require=required', 'medium'],
    ['legacy_grace_days=31', 'high'],
    ['amnesia=true', 'high'],
    ['max_minutes=30', 'high'],
    ['allow_sign_fallback=true', 'high'],
    ['allowed_algs=ed25519', 'medium'],
    ['attest_classes=software,tpm', 'high'],
    ['attest_classes=tpm', 'high'],
    ['max_inflight_sign=614', 'low'],
    ['max_inflight_sign=615', 'high'],
    ['max_inflight_sign=400', 'medium'],
    ['tenant_share_min_permille=10', 'high'],
  ])('globally %s has risk %s', (text, risk) => {
    const changeset = changes(text, dev, 'global');
    expect(changesetRisk(changeset, dev, 'global')).toBe(risk);
  });

  it('both directions of attestation are sensitive (C-75)', () => {
    expect(changes('attest_require=required', dev, 'global').every(isSensitive)).toBe(true);
    expect(changes('attest_require=never', macronode, 'global').every(isSensitive)).toBe(true);
    expect(changesetRisk(changes('attest_require=never', macronode, 'global'), macronode, 'global')).toBe('high');
  });

  it('actions', () => {
    for (const name of ['freeze', 'key-retire', 'ceiling', 'envelope', 'appeal'])
      expect(actionRisk(name)).toBe('medium');
    for (const name of [
      'root-rotate',
      'signer-set-change',
      'unfreeze',
      'exception',
      'backend-change',
      'restore-accept',
      'x',
    ]) {
      expect(actionRisk(name)).toBe('high');
    }
  });

  it('directions', () => {
    expect(pqDirectionOf(changes('pq_mode=and rollout_percent=10'))).toBe('raise');
    expect(pqDirectionOf(changes('pq_mode=or', twoAt50))).toBe('lower');
    expect(pqDirectionOf(changes('max_ttl_s=600'))).toBe('none');
  });
});

describe('rollback clauses', () => {
  const proposal = (text: string, before: PolicyState, scope: Scope = 'tenant:acme') => ({
    changeset: changes(text, before, scope),
    scope,
    before,
    profile: 'dev' as const,
  });

  it.each([
    ['raise to 2', 'pq_mode=and', dev, [{ key: 'pq.phase', from: 2, to: 1 }]],
    ['raise to 3', 'pq_mode=pq_only', two, [{ key: 'pq.phase', from: 3, to: 2 }]],
    [
      'raise with a percentage',
      'pq_mode=and rollout_percent=10',
      dev,
      [
        { key: 'pq.phase', from: 2, to: 1 },
        { key: 'pq.rollout_percent', from: 10, to: 100 },
      ],
    ],
    ['more percent', 'rollout_percent=80', twoAt50, [{ key: 'pq.rollout_percent', from: 80, to: 50 }]],
    ['lowering', 'pq_mode=or', two, null],
    ['less percent', 'rollout_percent=10', twoAt50, null],
    ['another key', 'max_ttl_s=600', dev, null],
  ] as const)('the default of %s', (_name, text, before, expected) => {
    const one = proposal(text, before);
    expect(rollbackFor(null, one)).toEqual(expected);
    expect(rollbackRequired(one.changeset, before, 'tenant:acme')).toBe(expected !== null);
    if (expected !== null) checkRollback(expected, one);
  });

  it('a raise to 1 has none', () => {
    const zero = at('pq_mode=off', dev, 'global');
    expect(defaultRollback(changes('pq_mode=or', zero, 'global'), zero, 'global')).toBeNull();
  });

  it('none is refused for raises to or within 2 and 3, and accepted elsewhere', () => {
    for (const [text, before] of [
      ['pq_mode=and', dev],
      ['rollout_percent=80', twoAt50],
      ['pq_mode=pq_only', two],
    ] as const) {
      const error = refusal(() => rollbackFor('none', proposal(text, before)));
      expect([error.code, error.field]).toEqual(['InvalidValue', '--rollback']);
    }
    expect(rollbackFor('none', proposal('max_ttl_s=600', dev))).toBeNull();
  });

  it('may be typed, looser than global', () => {
    expect(rollbackFor([parseChange('pq_mode=and', '')], proposal('pq_mode=pq_only', two))).toEqual([
      { key: 'pq.phase', from: 3, to: 2 },
    ]);
    const global = applyChanges(dev, 'global', [{ key: 'pq.phase', to: 2 }], 'dev');
    const one = proposal('pq_mode=pq_only', global);
    expect(rollbackFor([parseChange('pq.phase=2', '')], one)).toEqual([{ key: 'pq.phase', from: 3, to: 2 }]);
    expect(
      rollbackFor([parseChange('max_inflight_sign=512', '')], proposal('max_inflight_sign=100', dev, 'global')),
    ).toEqual([{ key: 'limits.max_inflight_sign', from: 100, to: 512 }]);
  });

  it.each([
    ['a key of another proposal', 'max_ttl_s=600', 'pq_mode=and', dev, 'does not change this key'],
    ['two notches', 'pq_mode=or', 'pq_mode=pq_only', two, 'more than one phase'],
    ['tighter', 'pq_mode=pq_only', 'pq_mode=and', dev, 'only loosens'],
    ['below phase 1', 'pq_mode=off', 'pq_mode=or', two, 'below phase 1'],
    ['a value that never was', 'max_ttl_s=700', 'max_ttl_s=600', dev, 'only the value before, 900'],
    ['back to tighter', 'allow_sign_fallback=false', 'allow_sign_fallback=true', dev, 'only loosens'],
  ] as const)('%s is refused', (_name, clause, text, before, words) => {
    const scope: Scope = text.startsWith('allow') ? 'global' : 'tenant:acme';
    const error = refusal(() => rollbackFor([parseChange(clause, '')], proposal(text, before, scope)));
    expect(error.code).toBe('InvalidValue');
    expect(error.message).toContain(words);
  });

  it('from must be the value that the proposal sets', () => {
    const one = proposal('pq_mode=and', dev);
    const error = refusal(() => checkRollback([{ key: 'pq.phase', from: 3, to: 1 }], one));
    expect(error.message).toContain('starts from 2, not 3');
  });
});
