import { describe, expect, it } from 'vitest';
import { canonicalBytes, canonicalText, type Json, parseCanonical } from '../../src/bytes/canonical-json.ts';
import { RonError } from '../../src/errors.ts';
import { applyCeiling, applyChanges } from '../../src/policy/apply.ts';
import { decodePolicyState, initialPolicy, type PolicyState, type Scope } from '../../src/policy/state.ts';
import { decodePolicyView, policyViewJson, stateOfView, viewHash, viewOf } from '../../src/policy/view.ts';
import { refusal } from '../support/refusal.ts';
import { policySuites } from '../vectors/generate-policy.ts';
import { formatSuite, readSuite } from '../vectors/own-format.ts';

const dev = initialPolicy('dev');
const ledgerId = `gl-${'a'.repeat(32)}`;
const signerSetHash = `sha256:${'0'.repeat(64)}`;
const hash = (state: PolicyState, scope: Scope): string => viewHash(viewOf({ ledgerId, scope, state, signerSetHash }));
const change = (state: PolicyState, scope: Scope, key: string, to: Json): PolicyState =>
  applyChanges(state, scope, [{ key, to }], 'dev');

describe('vectors', () => {
  it('views and their hashes', () => {
    const { vectors } = readSuite('policy/view.json');
    expect(vectors.length).toBeGreaterThanOrEqual(15);
    for (const { name, in: given, out } of vectors) {
      const state = decodePolicyState(given['state'] as Json, 'state');
      const view = viewOf({
        ledgerId: given['ledger_id'] as string,
        scope: given['scope'] as Scope,
        state,
        signerSetHash: given['signer_set_hash'] as string,
      });
      expect(canonicalText(policyViewJson(view)), name).toBe(canonicalText(out!['view']));
      expect(viewHash(view), name).toBe(out!['hash']);
      expect(viewHash(decodePolicyView(out!['view'] as Json, 'view')), name).toBe(out!['hash']);
    }
  });

  it('the files are what the generator makes', () => {
    for (const [path, suite] of policySuites()) expect(formatSuite(readSuite(path)), path).toBe(formatSuite(suite));
  });
});

describe('what makes a proposal stale (I-13)', () => {
  const a: Scope = 'tenant:a';
  const b: Scope = 'tenant:b';
  it('executing for tenant a leaves b and global as they are', () => {
    const after = change(dev, a, 'pq.phase', 2);
    expect(hash(after, b)).toBe(hash(dev, b));
    expect(hash(after, 'global')).toBe(hash(dev, 'global'));
    expect(hash(after, a)).not.toBe(hash(dev, a));
  });
  it('a global change makes tenant proposals stale', () => {
    const after = change(dev, 'global', 'caps.max_ttl_s', 600);
    for (const scope of [a, b, 'global'] as const) expect(hash(after, scope)).not.toBe(hash(dev, scope));
  });
  it('a signer-set change makes everything stale', () => {
    const other = viewOf({ ledgerId, scope: a, state: dev, signerSetHash: `sha256:${'1'.repeat(64)}` });
    expect(viewHash(other)).not.toBe(hash(dev, a));
  });
  it('a ceiling touches its tenants and the global scope', () => {
    const ceiling = { tenants: ['a'], scopes: ['kms:sign'], max_ttl_s: 60, max_active: 1 };
    const after = applyCeiling(dev, 'op', ceiling);
    expect(hash(after, a)).not.toBe(hash(dev, a));
    expect(hash(after, 'global')).not.toBe(hash(dev, 'global'));
    expect(hash(after, b)).toBe(hash(dev, b));
  });
  it('ledger and scope are bound', () => {
    expect(hash(dev, a)).not.toBe(hash(dev, b));
    const elsewhere = viewOf({ ledgerId: `gl-${'b'.repeat(32)}`, scope: a, state: dev, signerSetHash });
    expect(viewHash(elsewhere)).not.toBe(hash(dev, a));
  });
  it('a baseline is the approved value of the scope', () => {
    const after = change(dev, a, 'caps.max_active', 50);
    const view = viewOf({ ledgerId, scope: a, state: after, signerSetHash });
    expect(view.baselines['caps.max_active']).toBe(50);
    expect(Object.keys(view.baselines)).toEqual(['caps.max_active', 'caps.mint_per_min']);
    expect(Object.keys(viewOf({ ledgerId, scope: 'global', state: after, signerSetHash }).baselines)).toHaveLength(7);
  });
});

describe('a view from bytes', () => {
  const view = viewOf({
    ledgerId,
    scope: 'tenant:a',
    state: change(dev, 'tenant:a', 'caps.max_active', 50),
    signerSetHash,
  });
  const json = (): Record<string, Json> => ({ ...policyViewJson(view) });

  it('gives a state on which the same proposal has the same outcome', () => {
    const after = change(stateOfView(view), 'tenant:a', 'pq.phase', 2);
    const real = change(change(dev, 'tenant:a', 'caps.max_active', 50), 'tenant:a', 'pq.phase', 2);
    expect(hash(after, 'tenant:a')).toBe(hash(real, 'tenant:a'));
  });

  const mangled: readonly [string, (json: Record<string, Json>) => void, string][] = [
    [
      'a baseline that is not approved',
      (one) => (one['baselines'] = { 'caps.max_active': 100, 'caps.mint_per_min': 10 }),
      'view.baselines',
    ],
    ['no baselines', (one) => (one['baselines'] = {}), 'view.baselines'],
    ['null for a tenant', (one) => (one['tenant'] = null), 'view.tenant'],
    ['a tenant for global', (one) => (one['scope'] = 'global'), 'view.tenant'],
    ['a scope of another form', (one) => (one['scope'] = 'tenant:A'), 'view.scope'],
    ['a value out of bounds', (one) => (one['tenant'] = { 'caps.max_active': 0 }), 'view.tenants.a.caps.max_active'],
    ['an unknown member', (one) => (one['freeze'] = 1), 'view.freeze'],
    ['a ledger id of another form', (one) => (one['ledger_id'] = 'gl-1'), 'view.ledger_id'],
    ['a short set hash', (one) => (one['signer_set_hash'] = 'sha256:00'), 'view.signer_set_hash'],
    ['another version', (one) => (one['v'] = 2), 'view.v'],
    [
      'a ceiling of another tenant',
      (one) => (one['ceilings'] = { op: { tenants: ['b'], scopes: ['kms:sign'], max_ttl_s: 60, max_active: 1 } }),
      'view.ceilings',
    ],
  ];
  it.each(mangled)('with %s is refused', (_name, mangle, field) => {
    const one = json();
    mangle(one);
    const error = refusal(() => decodePolicyView(one, 'view'));
    expect([error.code, error.field]).toEqual(['Malformed', field]);
  });

  it('every mangled byte is refused, or gives another hash', () => {
    const bytes = canonicalBytes(policyViewJson(view));
    const right = viewHash(view);
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 2, 0x20, 0x80]) {
        const mangled = bytes.with(at, bytes[at]! ^ bit);
        try {
          expect(viewHash(decodePolicyView(parseCanonical(mangled, 'view'), 'view'))).not.toBe(right);
        } catch (error) {
          if (!(error instanceof RonError)) throw error;
          expect(error.code).toBe('Malformed');
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(bytes.length);
  });

  it('every member is under the hash', () => {
    const states = new Set([hash(dev, 'tenant:a')]);
    for (const key of Object.keys(dev.global)) {
      const global = { ...dev.global } as Record<string, Json>;
      if (key === 'pq') global[key] = { phase: 2, base_phase: 2, percent: 100 };
      else delete global[key];
      states.add(hash({ ...dev, global }, 'tenant:a'));
    }
    expect(states.size).toBe(Object.keys(dev.global).length + 1);
  });
});
