// A rolled-back store under a running server (log page 4.7): it verifies, writes nothing and says so; the acceptance is
// proposed, voted on and executed through it, and it goes on in the new epoch without a restart.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { ExecuteResult } from '../../src/operations/governance/execute.ts';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import { temporaryHome } from '../support/binary.ts';
import { asStore, governHome } from '../support/governed-home.ts';
import { http, metric, startServer } from '../support/server.ts';

const home = temporaryHome();
const old = temporaryHome();
const as = (id: string): string[] => ['--signer', id, '--passphrase-file', home.passphrase(id)];
const unsealing = (argv: readonly string[]): string[] => asStore(home, argv);
const online = ['--kms', 'local'];
let kid = '';

const sign = (name: string): string[] => {
  const payload = home.write('payload', name);
  return ['kms', 'sign', kid, '--file', payload, '--out', home.file(name), '--force'];
};

beforeAll(async () => {
  await governHome(home);
  const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  kid = (await home.json<{ kid: string }>(unsealing(create))).data!.kid.split('#')[0]!;
  mkdirSync(old.path, { mode: 0o700 });
  for (const part of ['home.json', 'store', 'audit', 'ledger']) {
    cpSync(join(home.path, part), join(old.path, part), { recursive: true });
  }
  const mint = [
    'cap',
    'mint',
    '--tenant',
    'acme',
    '--scope',
    'sign',
    '--expires',
    '10m',
    '--out',
    home.file('lost-cap'),
  ];
  await home.json(unsealing(mint));
  await home.json(unsealing(sign('lost')));
  await home.json(['audit', 'verify']);
  // By hand, without `store restore`: only what this home remembers tells.
  for (const part of ['trust', 'signers']) cpSync(join(home.path, part), join(old.path, part), { recursive: true });
  rmSync(join(old.path, 'run'), { recursive: true, force: true });
});

const readyz = async (address: string): Promise<{ status: number; missing: string[] }> => {
  const { status, body } = await http(address, { path: '/readyz' });
  return { status, missing: (JSON.parse(body) as { missing: string[] }).missing };
};

const until = async <T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> => {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

it('accepts a restore through the server, which goes on in the new epoch', async () => {
  const server = await startServer(old);
  const { metrics_addr: metrics } = server.ready;
  expect(server.ready.verify_only).toContain('remembers a checkpoint');
  expect(server.ready.operator_cap).not.toBeNull();
  expect(await readyz(metrics)).toMatchObject({ status: 503, missing: ['audit_ready', 'policy_loaded'] });
  const token = ['--token-file', home.file('lost-cap')];
  expect((await old.json([...sign('x'), ...online, ...token], 21)).error?.message).toContain('not registered');
  expect((await old.json(['audit', 'checkpoint', ...online], 10)).error?.code).toBe('RolledBack');
  const minted = ['cap', 'mint', '--tenant', 'acme', '--scope', 'sign', '--expires', '5m', '--out', old.file('cap')];
  expect((await old.json(unsealing(minted), 10)).error?.code).toBe('RolledBack');

  const propose = ['governance', 'propose', '--action', 'restore-accept', '--rationale', 'an old disk'];
  const { id, digest } = (await old.json<ProposeResult>([...propose, ...as('alice'), ...online])).data!.proposal;
  const approve = (who: string): string[] => ['governance', 'approve', id, '--expect-digest', digest, ...as(who)];
  await old.json([...approve('alice'), ...online]);
  const execute = ['governance', 'execute', id, ...online];
  expect((await old.json(execute, 12)).error?.code).toBe('QuorumPending');
  await old.json([...approve('bob'), ...online]);
  expect(readdirSync(join(old.path, 'inbox')).filter((name) => name.endsWith('.json'))).toHaveLength(3);
  await old.json([...execute, '--dry-run']);
  expect(readdirSync(join(old.path, 'audit'))).not.toContain('e1');

  const done = await old.json<ExecuteResult>(execute);
  expect(done.data).toMatchObject({ replayed: false, checkpoint: { origin: expect.stringMatching(/\/e1$/) } });
  expect((await old.json<ExecuteResult>(execute)).data?.replayed).toBe(true);
  expect(server.stderr()).toContain('audit_epoch_opened');
  expect(
    (
      await until(
        () => readyz(metrics),
        ({ status }) => status === 200,
      )
    ).missing,
  ).toEqual([]);
  const page = (await http(metrics, { path: '/metrics' })).body;
  expect(metric(page, 'kms_audit_integrity_failed_total')).toBe(1);
  const status = await old.json<{ server: { service: { verify_only: unknown } } }>(['kms', 'status', ...online]);
  expect(status.data?.server.service.verify_only).toBeNull();

  await old.json(unsealing(minted));
  await old.json([...sign('after'), ...online, '--token-file', old.file('cap')]);
  const verified = await old.json<AuditVerifyResult>(['audit', 'verify', ...online]);
  expect(verified.data).toMatchObject({ verdict: 'consistent', kind: 'server', trust: 'pinned' });
  expect(verified.data?.epochs).toHaveLength(2);
  expect(await server.stop()).toBe(0);
  const ops = readFileSync(join(old.path, 'audit/e1/segments/000000.jsonl'), 'utf8').trimEnd().split('\n');
  const seen = ops.map((line) => (JSON.parse(line) as { op: string }).op);
  expect(seen).toEqual(expect.arrayContaining(['epoch.open', 'governance.execute', 'mint', 'start', 'sign', 'stop']));
  expect((await old.json<AuditVerifyResult>(['audit', 'verify'])).data?.verdict).toBe('consistent');
});
