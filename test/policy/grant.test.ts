import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/bytes/canonical-json.ts';
import { applyChanges } from '../../src/policy/apply.ts';
import { checkEnvelope, checkException } from '../../src/policy/grant.ts';
import { initialPolicy, type Scope } from '../../src/policy/state.ts';
import { refusal } from '../support/refusal.ts';

const dev = initialPolicy('dev');
const two = applyChanges(dev, 'global', [{ key: 'pq.phase', to: 2 }], 'dev');
const three = applyChanges(two, 'tenant:acme', [{ key: 'pq.phase', to: 3 }], 'dev');

describe('exceptions', () => {
  it.each<[Scope, string, Json, typeof dev]>([
    ['tenant:acme', 'pq.phase', 1, two],
    ['global', 'pq.phase', 1, two],
    ['tenant:acme', 'pq.phase', 2, three],
    ['tenant:acme', 'pq.rollout_percent', 20, two],
    ['tenant:acme', 'caps.max_ttl_s', 1800, dev],
    ['global', 'service.allow_sign_fallback', true, dev],
    ['global', 'security.attest_require', 'if-available', initialPolicy('macronode')],
    ['global', 'security.attest_classes', ['software', 'tpm'], dev],
  ])('%s %s=%j', (scope, key, to, state) => {
    checkException(state, scope, { key, to }, 'dev');
  });

  it.each<[string, Scope, string, Json, typeof dev, string, string]>([
    ['two notches', 'tenant:acme', 'pq.phase', 1, three, 'PolicyRefused', 'one notch'],
    ['below phase 1', 'global', 'pq.phase', 0, dev, 'PolicyRefused', 'never below phase 1'],
    ['below phase 1 by percent', 'global', 'pq.rollout_percent', 50, dev, 'PolicyRefused', 'never below phase 1'],
    ['tighter', 'global', 'pq.phase', 3, two, 'InvalidValue', 'only loosens'],
    ['equal', 'global', 'caps.max_ttl_s', 900, dev, 'InvalidValue', 'only loosens'],
    ['no direction', 'global', 'service.amnesia', true, dev, 'InvalidValue', 'no looser direction'],
    [
      'a set that only overlaps',
      'global',
      'security.attest_classes',
      ['tpm'],
      dev,
      'InvalidValue',
      'no looser direction',
    ],
    ['out of bounds', 'global', 'caps.max_ttl_s', 90_000, dev, 'InvalidValue', '60 to 86400'],
    ['a global key of a tenant', 'tenant:acme', 'service.allow_sign_fallback', true, dev, 'InvalidValue', 'per tenant'],
    ['the backend', 'global', 'service.backend', 'inmem', dev, 'InvalidValue', 'backend-change'],
    ['an alias', 'global', 'pq_mode', 'or', two, 'UnknownKey', 'pq_mode'],
  ])('%s is refused', (_name, scope, key, to, state, code, words) => {
    const error = refusal(() => checkException(state, scope, { key, to }, 'dev'));
    expect([error.code, error.field]).toEqual([code, key]);
    expect(error.message).toContain(words);
  });
});

describe('envelopes', () => {
  it('hold tunable keys with bounds', () => {
    checkEnvelope('global', { keys: ['caps.max_active'], bounds: { 'caps.max_active': { min: 10, max: 500 } } }, 'dev');
  });
  it.each([
    ['another key', ['caps.max_active'], { 'caps.mint_per_min': { min: 1, max: 2 } }, 'bounds'],
    [
      'a key without bounds',
      ['caps.max_active', 'caps.mint_per_min'],
      { 'caps.max_active': { min: 1, max: 2 } },
      'bounds',
    ],
    ['a key that is not tunable', ['caps.max_ttl_s'], { 'caps.max_ttl_s': { min: 60, max: 61 } }, 'caps.max_ttl_s'],
    ['crossed bounds', ['caps.max_active'], { 'caps.max_active': { min: 3, max: 2 } }, 'caps.max_active'],
    ['bounds of no value', ['caps.max_active'], { 'caps.max_active': { min: 0, max: 2 } }, 'caps.max_active'],
  ])('with %s are refused', (_name, keys, bounds, field) => {
    const error = refusal(() => checkEnvelope('global', { keys, bounds }, 'dev'));
    expect([error.code, error.field]).toEqual(['InvalidValue', field]);
  });
});
