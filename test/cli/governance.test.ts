// Transcripts of `ronctl governance` on one machine: the story of the manual, then what is refused, each with its code.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DiffResult } from '../../src/operations/governance/diff.ts';
import type { ExecuteResult } from '../../src/operations/governance/execute.ts';
import type { GenesisResult } from '../../src/operations/governance/genesis-result.ts';
import type { InboxResult } from '../../src/operations/governance/inbox.ts';
import type { IngestResult } from '../../src/operations/governance/ingest.ts';
import type { ListResult } from '../../src/operations/governance/list.ts';
import type { LogResult } from '../../src/operations/governance/log.ts';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import type { ShowResult } from '../../src/operations/governance/show.ts';
import type { SignersResult } from '../../src/operations/governance/signers.ts';
import type { StatusResult } from '../../src/operations/governance/status.ts';
import type { TunedResult } from '../../src/operations/governance/tune.ts';
import type { VerifyResult } from '../../src/operations/governance/verify.ts';
import type { VoteResult } from '../../src/operations/governance/vote.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';

const home = temporaryHome();
const store = (): string[] => ['--passphrase-file', home.passphrase('store')];
const of = (id: string): string[] => ['--passphrase-file', home.passphrase(id)];
const named = (...ids: string[]): string[] =>
  ids.flatMap((id) => ['--passphrase-file', `${id}=${home.passphrase(id)}`]);

const propose = async (by: string, ...more: string[]): Promise<ProposeResult> => {
  const argv = ['governance', 'propose', '--signer', by, '--rationale', 'because', ...more, ...of(by)];
  return (await home.json<ProposeResult>(argv)).data!;
};
const vote = async (purpose: string, by: string, { proposal }: ProposeResult, exit = 0, ...more: string[]) =>
  home.json<VoteResult>(
    ['governance', purpose, proposal.id, '--signer', by, '--expect-digest', proposal.digest, ...more, ...of(by)],
    exit,
  );
const approve = (by: string, proposal: ProposeResult) => vote('approve', by, proposal);
const execute = (id: string, exit = 0, ...more: string[]) =>
  home.json<ExecuteResult>(['governance', 'execute', id, ...more, ...store()], exit);

const inbox = (): string[] => readdirSync(join(home.path, 'inbox')).filter((name) => name.endsWith('.json'));
const ledger = (): string[] =>
  readFileSync(join(home.path, 'ledger/000000.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

let genesis: GenesisResult;

beforeAll(async () => {
  await makeSigners(home, 'alice', 'bob', 'carol');
  await makeStore(home);
  const refused = await home.json(['governance', 'list'], 4);
  expect(refused.error).toMatchObject({ code: 'Ungoverned', hint: expect.stringContaining('governance init') });
  const members = 'policy-owner=alice,security-officer=bob,custodian=carol';
  const argv = [
    'governance',
    'init',
    '--members',
    members,
    '--threshold',
    '2',
    ...named('alice', 'bob', 'carol', 'store'),
  ];
  const dry = await home.json<GenesisResult>([...argv, '--dry-run']);
  expect(dry.data?.missing).toEqual([]);
  expect(existsSync(join(home.path, 'ledger'))).toBe(false);
  genesis = (await home.json<GenesisResult>(argv)).data!;
});

describe('genesis on one machine', () => {
  it('is adopted and pinned in one step, and only once', async () => {
    expect(genesis).toMatchObject({ status: 'adopted', profile: 'dev', threshold: 2, missing: [] });
    const pin = JSON.parse(readFileSync(join(home.path, 'trust', genesis.ledger_id, 'pin.json'), 'utf8'));
    expect(pin.genesis_digest).toBe(genesis.genesis_digest);
    const again = await home.json(
      [
        'governance',
        'init',
        '--members',
        'alice,bob,carol',
        '--threshold',
        '2',
        ...named('alice', 'bob', 'carol', 'store'),
      ],
      15,
    );
    expect(again.error).toMatchObject({ code: 'Conflict', field: 'genesis' });
    const { data } = await home.json<StatusResult>(['governance', 'status']);
    expect(data).toMatchObject({ governed: true, trust: 'authenticated', signer_set: { epoch: 0, threshold: 2 } });
  });
});

describe('the documented story', () => {
  let proposal: ProposeResult;

  it('the documented line proposes for a tenant in upper case, folded with a notice', async () => {
    await home.json([
      'kms',
      'create',
      '--tenant',
      'acme',
      '--purpose',
      'release',
      '--alg',
      'ed25519',
      '--new-tenant',
      ...store(),
    ]);
    const argv = 'governance propose --scope tenant:ACME --change pq_mode=and --rationale'.split(' ');
    const run = await home.run([
      ...argv,
      'hybrid AND cutover',
      '--expires',
      '24h',
      '--signer',
      'alice',
      ...of('alice'),
      '--json',
    ]);
    expect(run.exit, run.stderr).toBe(0);
    expect(run.stderr).toContain('tenant:acme');
    proposal = (JSON.parse(run.stdout) as { data: ProposeResult }).data;
    expect(proposal.proposal).toMatchObject({
      kind: 'pq',
      scope: 'tenant:acme',
      new_tenant: false,
      changes: [{ key: 'pq.phase', from: 1, to: 2 }],
      risk: { level: 'medium' },
      rollback: { changes: [{ key: 'pq.phase', to: 1 }], valid_for_s: 86_400 },
      evidence_missing: ['perf-snapshot-15m', 'phase-transition-tests'],
    });
    expect(proposal.proposal.window).not.toBeNull();
    expect(inbox()).toEqual([`${proposal.proposal.digest.slice(7)}.json`]);
  });

  it('show presents it as not ingested, also by a beginning of its id; words and digest are the same', async () => {
    const { id, digest, words } = proposal.proposal;
    const { data } = await home.json<ShowResult>(['governance', 'show', id.slice(0, 12)]);
    expect(data).toMatchObject({ id, digest, words, ingested: false, status: 'not-ingested' });
    const short = await home.json(['governance', 'show', id.slice(0, 8)], 3);
    expect(short.error).toMatchObject({ code: 'InvalidValue', field: 'ID' });
  });

  it('execute before the quorum is 12 and names who is missing; what it ingested stays', async () => {
    const { id } = proposal.proposal;
    const one = await approve('alice', proposal);
    expect(one.data).toMatchObject({ role: 'policy-owner', ingested: false, votes: { approvals: 0 } });
    const pending = await execute(id, 12);
    expect(pending.error?.message).toContain(
      'members 1/2, roles 1/2; waiting for bob (security-officer), carol (custodian)',
    );
    expect(pending.data).toMatchObject({ votes: { approvals: ['alice'], waiting: ['bob', 'carol'] } });
    const { data } = await home.json<ListResult>(['governance', 'list', '--strict']);
    expect(data?.proposals).toMatchObject([{ id, status: 'open', approvals: 1, threshold: 2 }]);
    expect(inbox()).toEqual([]);
  });

  it('with a second role it executes once; again it returns the recorded receipt', async () => {
    const { id } = proposal.proposal;
    await home.json([
      'governance',
      'approve',
      id,
      '--role',
      'security-officer',
      '--expect-digest',
      proposal.proposal.digest,
      ...of('bob'),
    ]);
    const before = ledger().length;
    const dry = await execute(id, 0, '--dry-run');
    expect(dry.data).toMatchObject({ receipt: null, dry_run: true });
    expect(ledger()).toHaveLength(before);
    const first = await execute(id);
    expect(first.data).toMatchObject({
      id,
      replayed: false,
      ingested: 1,
      receipt: { effects: [{ n: 0, effect: 'policy' }] },
    });
    const lines = ledger().length;
    const second = await execute(id);
    expect(second.data).toMatchObject({ replayed: true, receipt: { digest: first.data!.receipt!.digest } });
    expect(ledger()).toHaveLength(lines);
    const inspected = await home.run(['policy', 'inspect', '--tenant', 'acme']);
    expect(inspected.stdout).toMatch(/pq_mode.*and/);
    expect(inspected.stdout).toMatch(/verify_mode.*and/);
  });

  it('log --since, verify and show agree', async () => {
    const { id } = proposal.proposal;
    const { data: log } = await home.json<LogResult>(['governance', 'log', '--since', '7d']);
    expect(log?.lines.map((one) => one.type)).toEqual([
      'genesis',
      'proposal',
      'statement',
      'statement',
      'intent',
      'execution',
    ]);
    const none = await home.json<LogResult>(['governance', 'log', '--since', '1ms']);
    expect(none.data?.lines).toEqual([]);
    const { data } = await home.json<VerifyResult>(['governance', 'verify']);
    expect(data).toMatchObject({ verdict: 'consistent', lines: 6, proposals: 1 });
    expect((await home.json<VerifyResult>(['governance', 'verify', id])).data?.verdict).toBe('consistent');
    expect((await home.json<ShowResult>(['governance', 'show', id])).data).toMatchObject({
      status: 'executed',
      votes: { reached: true },
    });
    const text = await home.run(['governance', 'show', id]);
    expect(text.stdout).toContain('members 2/2, roles 2/2');
    expect(text.stdout).toContain('custodian carol: waiting');
  });

  it('proposing the same again is NoChange (3)', async () => {
    const argv = [
      'governance',
      'propose',
      '--scope',
      'tenant:acme',
      '--change',
      'pq_mode=and',
      '--rationale',
      'x',
      '--signer',
      'alice',
    ];
    expect((await home.json([...argv, ...of('alice')], 3)).error?.code).toBe('NoChange');
  });
});

describe('what is refused', () => {
  it('a beginning of an id, another digest, a role that is not held, a second opinion', async () => {
    const one = await propose('alice', '--scope', 'global', '--change', 'caps.max_ttl_s=600');
    const { id, digest } = one.proposal;
    const files = inbox();
    const short = await home.json(
      ['governance', 'approve', id.slice(0, 12), '--expect-digest', digest, '--signer', 'bob', ...of('bob')],
      3,
    );
    expect(short.error?.message).toContain('full id');
    const other = await home.json(
      ['governance', 'approve', id, '--expect-digest', `sha256:${'0'.repeat(64)}`, '--signer', 'bob', ...of('bob')],
      10,
    );
    expect(other.error).toMatchObject({ code: 'VerificationFailed', field: '--expect-digest' });
    const silent = await home.json(['governance', 'approve', id, '--signer', 'bob', ...of('bob')], 2);
    expect(silent.error).toMatchObject({ code: 'MissingAnswer', field: '--expect-digest' });
    const role = await vote('approve', 'bob', one, 16, '--role', 'custodian');
    expect(role.error).toMatchObject({ code: 'PolicyRefused', field: '--role' });
    const wrong = await home.json(
      ['governance', 'approve', id, '--signer', 'bob', '--expect-digest', digest, ...of('alice')],
      3,
    );
    expect(wrong.error?.code).toBe('WrongPassphrase');
    expect(inbox()).toEqual(files);
    await vote('reject', 'bob', one);
    const both = await vote('approve', 'bob', one, 15);
    expect(both.error).toMatchObject({ code: 'ContradictoryVote' });
    await vote('retract', 'bob', one);
    await vote('approve', 'bob', one);
    await vote('approve', 'carol', one);
    expect((await execute(id)).data?.receipt?.statements).toHaveLength(2);
  });

  it('a withdrawn and a rejected proposal (16), and one that another execution made stale (15)', async () => {
    const gone = await propose('alice', '--scope', 'global', '--change', 'caps.max_ttl_s=500');
    expect((await vote('withdraw', 'bob', gone, 16)).error?.message).toContain('only the author, alice');
    await vote('withdraw', 'alice', gone);
    expect((await execute(gone.proposal.id, 16)).error?.message).toContain('withdrawn');
    for (const purpose of ['withdraw', 'approve']) {
      const { error } = await vote(purpose, 'alice', gone, 16);
      expect(error).toMatchObject({ code: 'Rejected', message: `${gone.proposal.id} was withdrawn by its author` });
    }
    const unwanted = await propose('alice', '--scope', 'global', '--change', 'caps.max_ttl_s=400');
    await vote('reject', 'bob', unwanted);
    await vote('reject', 'carol', unwanted);
    expect((await execute(unwanted.proposal.id, 16)).error?.message).toContain('rejected by bob, carol');
    const first = await propose('alice', '--scope', 'global', '--change', 'keys.rotate_max_days=80');
    const second = await propose('bob', '--scope', 'global', '--change', 'keys.rotate_max_days=70');
    for (const one of [first, second]) for (const by of ['alice', 'bob']) await approve(by, one);
    await execute(first.proposal.id);
    const stale = await execute(second.proposal.id, 15);
    expect(stale.error).toMatchObject({ code: 'Stale', field: 'changeset[0].from' });
    const { data } = await home.json<DiffResult>(['governance', 'diff', second.proposal.id]);
    expect(data).toMatchObject({ fits: false, changes: [{ key: 'keys.rotate_max_days', before: 80, after: 70 }] });
    const shown = await home.json<ShowResult>(['governance', 'show', second.proposal.id]);
    expect(shown.data?.status).toBe('stale');
    expect(shown.data?.reason).toContain('changeset[0].from');
  });

  it('an execution outside the change window, or after the end (13)', async () => {
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const one = await propose(
      'alice',
      '--scope',
      'global',
      '--change',
      'caps.max_ttl_s=300',
      '--window',
      `${later}+1h`,
      '--expires',
      '7d',
    );
    const brief = await propose('alice', '--scope', 'global', '--change', 'caps.max_ttl_s=200', '--expires', '20s');
    for (const by of ['alice', 'bob']) await approve(by, one);
    expect((await execute(one.proposal.id, 13)).error).toMatchObject({ code: 'OutsideWindow', field: 'change_window' });
    const over = Date.parse(brief.proposal.expires_at) - Date.now() + 50;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, over)));
    expect((await vote('approve', 'bob', brief, 13)).error?.code).toBe('Expired');
    expect((await execute(brief.proposal.id, 13)).error?.code).toBe('Expired');
  });

  it('actions that this version does not carry out, unknown actions and keys, too much text', async () => {
    const base = ['governance', 'propose', '--rationale', 'x', '--signer', 'alice', ...of('alice')];
    const freeze = await home.json([...base, '--action', 'freeze:{"duration_s":60}'], 3);
    expect(freeze.error).toMatchObject({ code: 'Unsupported', hint: expect.stringContaining('root-rotate') });
    const misspelt = await home.json([...base, '--action', 'root-rotat'], 3);
    expect(misspelt.error).toMatchObject({ code: 'UnknownKey', hint: expect.stringContaining('root-rotate') });
    const key = await home.json([...base, '--scope', 'global', '--change', 'pq_mod=and'], 3);
    expect(key.error).toMatchObject({ code: 'UnknownKey', hint: expect.stringContaining('pq_mode') });
    const tenant = await home.json([...base, '--scope', 'tenant:acne', '--change', 'caps.max_active=90'], 4);
    expect(tenant.error).toMatchObject({ code: 'UnknownTenant', hint: expect.stringContaining('acme') });
    const steps = await home.json([...base, '--scope', 'global', '--change', 'pq_mode=pq_only'], 3);
    expect(steps.error?.hint).toContain('governance propose');
    const text = await home.json(
      [
        'governance',
        'propose',
        '--rationale',
        'y'.repeat(4097),
        '--signer',
        'alice',
        '--scope',
        'global',
        '--change',
        'caps.max_ttl_s=100',
        ...of('alice'),
      ],
      3,
    );
    expect(text.error).toMatchObject({ code: 'TooLarge', field: '--rationale' });
    const two = await home.json([...base, '--change', 'a=b', '--action', 'root-rotate'], 2);
    expect(two.error?.message).toContain('exclude each other');
  });

  it('a planted, a swollen and a 65 KiB file in the inbox are set aside at the ingest, the rest is taken', async () => {
    const good = await propose('bob', '--scope', 'global', '--change', 'caps.max_ttl_s=120');
    const name = `${'ab'.repeat(32)}.json`;
    const bytes = readFileSync(join(home.path, good.file!));
    writeFileSync(join(home.path, 'inbox', name), bytes, { mode: 0o600 });
    writeFileSync(join(home.path, 'inbox', `${'cd'.repeat(32)}.json`), 'not json', { mode: 0o600 });
    const envelope = JSON.parse(bytes.toString()) as { payload: string; payloadType: string; signatures: unknown };
    const payload = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as { rationale: string };
    const swollen = Buffer.from(JSON.stringify({ ...payload, rationale: 'z'.repeat(65 * 1024) })).toString('base64');
    writeFileSync(
      join(home.path, 'inbox', `${'ef'.repeat(32)}.json`),
      `${JSON.stringify({ ...envelope, payload: swollen })}\n`,
      { mode: 0o600 },
    );
    const seen = await home.json<InboxResult>(['governance', 'inbox']);
    expect(seen.data?.valid).toMatchObject([{ type: 'proposal', by: 'bob' }]);
    expect(seen.data?.invalid).toHaveLength(3);
    const { data } = await home.json<IngestResult>(['governance', 'ingest', ...store()]);
    expect(data?.ingested).toMatchObject([{ type: 'proposal', id: good.proposal.id }]);
    expect(data?.refused.map((one) => one.code).sort()).toEqual(['Malformed', 'Malformed', 'TooLarge']);
    expect(inbox()).toEqual([]);
    expect(readdirSync(join(home.path, 'inbox/refused'))).toHaveLength(3);
  });

  it('control characters and bidi overrides in a rationale are shown escaped', async () => {
    const evil = 'ok\u001b[2J\u202etrap\nstatus  approved';
    const argv = [
      'governance',
      'propose',
      '--scope',
      'global',
      '--change',
      'caps.max_ttl_s=130',
      '--signer',
      'alice',
      '--rationale',
      evil,
    ];
    const { data } = await home.json<ProposeResult>([...argv, ...of('alice')]);
    const { stdout } = await home.run(['governance', 'show', data!.proposal.id]);
    expect(stdout).toContain('ok\\u{1b}[2J\\u{202e}trap\\u{a}status  approved');
    expect(stdout).not.toMatch(/[\u001b\u202e]/);
  });
});

describe('acts beside proposals', () => {
  it('tune within 20 % needs no quorum, beyond it does (16)', async () => {
    const { data } = await home.json<TunedResult>(['governance', 'tune', 'caps.max_active=120', ...store()]);
    expect(data).toMatchObject({ from: 100, to: 120, min: 80, max: 120 });
    const beyond = await home.json(['governance', 'tune', 'caps.max_active=121', ...store()], 16);
    expect(beyond.error).toMatchObject({ code: 'PolicyRefused', hint: expect.stringContaining('propose') });
    const sensitive = await home.json(['governance', 'tune', 'keys.rotate_max_days=79', ...store()], 16);
    expect(sensitive.error?.message).toContain('needs a quorum');
    const status = await home.json<StatusResult>(['governance', 'status']);
    expect(status.data?.in_force).toMatchObject([{ kind: 'tune', keys: ['caps.max_active'] }]);
  });

  it.each(['root-rotate', 'service-key-rotate', 'log-key-rotate'])(
    '%s is governed, and everything verifies afterwards',
    async (action) => {
      const argv = [
        'governance',
        'propose',
        '--action',
        action,
        '--rationale',
        'yearly',
        '--signer',
        'carol',
        ...named('carol', 'store'),
      ];
      const one = (await home.json<ProposeResult>(argv)).data!;
      for (const by of ['alice', 'bob']) await approve(by, one);
      const done = await execute(one.proposal.id);
      expect(done.data?.receipt?.effects.map((step) => step.effect)).toEqual([action, 'policy']);
      const next = await propose('alice', '--scope', 'global', '--change', `caps.max_ttl_s=${140 + action.length}`);
      for (const by of ['alice', 'bob']) await approve(by, next);
      await execute(next.proposal.id);
      expect((await home.json<VerifyResult>(['governance', 'verify'])).data?.verdict).toBe('consistent');
      expect((await home.run(['audit', 'verify'])).exit).toBe(0);
    },
  );

  it('key-retire is governed', async () => {
    const kid = (
      await home.json<{ kid: string }>([
        'kms',
        'create',
        '--tenant',
        'acme',
        '--purpose',
        'old',
        '--alg',
        'ed25519',
        ...store(),
      ])
    ).data!.kid;
    const one = await propose(
      'alice',
      '--scope',
      'tenant:acme',
      '--action',
      `key-retire:{"kid":"${kid.split('#')[0]}"}`,
    );
    expect(one.proposal).toMatchObject({ irreversible: true, kind: 'key-retire' });
    for (const by of ['alice', 'bob']) await approve(by, one);
    await execute(one.proposal.id);
    home.write('payload', 'x');
    expect((await home.run(['kms', 'sign', kid, '--file', 'payload', '--out', 'b', ...store()])).exit).toBe(16);
  });

  it('a signer-set change needs the new key, shows old and new set, and makes open proposals stale', async () => {
    await makeSigners(home, 'dave');
    const open = await propose('alice', '--scope', 'global', '--change', 'caps.max_ttl_s=250');
    const argv = [
      'governance',
      'signers',
      'change',
      '--members',
      'alice,bob,custodian=dave',
      '--reason',
      'carol=left',
      '--rationale',
      'carol has left',
    ];
    const one = (await home.json<ProposeResult>([...argv, '--signer', 'alice', ...of('alice')])).data!;
    expect(one.proposal.new_signer_set?.members.map((member) => member.id)).toEqual(['alice', 'bob', 'dave']);
    const text = await home.run(['governance', 'show', one.proposal.id]);
    expect(text.stdout).toContain('old signer set, epoch 0');
    expect(text.stdout).toContain('new signer set, epoch 1');
    for (const by of ['alice', 'bob']) await approve(by, one);
    expect((await execute(one.proposal.id, 15)).error?.message).toContain(
      'no proof of possession of the new keys of dave',
    );
    expect((await approve('dave', one)).data).toMatchObject({ purpose: 'possession', signer: 'dave' });
    await execute(one.proposal.id);
    const { data } = await home.json<SignersResult>(['governance', 'signers', 'show']);
    expect(data).toMatchObject({ epoch: 1, earlier: [{ epoch: 0, members: ['alice', 'bob', 'carol'] }] });
    expect((await vote('approve', 'bob', open, 15)).error).toMatchObject({ code: 'Stale' });
    expect((await execute(open.proposal.id, 12)).error?.code).toBe('QuorumPending');
    expect((await home.json<VerifyResult>(['governance', 'verify'])).data?.verdict).toBe('consistent');
  });
});

describe('tampering', () => {
  it('a ledger line that was changed is found by verify and by the next writer (10)', async () => {
    const path = join(home.path, 'ledger/000000.jsonl');
    const whole = readFileSync(path);
    const lines = whole.toString().split('\n');
    lines[2] = lines[2]!.replace(/"payload":"(.{40})./, (_all, head: string) => `"payload":"${head}A`);
    writeFileSync(path, lines.join('\n'));
    const { data, error } = await home.json<VerifyResult>(['governance', 'verify'], 10);
    expect(error?.message).toContain('ledger line 2');
    expect(data?.verdict).toBe('tampered');
    writeFileSync(path, whole.subarray(0, whole.lastIndexOf('\n', whole.length - 2) + 1));
    expect((await home.json(['governance', 'list'], 10)).error?.code).toBe('Tampered');
    expect((await home.json(['governance', 'ingest', ...store()], 10)).error?.code).toBe('Tampered');
    writeFileSync(path, whole);
    expect((await home.json<VerifyResult>(['governance', 'verify'])).data?.verdict).toBe('consistent');
  });
});
