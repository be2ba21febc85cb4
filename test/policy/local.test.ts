import { describe, expect, test } from 'vitest';
import { effective } from '../../src/policy/effective.ts';
import { type LocalPolicy, NO_LOCAL_POLICY, withLocal } from '../../src/policy/local.ts';
import type { Judged, Overlay } from '../../src/policy/overlay.ts';
import { initialPolicy, type PolicyState, pqJson } from '../../src/policy/state.ts';
import { settled } from '../../src/rollout/phases.ts';

const judged: Judged = { now: { wall: '2026-11-20T00:00:00.000Z', boot_id: 'b', boottime_ms: 1 }, highWaterMs: 0 };

const start = initialPolicy('dev');
const policy: PolicyState = { ...start, tenants: { acme: { 'caps.max_ttl_s': 300, pq: pqJson(settled(2)) } } };
const tune: Overlay = { kind: 'tune', seq: 1, scope: 'tenant:acme', key: 'caps.max_active', to: 120, baseline: 100 };

const local = (values: LocalPolicy['values'], pq: LocalPolicy['pq'] = null): LocalPolicy => ({ pq, values });

function inForce(governed: boolean, held: LocalPolicy, tenant: string | null, key: string) {
  const view = withLocal({ governed, policy, overlays: [tune] }, held);
  return effective(view.policy, tenant, view.overlays, judged).values.get(key)?.value;
}

describe('in a governed store', () => {
  test('a tighter value counts, globally and for tenants that have none that is tighter yet', () => {
    const held = local({ 'caps.max_ttl_s': 600, 'service.allowed_algs': ['ed25519'] });
    expect(inForce(true, held, null, 'caps.max_ttl_s')).toBe(600);
    expect(inForce(true, held, 'acme', 'caps.max_ttl_s')).toBe(300);
    expect(inForce(true, held, 'other', 'service.allowed_algs')).toEqual(['ed25519']);
  });

  test('a looser value never does, even when the ledger became tighter meanwhile', () => {
    expect(inForce(true, local({ 'caps.max_ttl_s': 3600 }), null, 'caps.max_ttl_s')).toBe(900);
    expect(inForce(true, local({ 'service.backend': 'inmem' }), null, 'service.backend')).toBe('file');
    expect(inForce(true, local({}, settled(0)), null, 'pq.phase')).toBe(1);
  });

  test('a tune does not loosen it', () => {
    expect(inForce(true, NO_LOCAL_POLICY, 'acme', 'caps.max_active')).toBe(120);
    expect(inForce(true, local({ 'caps.max_active': 50 }), 'acme', 'caps.max_active')).toBe(50);
    expect(inForce(true, local({ 'caps.max_active': 500 }), 'acme', 'caps.max_active')).toBe(120);
  });

  test('every scope stands at least at the PQ state', () => {
    expect(inForce(true, local({}, settled(2)), null, 'pq.phase')).toBe(2);
    expect(inForce(true, local({}, settled(3)), 'acme', 'pq.phase')).toBe(3);
    expect(inForce(true, local({}, settled(1)), 'acme', 'pq.phase')).toBe(2);
  });
});

test('before adoption configured values stand in the place of the start values', () => {
  expect(inForce(false, local({ 'caps.max_ttl_s': 3600 }), null, 'caps.max_ttl_s')).toBe(3600);
  expect(inForce(false, local({ 'service.backend': 'inmem' }), null, 'service.backend')).toBe('inmem');
});

test('the policy itself is not touched', () => {
  const before = JSON.stringify(policy);
  withLocal({ governed: true, policy, overlays: [tune] }, local({ 'caps.max_active': 1 }, settled(3)));
  expect(JSON.stringify(policy)).toBe(before);
});
