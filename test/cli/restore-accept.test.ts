// A restore from the backup to the next signature, with the real binary (log page 4.7): the restored store refuses every
// write and goes on verifying; a quorum opens the next epoch; both epochs verify here and elsewhere, with the proof only.

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditAnchorResult } from '../../src/operations/audit/anchor.ts';
import type { AuditImportResult } from '../../src/operations/audit/import.ts';
import type { ReconcileResult } from '../../src/operations/audit/reconcile.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { ExecuteResult } from '../../src/operations/governance/execute.ts';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import { type TestHome, temporaryHome } from '../support/binary.ts';
import { asStore, carryOut, governHome } from '../support/governed-home.ts';
import { http, metric, startServer } from '../support/server.ts';

const home = temporaryHome();
const restored = temporaryHome();
const as = (id: string): string[] => ['--signer', id, '--passphrase-file', home.passphrase(id)];
const backup = home.file('backup');
let kid = '';

const unsealing = (argv: readonly string[]): string[] => asStore(home, argv);
const sign = (at: TestHome, name: string): string[] =>
  unsealing(['kms', 'sign', kid, '--file', at.write('payload', name), '--out', at.file(name), '--force']);

beforeAll(async () => {
  await governHome(home);
  const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  kid = (await home.json<{ kid: string }>(unsealing(create))).data!.kid.split('#')[0]!;
  await home.json(sign(home, 'before'));
  const scopes = ['--scope', 'sign,verify,read', '--expires', '10m'];
  await home.json(unsealing(['cap', 'mint', '--tenant', 'acme', ...scopes, '--out', home.file('token')]));
  await home.json(['store', 'backup', '--out', backup]);
  await home.json(sign(home, 'lost'));
  await home.json(sign(home, 'lost-too'));
  // The old home goes on as a memory: what it has verified is what everybody knows of the end of the log.
  await home.json(['audit', 'verify']);
  mkdirSync(restored.path, { mode: 0o700 });
  cpSync(join(home.path, 'trust'), join(restored.path, 'trust'), { recursive: true });
  cpSync(join(home.path, 'signers'), join(restored.path, 'signers'), { recursive: true });
  await restored.json(['store', 'restore', backup]);
});

const propose = ['governance', 'propose', '--action', 'restore-accept'];

describe('a restored store', () => {
  it('refuses every write, and names the way on', async () => {
    for (const argv of [
      sign(restored, 'x'),
      unsealing(['kms', 'rotate', kid]),
      unsealing(['store', 'reseal']),
      unsealing(['audit', 'checkpoint']),
      unsealing(['governance', 'ingest']),
    ]) {
      const { error } = await restored.json(argv, 10);
      expect(error, argv.join(' ')).toMatchObject({
        code: 'RolledBack',
        hint: expect.stringContaining('restore-accept'),
      });
    }
  });

  it('goes on verifying and reading, and raises the alarm', async () => {
    const { data } = await restored.json<{ trust: string }>(
      ['kms', 'verify', '--sig', home.file('before'), '--file', home.write('payload', 'before')],
      11,
    );
    expect(data).toMatchObject({ trust: 'not-authenticated' });
    const status = await restored.json<{ restored_at: string; rolled_back: string }>(['store', 'status']);
    expect(status.data).toMatchObject({
      restored_at: expect.stringMatching(/Z$/),
      rolled_back: expect.stringContaining('remembers a checkpoint'),
    });
    const doctor = await restored.json<{ checks: { name: string; status: string; code?: string }[] }>(['doctor'], 10);
    expect(doctor.data?.checks).toContainEqual(expect.objectContaining({ name: 'custody store', code: 'RolledBack' }));
    const verified = await restored.json<AuditVerifyResult>(['audit', 'verify'], 10);
    expect(verified.error?.field).toBe('rolled-back');
  });

  it('names the newest checkpoint that anybody kept, although its log is gone', async () => {
    const bare = temporaryHome();
    await bare.json(['store', 'restore', backup]);
    cpSync(join(home.path, 'signers'), join(bare.path, 'signers'), { recursive: true });
    const pinned = readdirSync(join(home.path, 'trust')).find((name) => name.startsWith('gl-'))!;
    cpSync(join(home.path, 'trust', pinned), join(bare.path, 'trust', pinned), { recursive: true });
    const kept = await home.json<AuditAnchorResult>(['audit', 'anchor', '--out', bare.file('kept'), '--force']);
    const { error } = await bare.json(['audit', 'anchor', '--import', bare.file('kept')], 11);
    expect(error?.field).toBe('consistency-unproven');
    const action = /--action '([^']+)'/.exec(error?.hint ?? '')![1]!;
    const argv = ['governance', 'propose', '--action', action, '--rationale', 'disk lost', ...as('alice')];
    const { data } = await bare.json<ProposeResult>([...argv, '--dry-run']);
    expect(JSON.stringify(data)).toContain(`"to":${kept.data!.checkpoint.size}}`);
  });

  it('starts a server that verifies, writes nothing and is not ready', async () => {
    const server = await startServer(restored);
    expect(server.ready.verify_only).toContain('restored');
    const ready = await http(server.ready.metrics_addr, { path: '/readyz' });
    expect(ready.status).toBe(503);
    expect((JSON.parse(ready.body) as { missing: string[] }).missing).toEqual(
      expect.arrayContaining(['audit_ready', 'policy_loaded']),
    );
    const page = (await http(server.ready.metrics_addr, { path: '/metrics' })).body;
    expect(metric(page, 'kms_audit_integrity_failed_total')).toBeGreaterThan(0);
    expect(server.stderr()).toContain('audit_integrity_failed');
    const online = ['--kms', 'local', '--token-file', home.file('token')];
    const payload = ['--file', home.write('payload', 'before')];
    const refused = await restored.json(['kms', 'sign', kid, ...payload, '--out', home.file('n'), ...online], 10);
    expect(refused.error?.code).toBe('RolledBack');
    const verified = await restored.json<{ trust: string }>(
      ['kms', 'verify', '--sig', home.file('before'), ...payload, ...online],
      11,
    );
    expect(verified.data).toMatchObject({ trust: 'not-authenticated' });
    await server.stop();
  });

  it('goes on by what a quorum accepted, and signs again', async () => {
    const proposed = await restored.json<ProposeResult>([...propose, '--rationale', 'disk lost', ...as('alice')]);
    const { id, digest } = proposed.data!.proposal;
    const early = await restored.json(unsealing(['governance', 'execute', id]), 12);
    expect(early.error?.code).toBe('QuorumPending');
    for (const who of ['alice', 'bob']) {
      await restored.json(['governance', 'approve', id, '--expect-digest', digest, ...as(who)]);
    }
    await restored.json(unsealing(['governance', 'execute', id, '--dry-run']));
    expect(readdirSync(join(restored.path, 'audit'))).not.toContain('e1');
    const before = readFileSync(join(restored.path, 'audit/e0/segments/000000.jsonl'));
    const done = await restored.json<ExecuteResult>(unsealing(['governance', 'execute', id]));
    expect(done.data).toMatchObject({ replayed: false, checkpoint: { origin: expect.stringMatching(/\/e1$/) } });
    expect(readFileSync(join(restored.path, 'audit/e0/segments/000000.jsonl'))).toEqual(before);
    const first = JSON.parse(
      readFileSync(join(restored.path, 'audit/e1/segments/000000.jsonl'), 'utf8').split('\n')[0]!,
    ) as { op: string; seq: number; detail: Record<string, unknown> };
    expect(first).toMatchObject({ op: 'epoch.open', seq: 0, detail: { proposal_digest: digest } });
    const again = await restored.json<ExecuteResult>(unsealing(['governance', 'execute', id]));
    expect(again.data?.replayed).toBe(true);
    await restored.json(sign(restored, 'after'));
    await carryOut(restored, [
      'governance',
      'propose',
      '--scope',
      'tenant:acme',
      '--change',
      'keys.rotate_max_days=30',
    ]);
    const verified = await restored.json<AuditVerifyResult>(['audit', 'verify']);
    expect(verified.data).toMatchObject({ verdict: 'consistent', trust: 'pinned' });
    expect(verified.data?.epochs).toHaveLength(2);
    expect(verified.data?.findings.map((one) => one.code)).toContain('lost-records');
  });

  it('is complete but for what the restore lost, over both epochs', async () => {
    const { data } = await restored.json<ReconcileResult>(['audit', 'reconcile'], 11);
    expect(data).toMatchObject({
      verdict: 'undecidable',
      trust: 'pinned',
      counts: { executed: 2, effects: 3, keys: 1 },
    });
    expect(data!.findings.map((one) => one.code)).toEqual(['lost-range']);
    expect(data!.epochs.map((one) => one.epoch)).toEqual([0, 1]);
    await restored.json(unsealing(['audit', 'reconcile', '--unseal']), 11);
  });

  it('verifies from elsewhere with the proof, not without it, and never with another link', async () => {
    const elsewhere = temporaryHome();
    const genesis = join(
      restored.path,
      'trust',
      readdirSync(join(restored.path, 'trust')).find((name) => name.startsWith('gl-'))!,
    );
    const pin = JSON.parse(readFileSync(join(genesis, 'pin.json'), 'utf8')) as { genesis_digest: string };
    const trust = ['governance', 'trust', join(genesis, 'genesis.json'), '--expect-digest', pin.genesis_digest];
    await elsewhere.json(trust);
    // Of the audit directory alone: who accepted the restore is not in it.
    const bare = restored.file('bare');
    cpSync(join(restored.path, 'audit'), bare, { recursive: true });
    const unproven = await elsewhere.json<AuditVerifyResult>(['audit', 'verify', bare], 11);
    expect(unproven.error).toMatchObject({ code: 'Inconclusive', field: 'epoch-unproven' });
    const whole = await elsewhere.json<AuditVerifyResult>(['audit', 'verify', restored.path]);
    expect(whole.data).toMatchObject({ verdict: 'consistent', trust: 'pinned', kind: 'copy' });
    // Now the chain is known here.
    expect((await elsewhere.json<AuditVerifyResult>(['audit', 'verify', bare])).data?.verdict).toBe('consistent');
    // The older home knows more of the first epoch than the backup: the quorum has said so.
    expect((await home.json<AuditVerifyResult>(['audit', 'verify', restored.path])).data?.verdict).toBe('consistent');
    const own = await home.json<AuditVerifyResult>(['audit', 'verify'], 10);
    expect(own.error?.field).toBe('rolled-back');
  });

  it('is tampered with when the link says something else', async () => {
    const copy = restored.file('altered');
    for (const [what, from, to] of [
      [
        'prev_checkpoint',
        /"prev_checkpoint":\{"origin":"[^"]*","root":"./,
        (text: string) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0'),
      ],
      [
        'proposal',
        /"proposal_digest":"sha256:./,
        (text: string) => text.slice(0, -1) + (text.endsWith('0') ? '1' : '0'),
      ],
      ['op', /"op":"epoch.open"/, () => '"op":"epoch.down"'],
    ] as const) {
      rmSync(copy, { recursive: true, force: true });
      cpSync(join(restored.path, 'audit'), copy, { recursive: true });
      const segment = join(copy, 'e1/segments/000000.jsonl');
      const text = readFileSync(segment, 'utf8');
      expect(text).toMatch(from);
      writeFileSync(segment, text.replace(from, to), { mode: 0o600 });
      const { data } = await restored.json<AuditVerifyResult>(['audit', 'verify', copy], 10);
      expect(
        data?.findings.map((one) => one.code),
        what,
      ).toContain(what === 'op' ? 'leaf-mismatch' : 'epoch-mismatch');
    }
  });

  it('reads records, proofs and governance over both epochs', async () => {
    const old = await restored.json<{ records: { record: { op: string } }[] }>([
      'audit',
      'log',
      '--epoch',
      '0',
      '--limit',
      '1',
    ]);
    expect(old.data?.records).toHaveLength(1);
    await restored.json(['audit', 'show', '0', '--epoch', '1']);
    const verified = await restored.json<{ verdict: string }>(['governance', 'verify']);
    expect(verified.data?.verdict).toBe('consistent');
    for (const [at, name] of [
      [home, 'before'],
      [restored, 'after'],
    ] as const) {
      await restored.json(['kms', 'verify', '--sig', at.file(name), '--file', at.write('payload', name)]);
    }
    const status = await restored.json<{ restored_at: unknown; rolled_back: unknown }>(['store', 'status']);
    expect(status.data).toMatchObject({ restored_at: null, rolled_back: null });
    const again = await restored.json([...propose, '--rationale', 'again', ...as('alice')], 15);
    expect(again.error?.code).toBe('Conflict');
    await restored.json(unsealing(['store', 'reseal']));
    await restored.json(sign(restored, 'resealed'));
  });

  it('serves its new epoch, and the older ones to whoever verifies', async () => {
    const fresh = home.file('fresh-token');
    const mint = ['cap', 'mint', '--tenant', 'acme', '--scope', 'sign', '--expires', '5m', '--out', fresh];
    await restored.json(unsealing(mint));
    const server = await startServer(restored);
    expect(server.ready.verify_only).toBeNull();
    const online = ['--kms', 'local'];
    const verified = await restored.json<AuditVerifyResult>(['audit', 'verify', ...online]);
    expect(verified.data).toMatchObject({ verdict: 'consistent', kind: 'server' });
    expect(verified.data?.epochs).toHaveLength(2);
    await restored.json(['governance', 'list', ...online]);
    // Whether a capability was revoked in the lost records nobody knows: those of the epoch before are not registered here.
    const payload = ['--file', home.write('payload', 'served'), '--out', home.file('served'), '--force'];
    const old = await restored.json(
      ['kms', 'sign', kid, ...payload, ...online, '--token-file', home.file('token')],
      21,
    );
    expect(old.error).toMatchObject({ code: 'NoCapability', message: expect.stringContaining('not registered') });
    await restored.json(['kms', 'sign', kid, ...payload, ...online, '--token-file', fresh]);
    expect(await server.stop()).toBe(0);
  });

  it('keeps the lost range of an export, proved under what was approved', async () => {
    const whole = home.file('export');
    // The old home knows by now that the log went on elsewhere; its own log is what it was.
    await home.json(['audit', 'export', '--out', whole, '--epoch', '0']);
    const dry = await restored.json<AuditImportResult>(['audit', 'import', whole, '--dry-run']);
    expect(dry.data?.kept).toHaveLength(1);
    const done = await restored.json<AuditImportResult>(['audit', 'import', whole]);
    expect(done.data?.kept).toEqual([{ ...dry.data!.kept[0]!, fresh: true }]);
    expect((await restored.json<AuditImportResult>(['audit', 'import', whole])).data?.kept[0]?.fresh).toBe(false);
    const verified = await restored.json<AuditVerifyResult>(['audit', 'verify']);
    const lost = verified.data?.findings.find((one) => one.code === 'lost-records');
    expect(lost?.message).toContain('are imported');
    const reconciled = await restored.json<ReconcileResult>(['audit', 'reconcile']);
    expect(reconciled.data).toMatchObject({ verdict: 'complete', findings: [{ code: 'lost-imported' }] });
    // What was signed after the backup is found again.
    await restored.json(['kms', 'verify', '--sig', home.file('lost'), '--file', home.write('payload', 'lost')]);
    const segment = join(restored.path, 'audit/e0/imported/segments/000000.jsonl');
    const bytes = readFileSync(segment);
    const at = bytes.lastIndexOf('"op":"sign"');
    bytes[at - 20]! ^= 1;
    writeFileSync(segment, bytes, { mode: 0o600 });
    const altered = await restored.json<AuditVerifyResult>(['audit', 'verify'], 10);
    expect(altered.data?.findings[0]).toMatchObject({ file: 'imported' });
    expect((await restored.json<ReconcileResult>(['audit', 'reconcile'], 10)).error?.field).toBe('missing-records');
  });

  it('learns of the end of the log from an export before the restore is accepted', async () => {
    const fresh = temporaryHome();
    const other = { env: { RONCTL_HOME: fresh.path } };
    await home.json(['store', 'restore', backup], 0, other);
    const imported = await home.json<AuditImportResult>(['audit', 'import', home.file('export')], 0, other);
    expect(imported.data).toMatchObject({ remembered: true, kept: [] });
    const status = await home.json<{ rolled_back: string }>(['store', 'status'], 0, other);
    expect(status.data?.rolled_back).toContain('remembers a checkpoint');
  });
});
