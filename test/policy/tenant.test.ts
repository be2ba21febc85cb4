import { describe, expect, it } from 'vitest';
import { applyCeiling, applyChanges } from '../../src/policy/apply.ts';
import { initialPolicy } from '../../src/policy/state.ts';
import { demandTenant, foldScope, foldTenant, knownTenants } from '../../src/policy/tenant.ts';
import { refusal } from '../support/refusal.ts';

describe('tenants as typed', () => {
  it('upper case is folded', () => {
    expect(foldTenant('ACME', '--tenant')).toBe('acme');
    expect(foldScope('tenant:ACME', '--scope')).toBe('tenant:acme');
    expect(foldScope('global', '--scope')).toBe('global');
  });
  it.each(['', 'a b', '../x', '_instance', 'acme/', 'x'.repeat(65), 'Ünit'])('%j is refused', (text) => {
    expect(refusal(() => foldTenant(text, '--tenant')).field).toBe('--tenant');
    expect(refusal(() => foldScope(`tenant:${text}`, '--scope')).field).toBe('--scope');
  });
  it('other scopes are refused', () => {
    for (const text of ['GLOBAL', 'service:kms', 'acme'])
      expect(refusal(() => foldScope(text, '--scope')).code).toBe('InvalidValue');
  });
});

describe('known tenants (I-47)', () => {
  const dev = initialPolicy('dev');
  const ceiling = { tenants: ['c'], scopes: ['kms:sign'], max_ttl_s: 60, max_active: 1 };
  const state = applyCeiling(applyChanges(dev, 'tenant:b', [{ key: 'pq.phase', to: 2 }], 'dev'), 'op', ceiling);
  it('have an override, a ceiling or a key', () => {
    expect(knownTenants(state, ['acme', 'b'])).toEqual(['acme', 'b', 'c']);
  });
  it('an unknown one is refused with the nearest names', () => {
    demandTenant('acme', ['acme']);
    const error = refusal(() => demandTenant('acne', ['acme', 'other']));
    expect([error.code, error.exit]).toEqual(['UnknownTenant', 4]);
    expect(error.hint).toBe('Nearest: acme. Give --new-tenant to make it.');
  });
});
