import { describe, expect, it } from 'vitest';
import { countImpact } from '../../../src/operations/pq/impact.ts';
import { type PlanRequest, parsePhase, parseStages, plan } from '../../../src/operations/pq/plan.ts';
import { applyChanges } from '../../../src/policy/apply.ts';
import { buildChangeset, parseChange } from '../../../src/policy/change.ts';
import { initialPolicy, type PolicyState } from '../../../src/policy/state.ts';
import { bucketOf } from '../../../src/rollout/cohort.ts';
import { planView } from '../../../src/views/pq/plan.ts';
import { expectData } from '../../support/data-schema.ts';
import { keyEntry, NONCE, policySource, uuidAt } from '../../support/policy-source.ts';
import { refusal } from '../../support/refusal.ts';

const dev = initialPolicy('dev');
const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const DAY = 86_400_000;
const run = async (of: Parameters<typeof policySource>[0], request: Partial<PlanRequest> = {}) => {
  const result = await plan(
    { scope: 'tenant:acme', target: 2, byMs: null, stages: null, nowMs: NOW, ...request },
    { source: async () => policySource(of) },
  );
  expectData('pq/plan', result);
  expect(planView(result).length).toBeGreaterThan(0);
  return result;
};
const rungs = (result: Awaited<ReturnType<typeof run>>) => result.steps.map((step) => [step.to.phase, step.to.percent]);

describe('pq plan', () => {
  it('raises one phase at a time, in stages where acceptance changes', async () => {
    const zero = applyChanges(dev, 'global', [{ key: 'pq.phase', to: 0 }], 'dev');
    expect(rungs(await run({ policy: zero }, { target: 3 }))).toEqual([
      [1, 100],
      [2, 10],
      [2, 50],
      [2, 100],
      [3, 10],
      [3, 50],
      [3, 100],
    ]);
    expect(rungs(await run({ policy: zero }, { target: 2, stages: [100] }))).toEqual([
      [1, 100],
      [2, 100],
    ]);
  });

  it('goes on from an unfinished rollout', async () => {
    const part = applyChanges(
      dev,
      'tenant:acme',
      [
        { key: 'pq.phase', to: 2 },
        { key: 'pq.rollout_percent', to: 30 },
      ],
      'dev',
    );
    expect(rungs(await run({ policy: part }))).toEqual([
      [2, 50],
      [2, 100],
    ]);
    expect(rungs(await run({ policy: part }, { target: 1 }))).toEqual([[1, 100]]);
  });

  it('lowers one notch at a time', async () => {
    const three = applyChanges(
      applyChanges(dev, 'tenant:acme', [{ key: 'pq.phase', to: 2 }], 'dev'),
      'tenant:acme',
      [{ key: 'pq.phase', to: 3 }],
      'dev',
    );
    expect(rungs(await run({ policy: three }, { target: 1 }))).toEqual([
      [2, 100],
      [1, 100],
    ]);
  });

  it('has nothing to do at its target', async () => {
    expect((await run({ policy: dev }, { target: 1 })).steps).toEqual([]);
  });

  it('every line to paste means exactly its step', async () => {
    const result = await run({ policy: dev }, { target: 3 });
    let state: PolicyState = dev;
    for (const step of result.steps) {
      const inputs = [...step.propose.matchAll(/--change (\S+)/g)].map((match) => parseChange(match[1]!, '--change'));
      const built = buildChangeset(inputs, state, 'tenant:acme', 'dev');
      expect(built.changeset).toEqual(step.changeset);
      state = built.after;
    }
    expect(result.steps[0]?.propose).toBe(
      'ronctl governance propose --scope tenant:acme --change pq_mode=and --change rollout_percent=10 --rationale TEXT',
    );
    expect(result.steps[0]?.rollback).toEqual(['pq.phase=1', 'pq.rollout_percent=100']);
  });

  it('says which keys move, which versions lose acceptance and what to rotate first', async () => {
    const classical = Array.from({ length: 40 }, (_, index) => keyEntry('acme', index, [['ed25519']]));
    const hybrid = keyEntry('acme', 99, [['ed25519'], ['ed25519', 'ml-dsa']]);
    const inside = classical.filter((_, index) => bucketOf(NONCE, 'acme', uuidAt(index)) < 50).map((key) => key.kid);
    const result = await run(
      { policy: dev, keys: [...classical, hybrid, keyEntry('bank', 7, [['ed25519']])] },
      { stages: [50, 100] },
    );
    const [first, second] = result.steps;
    expect(first?.missing_tracks).toEqual(inside);
    expect(first?.versions_losing.filter((kid) => !kid.startsWith(hybrid.kid))).toEqual(
      inside.map((kid) => `${kid}#v1`),
    );
    expect([...first!.keys_moving, ...second!.keys_moving].sort()).toEqual(
      [...classical, hybrid].map((key) => key.kid).sort(),
    );
    expect(second?.missing_tracks).toHaveLength(40);
    expect([...first!.versions_losing, ...second!.versions_losing]).toContain(`${hybrid.kid}#v1`);
    expect(second?.missing_tracks).not.toContain(hybrid.kid);
  });

  it('a key made after an earlier raise is not inside a raise that is still to come', async () => {
    const keys = Array.from({ length: 40 }, (_, index) => keyEntry('acme', index, [['ed25519']], { createdSeq: 100 }));
    const plain = await run({ policy: dev, keys });
    const after = await run({
      policy: dev,
      keys,
      raises: new Map([
        ['tenant:acme', 5],
        ['global', 5],
      ]),
    });
    expect(after.steps[0]?.keys_moving).toEqual(plain.steps[0]?.keys_moving);
    expect(plain.steps[0]?.keys_moving.length).toBeLessThan(40);
  });

  it('spreads windows of at most a day up to --by', async () => {
    const result = await run({ policy: dev }, { byMs: NOW + 30 * DAY });
    expect(result.steps.map((step) => step.window)).toEqual([
      {
        not_before: '2026-01-10T00:00:00.000Z',
        not_after: '2026-01-11T00:00:00.000Z',
        propose_from: '2026-01-04T00:00:00.000Z',
      },
      {
        not_before: '2026-01-20T00:00:00.000Z',
        not_after: '2026-01-21T00:00:00.000Z',
        propose_from: '2026-01-14T00:00:00.000Z',
      },
      {
        not_before: '2026-01-30T00:00:00.000Z',
        not_after: '2026-01-31T00:00:00.000Z',
        propose_from: '2026-01-24T00:00:00.000Z',
      },
    ]);
    expect(result.steps[0]?.propose).toContain(
      '--window 2026-01-10T00:00:00.000Z/2026-01-11T00:00:00.000Z --expires 2026-01-11T00:00:00.000Z',
    );
    const soon = await run({ policy: dev }, { byMs: NOW + 3 * 3_600_000 });
    expect(soon.steps[0]?.window).toEqual({
      not_before: '2026-01-01T00:00:00.000Z',
      not_after: '2026-01-01T01:00:00.000Z',
      propose_from: '2026-01-01T00:00:00.000Z',
    });
    await expect(run({ policy: dev }, { byMs: NOW })).rejects.toMatchObject({ code: 'InvalidValue', field: '--by' });
  });

  it('names the evidence that a macronode demands', async () => {
    const result = await run({ policy: initialPolicy('macronode'), profile: 'macronode' }, { target: 3 });
    expect(result.steps[0]?.evidence_required).toEqual(['phase-transition-tests', 'perf-snapshot-15m']);
  });

  it('a tenant below the global phase is refused, naming exception', async () => {
    const global = applyChanges(dev, 'global', [{ key: 'pq.phase', to: 2 }], 'dev');
    await expect(run({ policy: global }, { target: 1 })).rejects.toMatchObject({
      code: 'PolicyRefused',
      hint: expect.stringContaining('exception') as string,
    });
  });
});

describe('what is typed', () => {
  it.each([
    ['0', 0],
    ['off', 0],
    ['or', 1],
    ['and', 2],
    ['2', 2],
    ['pq_only', 3],
  ])('phase %s is %i', (text, phase) => {
    expect(parsePhase(text, '--to')).toBe(phase);
  });
  it.each(['', '4', 'hybrid', 'AND', '-1', '02', 'phase 2'])('phase %j is refused', (text) => {
    const error = refusal(() => parsePhase(text, '--to'));
    expect([error.code, error.field]).toEqual(['InvalidValue', '--to']);
    expect(error.hint).toContain('2 = and');
  });
  it('stages', () => {
    expect(parseStages('0,25,100', '--stages')).toEqual([0, 25, 100]);
    for (const text of ['', '10', '50,10,100', '10,10,100', 'a,100', '100,200', '10,100,']) {
      expect(refusal(() => parseStages(text, '--stages')).field, text).toBe('--stages');
    }
  });
});

describe('the numbers for approvers', () => {
  const two = applyChanges(dev, 'tenant:acme', [{ key: 'pq.phase', to: 2 }], 'dev');
  const step = { scope: 'tenant:acme', before: dev, after: two } as const;
  it('count moving keys, losing versions and missing tracks of the scope', () => {
    const keys = [
      keyEntry('acme', 1, [['ed25519']]),
      keyEntry('acme', 2, [['ed25519'], ['ed25519', 'ml-dsa']]),
      keyEntry('bank', 3, [['ed25519']]),
    ];
    expect(countImpact(policySource({ policy: dev, keys }), step)).toEqual({
      keys_moving: 2,
      versions_losing: 2,
      missing_tracks: 1,
    });
  });
  it('are null where no key of the scope is known', () => {
    expect(countImpact(policySource({ policy: dev, keys: [keyEntry('bank', 3, [['ed25519']])] }), step)).toBeNull();
  });
});
