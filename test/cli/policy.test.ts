import { beforeAll, describe, expect, it } from 'vitest';
import type { InspectResult } from '../../src/operations/policy/inspect.ts';
import type { PolicyKeysResult } from '../../src/operations/policy/keys.ts';
import type { PlanResult } from '../../src/operations/pq/plan.ts';
import type { StatusResult } from '../../src/operations/pq/status.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';

const home = temporaryHome();

describe('without a home', () => {
  it('policy keys needs none', async () => {
    const { data } = await home.json<PolicyKeysResult>(['policy', 'keys']);
    expect(data?.keys.map((one) => one.key)).toContain('pq.phase');
    const table = await home.run(['policy', 'keys']);
    expect(table.stdout).toMatch(/^caps\.max_ttl_s {2,}max_ttl_s .*60 to 86400 .*900 .*down .*yes$/m);
  });
  it.each([
    ['policy', 'inspect'],
    ['pq', 'status'],
    ['pq', 'plan', '--tenant', 'acme', '--to', '2'],
    ['pq', 'rollback', '--tenant', 'acme'],
  ])('%s %s says what to run first', async (...argv) => {
    const { error } = await home.json(argv, 4);
    expect(error?.code).toBe('NotInitialised');
    expect(error?.hint).toContain('init --profile');
  });
});

describe('an ungoverned home', () => {
  beforeAll(async () => {
    await makeStore(home);
  });

  it('policy inspect prints the lines that the runbook greps, and folds the tenant with a notice', async () => {
    const run = await home.run(['policy', 'inspect', '--tenant', 'ACME']);
    expect(run.exit).toBe(0);
    expect(run.stderr).toContain('--tenant: ACME is read as acme');
    const found = run.stdout.split('\n').filter((one) => /pq_|verify_mode|rollout_percent/.test(one));
    expect(found).toEqual([
      'pq_phase=1',
      'pq_base_phase=1',
      'pq_mode=or',
      'verify_mode=or',
      'rollout_percent=100',
      'pq_legacy_grace_days=30',
    ]);
    const { data } = await home.json<InspectResult>(['policy', 'inspect']);
    expect(data).toMatchObject({ scope: 'global', governed: false, profile: 'dev', trust: 'local', ledger_id: null });
  });

  it('pq status and its predicate', async () => {
    const { data } = await home.json<StatusResult>(['pq', 'status', '--check']);
    expect(data).toMatchObject({ ready: true, governed: false });
    expect((await home.run(['pq', 'status'])).stdout).toContain('Every active key meets the mode in force.');
  });

  it('pq plan prints lines to paste and writes nothing', async () => {
    const { data } = await home.json<PlanResult>(['pq', 'plan', '--tenant', 'acme', '--to', 'and', '--stages', '100']);
    expect(data?.steps.map((step) => step.propose)).toEqual([
      'ronctl governance propose --scope tenant:acme --change pq_mode=and --rationale TEXT',
    ]);
    const text = await home.run(['pq', 'plan', '--scope', 'global', '--to', '3', '--by', '30d']);
    expect(text.stdout).toContain('Step 6: phase 3 (pq_only) at 50 % to phase 3 (pq_only)');
    expect(text.stdout).toContain('No genesis has been adopted');
  });

  it.each([
    [['policy', 'inspect', '--tenant', 'a/b'], 3, 'InvalidValue', '--tenant'],
    [['pq', 'plan', '--tenant', 'acme', '--to', 'hybrid'], 3, 'InvalidValue', '--to'],
    [['pq', 'plan', '--tenant', 'acme', '--to', '2', '--stages', '50'], 3, 'InvalidValue', '--stages'],
    [['pq', 'plan', '--tenant', 'acme', '--to', '2', '--by', '2020-01-01'], 3, 'InvalidValue', '--by'],
    [['pq', 'plan', '--to', '2'], 2, 'Usage', '--tenant'],
    [['pq', 'plan', '--to', '2', '--tenant', 'acme', '--scope', 'global'], 2, 'Usage', '--tenant'],
    [['pq', 'plan', '--tenant', 'acme', '--to', '0'], 16, 'PolicyRefused', 'pq.phase'],
    [['pq', 'rollback', '--tenant', 'acme'], 4, 'Ungoverned', undefined],
  ] as const)('ronctl %j is exit %i', async (argv, exit, code, field) => {
    const { error } = await home.json([...argv], exit);
    expect([error?.code, error?.field]).toEqual([code, field]);
  });
});
