import { describe, expect, it } from 'vitest';
import { status } from '../../../src/operations/pq/status.ts';
import { applyChanges } from '../../../src/policy/apply.ts';
import type { Overlay } from '../../../src/policy/overlay.ts';
import { initialPolicy } from '../../../src/policy/state.ts';
import { bucketOf } from '../../../src/rollout/cohort.ts';
import { statusView } from '../../../src/views/pq/status.ts';
import { expectData } from '../../support/data-schema.ts';
import { JUDGED, keyEntry, NONCE, policySource, uuidAt } from '../../support/policy-source.ts';

const dev = initialPolicy('dev');
const two = applyChanges(dev, 'global', [{ key: 'pq.phase', to: 2 }], 'dev');
const classical = [['ed25519']];
const rotated = [['ed25519'], ['ed25519', 'ml-dsa']];
const run = async (of: Parameters<typeof policySource>[0], check = false, tenant: string | null = null) => {
  const { result, error } = await status({ tenant, check }, { source: async () => policySource(of) });
  expectData('pq/status', result);
  expect(statusView(result).length).toBeGreaterThan(1);
  return { result, error };
};

describe('pq status', () => {
  it('shows the global scope and every tenant', async () => {
    const { result } = await run({
      policy: dev,
      keys: [keyEntry('acme', 1, classical), keyEntry('bank', 2, classical)],
    });
    expect(result.scopes.map((one) => one.scope)).toEqual(['global', 'tenant:acme', 'tenant:bank']);
    expect(result.scopes.map((one) => one.keys.active)).toEqual([2, 1, 1]);
    expect(result.scopes[0]?.keys.by_phase).toEqual([0, 2, 0, 0]);
    expect(result.ready).toBe(true);
  });

  it('counts keys by the phase in force for each', async () => {
    const acme = applyChanges(
      dev,
      'tenant:acme',
      [
        { key: 'pq.phase', to: 2 },
        { key: 'pq.rollout_percent', to: 30 },
      ],
      'dev',
    );
    const keys = Array.from({ length: 50 }, (_, index) => keyEntry('acme', index, rotated));
    const inside = keys.filter((_, index) => bucketOf(NONCE, 'acme', uuidAt(index)) < 30).length;
    const { result } = await run({ policy: acme, keys });
    expect(result.scopes[1]?.keys.by_phase).toEqual([0, 50 - inside, inside, 0]);
    expect(inside).toBeGreaterThan(0);
    const made = await run({ policy: acme, keys, raises: new Map([['tenant:acme', 0]]) });
    expect(made.result.scopes[1]?.keys.by_phase).toEqual([0, 0, 50, 0]);
  });

  it('names active keys whose newest version is refused; old versions and retired keys only count', async () => {
    const keys = [
      keyEntry('acme', 1, classical),
      keyEntry('acme', 2, rotated),
      keyEntry('acme', 3, [['ml-dsa']]),
      keyEntry('acme', 4, [['x25519']]),
      keyEntry('acme', 5, classical, { state: 'retired' }),
    ];
    const { result, error } = await run({ policy: two, keys }, true);
    expect(result.scopes[1]?.keys.refused).toEqual([keys[0]!.kid, keys[3]!.kid]);
    expect(result.scopes[1]?.keys.versions_refused).toBe(4);
    expect(error?.code).toBe('PredicateFalse');
    expect(error?.exit).toBe(5);
    expect(error?.hint).toContain(`kms rotate ${keys[0]!.kid}`);
  });

  it('--check is 0 when ready, 11 when nobody can tell', async () => {
    expect((await run({ policy: two, keys: [keyEntry('acme', 1, rotated)] }, true)).error).toBeUndefined();
    const unknown = await run({ policy: two, keys: [], trust: 'not-authenticated' }, true);
    expect([unknown.error?.code, unknown.error?.exit]).toEqual(['NotAuthenticated', 11]);
    expect((await run({ policy: two, keys: [], trust: 'not-authenticated' })).error).toBeUndefined();
  });

  it('shows what is looser for a time, while it is', async () => {
    const grant: Overlay = {
      kind: 'rollback',
      seq: 4,
      scope: 'tenant:acme',
      judged_at: JUDGED.now,
      duration_s: 600,
      changes: [{ key: 'pq.phase', to: 1 }],
    };
    const { result } = await run(
      { policy: two, overlays: [grant], keys: [keyEntry('acme', 1, classical)] },
      true,
      'acme',
    );
    expect(result.grants).toEqual([
      { scope: 'tenant:acme', kind: 'rollback', changes: ['pq.phase=1'], ends_in_s: 600 },
    ]);
    expect(result.scopes[0]).toMatchObject({ origin: 'rollback', pq: { verify_mode: 'or' } });
    expect(result.ready).toBe(true);
    const ended = { ...grant, judged_at: { ...JUDGED.now, boottime_ms: JUDGED.now.boottime_ms - 600_000 } };
    const after = await run({ policy: two, overlays: [ended], keys: [keyEntry('acme', 1, classical)] }, true, 'acme');
    expect(after.result.grants).toEqual([]);
    expect(after.error?.code).toBe('PredicateFalse');
  });
});
