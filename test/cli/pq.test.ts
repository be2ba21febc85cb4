// The rollout end to end: what executing a phase does to sign, verify, rotate and the status, at once; the way back.

import { beforeAll, describe, expect, it } from 'vitest';
import type { ProposalDescription } from '../../src/operations/governance/describe.ts';
import type { InspectResult } from '../../src/operations/policy/inspect.ts';
import type { PlanResult } from '../../src/operations/pq/plan.ts';
import type { RollbackResult } from '../../src/operations/pq/rollback.ts';
import type { StatusResult } from '../../src/operations/pq/status.ts';
import { temporaryHome } from '../support/binary.ts';
import { asStore, carryOut, governHome } from '../support/governed-home.ts';

const home = temporaryHome();
const alice = (): string[] => ['--signer', 'alice', '--passphrase-file', home.passphrase('alice')];
const sign = (kid: string, out: string, exit = 0) =>
  home.json(asStore(home, ['kms', 'sign', kid, '--file', 'payload', '--out', out]), exit);
const verify = (bundle: string, exit = 0) =>
  home.json<{ accepted: boolean; required_mode: string }>(
    ['kms', 'verify', '--file', 'payload', '--sig', bundle],
    exit,
  );
const lines = async (): Promise<string[]> =>
  (await home.run(['policy', 'inspect', '--tenant', 'acme'])).stdout.split('\n');

let kid = '';

beforeAll(async () => {
  await governHome(home);
  home.write('payload', 'hello\n');
  // No key has a post-quantum track yet, so the global phase may go to 0.
  await carryOut(home, ['pq', 'propose', '--scope', 'global', '--to', 'off']);
  const made = await home.json<{ kid: string }>(
    asStore(home, ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant']),
  );
  kid = made.data!.kid.split('#')[0]!;
  await sign(kid, 'classical.json');
}, 300_000);

describe('the rollout of one tenant', () => {
  it('refuses to jump from off to and, naming the two steps', async () => {
    const propose = ['governance', 'propose', '--scope', 'tenant:ACME', '--change', 'pq_mode=and', '--rationale', 'x'];
    const { error } = await home.json([...propose, ...alice()], 3);
    expect(error).toMatchObject({ code: 'InvalidValue', field: 'pq.phase' });
    expect(error?.hint.split('\n').slice(1)).toEqual([
      'ronctl governance propose --scope tenant:acme --change pq_mode=or --rationale TEXT',
      'ronctl governance propose --scope tenant:acme --change pq_mode=and --rationale TEXT',
    ]);
  });

  it.each([
    [['--to', 'off'], 3, 'NoChange'],
    [['--to', '3'], 3, 'InvalidValue'],
    [['--to', 'hybrid'], 3, 'InvalidValue'],
    [['--percent', '50'], 3, 'InvalidValue'],
    [['--percent', 'half'], 3, 'InvalidValue'],
    [[], 2, 'Usage'],
  ] as const)('pq propose %j is refused with exit %i', async (flags, exit, code) => {
    const { error } = await home.json(
      ['pq', 'propose', '--tenant', 'acme', ...flags, '--rationale', 'x', ...alice()],
      exit,
    );
    expect(error?.code).toBe(code);
  });

  it('an unknown tenant is refused with the nearest name', async () => {
    const { error } = await home.json(
      ['pq', 'propose', '--tenant', 'acne', '--to', '1', '--rationale', 'x', ...alice()],
      4,
    );
    expect(error).toMatchObject({ code: 'UnknownTenant', hint: expect.stringContaining('Nearest: acme') as string });
  });

  it('the plan says what has to be rotated before and', async () => {
    const { data } = await home.json<PlanResult>(['pq', 'plan', '--tenant', 'acme', '--to', '2', '--stages', '100']);
    expect(data?.steps.map((step) => [step.to.phase, step.missing_tracks, step.versions_losing])).toEqual([
      [1, [], []],
      [2, [kid], [`${kid}#v1`]],
    ]);
  });

  it('and counts at once after its execution: sign is refused, the old signature is legacy', async () => {
    await carryOut(home, ['pq', 'propose', '--tenant', 'acme', '--to', 'or']);
    await carryOut(home, [
      'governance',
      'propose',
      '--scope',
      'tenant:ACME',
      '--change',
      'pq_mode=and',
      '--expires',
      '24h',
    ]);
    expect((await lines()).filter((one) => /pq_|verify_mode|rollout_percent/.test(one))).toEqual([
      'pq_phase=2',
      'pq_base_phase=2',
      'pq_mode=and',
      'verify_mode=and',
      'rollout_percent=100',
      'pq_legacy_grace_days=30',
      'pq_phase.origin=tenant',
      'rollout_percent.origin=tenant',
    ]);
    expect((await sign(kid, 'refused.json', 16)).error?.code).toBe('PqPolicy');
    expect((await verify('classical.json')).data).toMatchObject({
      accepted: true,
      required_mode: 'and',
      legacy: 'proven',
    });
    const { data, error } = await home.json<StatusResult>(['pq', 'status', '--check', '--tenant', 'acme'], 5);
    expect(error?.code).toBe('PredicateFalse');
    expect(data?.scopes[0]?.keys.refused).toEqual([kid]);
    expect((await home.json<InspectResult>(['policy', 'inspect'])).data?.pq.mode).toBe('off');
  });

  it('a rotated key signs with both tracks, and the predicate is true', async () => {
    await home.json(asStore(home, ['kms', 'rotate', kid]));
    const { data } = await sign(kid, 'hybrid.json');
    expect(data).toMatchObject({ algs: 'ed25519+ml-dsa' });
    expect((await verify('hybrid.json')).data).toMatchObject({ accepted: true, required_mode: 'and' });
    await home.json(['pq', 'status', '--check', '--tenant', 'acme']);
  });

  it('a scope with post-quantum tracks never goes below phase 1', async () => {
    await carryOut(home, ['pq', 'propose', '--tenant', 'acme', '--to', 'or']);
    const { error } = await carryOut(home, ['pq', 'propose', '--tenant', 'acme', '--to', 'off'], 16);
    expect(error).toMatchObject({
      code: 'PolicyRefused',
      message: expect.stringContaining('never goes below 1') as string,
    });
  });

  it('the clause of a raise goes back one notch, once, without signatures', async () => {
    await carryOut(home, ['pq', 'propose', '--tenant', 'acme', '--to', 'and']);
    const argv = asStore(home, ['pq', 'rollback', '--tenant', 'acme', '--for', '2h']);
    const unconfirmed = await home.json(argv, 2);
    expect(unconfirmed.error).toMatchObject({ code: 'MissingAnswer', field: '--expect-digest' });
    const digest = /sha256:[0-9a-f]{64}/.exec(unconfirmed.error!.hint)![0];
    const wrong = await home.json([...argv, '--expect-digest', `sha256:${'0'.repeat(64)}`], 10);
    expect(wrong.error?.code).toBe('VerificationFailed');
    const dry = await home.json<RollbackResult>([...argv, '--expect-digest', digest, '--dry-run']);
    expect(dry.data).toMatchObject({ dry_run: true, duration_s: 7200, changes: ['pq.phase=1'] });
    expect(await lines()).toContain('pq_mode=and');
    const { data } = await home.json<RollbackResult>([...argv, '--expect-digest', digest]);
    expect(data?.proposal_digest).toBe(digest);
    const after = await lines();
    expect(after).toContain('verify_mode=or');
    expect(after).toContain('pq_phase.origin=rollback');
    expect(after).toContain('pq_phase.approved=2');
    const again = await home.json([...argv, '--expect-digest', digest], 16);
    expect(again.error).toMatchObject({ code: 'PolicyRefused', message: expect.stringContaining('30 days') as string });
    expect((await home.run(['pq', 'status'])).stdout).toMatch(
      /tenant:acme: rollback pq\.phase=1, ends in (2 h|1 h 59 min)/,
    );
  });

  it('pq propose --dry-run writes nothing and shows the clause', async () => {
    const argv = ['pq', 'propose', '--tenant', 'acme', '--to', 'pq_only', '--rationale', 'x', '--dry-run', ...alice()];
    const { data } = await home.json<{ proposal: ProposalDescription }>(argv);
    expect(data?.proposal).toMatchObject({ kind: 'pq', risk: { level: 'high' } });
    expect(data?.proposal.rollback?.changes).toMatchObject([{ key: 'pq.phase', to: 2 }]);
    const shown = await home.run(['governance', 'show', data!.proposal.id]);
    expect(shown.exit).toBe(4);
  });
});

describe('what else stands over the approved policy', () => {
  const exception = (key: string, to: unknown): string[] => {
    const action = `exception:${JSON.stringify({ key, to, valid_for_s: 3600 })}`;
    return ['governance', 'propose', '--scope', 'tenant:acme', '--action', action];
  };

  it('an exception is looser for its time and says so', async () => {
    await carryOut(home, exception('caps.max_ttl_s', 1800));
    const { data } = await home.json<InspectResult>(['policy', 'inspect', '--tenant', 'acme']);
    const found = data?.values.find((one) => one.key === 'caps.max_ttl_s');
    expect(found).toMatchObject({ value: 1800, origin: 'exception', approved: 900 });
    expect(found?.ends_in_s).toBeLessThanOrEqual(3600);
    const other = await home.run(['policy', 'inspect', '--tenant', 'other']);
    expect(other.stdout).toContain('caps.max_ttl_s=900\n');
  });

  it.each([
    ['pq.phase', 0, 16, 'PolicyRefused'],
    ['caps.max_ttl_s', 60, 3, 'InvalidValue'],
    ['service.amnesia', true, 3, 'InvalidValue'],
    ['caps.no', 1, 3, 'UnknownKey'],
  ])('an exception of %s to %j is refused with exit %i', async (key, to, exit, code) => {
    const { error } = await home.json([...exception(key, to), '--rationale', 'x', ...alice()], exit);
    expect([error?.code, error?.field]).toEqual([code, key]);
  });

  it('a tune moves a tunable value within 20 %, without a quorum', async () => {
    const tune = (value: string, exit = 0) =>
      home.json(asStore(home, ['governance', 'tune', `mint_per_min=${value}`, '--tenant', 'acme']), exit);
    expect((await tune('13', 16)).error?.code).toBe('PolicyRefused');
    await tune('12');
    const all = await lines();
    expect(all).toContain('caps.mint_per_min=12');
    expect(all).toContain('caps.mint_per_min.origin=tune');
    expect(all).toContain('caps.mint_per_min.approved=10');
  });
});
