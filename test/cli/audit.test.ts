// `ronctl audit` through the real binary: one verdict and one exit code in every output mode, first index named.

import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditCheckpointResult } from '../../src/operations/audit/checkpoint.ts';
import type { AuditLogResult } from '../../src/operations/audit/log.ts';
import type { AuditShowResult } from '../../src/operations/audit/show.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';

const home = temporaryHome();
const pass = ['--passphrase-file', home.passphrase('store')];
const segment = (base: string): string => join(base, 'audit/e0/segments/000000.jsonl');
let copies = 0;

/** A copy of the home, changed. */
function copy(change: (path: string) => void): string {
  const path = home.file(`copy-${++copies}`);
  cpSync(home.path, path, { recursive: true });
  change(path);
  return path;
}

function flipByte(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}

beforeAll(async () => {
  await makeStore(home);
  const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  await home.json([...create, ...pass]);
});

describe('ronctl audit verify', () => {
  it('is consistent, says what it read, and needs no passphrase', async () => {
    const { data } = await home.json<AuditVerifyResult>(['audit', 'verify']);
    expect(data).toMatchObject({
      verdict: 'consistent',
      trust: 'local',
      kind: 'home',
      findings: [],
      first_index: null,
    });
    expect(data!.epochs[0]).toMatchObject({ unsigned_tail: 0, torn_bytes: 0 });
    const table = await home.run(['audit', 'verify']);
    expect([table.exit, table.stderr]).toEqual([0, '']);
    expect(table.stdout).toMatch(/^consistent\n/);
    const unsealed = await home.json<AuditVerifyResult>(['audit', 'verify', '--unseal', ...pass]);
    expect(unsealed.data).toMatchObject({ verdict: 'consistent', head_checked: true });
    const wrong = home.write('wrong.pass', 'not this one\n');
    const refused = await home.json(['audit', 'verify', '--unseal', '--passphrase-file', wrong], 3);
    expect(refused.error?.code).toBe('WrongPassphrase');
  });

  it('finds one flipped byte in every output mode, with the index of the record', async () => {
    const record = 2;
    const lines = readFileSync(segment(home.path), 'utf8').split('\n');
    const offset = lines.slice(0, record).reduce((sum, line) => sum + line.length + 1, 0);
    const broken = copy((path) => flipByte(segment(path), offset + 40));
    const { data, error } = await home.json<AuditVerifyResult>(['audit', 'verify', broken], 10);
    expect(data).toMatchObject({ verdict: 'tampered', first_index: record, kind: 'copy' });
    expect(error).toMatchObject({
      code: 'Tampered',
      field: 'leaf-mismatch',
      message: expect.stringContaining(`record ${record}`),
    });
    for (const mode of [[], ['-o', 'yaml'], ['--fast'], ['--fast', '--json'], ['--no-color']]) {
      const run = await home.run(['audit', 'verify', join(broken, 'audit'), ...mode]);
      expect(run.exit, mode.join(' ')).toBe(10);
      expect(`${run.stdout}${run.stderr}`, mode.join(' ')).toContain('leaf-mismatch');
    }
    const table = await home.run(['audit', 'verify', broken]);
    expect(table.stdout).toMatch(/^tampered, first at record 2\n/);
  });

  it('finds a tail cut off: below its own checkpoint, and against the remembered one', async () => {
    await home.json(['audit', 'verify']);
    const cut = copy((path) => {
      const lines = readFileSync(segment(path), 'utf8').trimEnd().split('\n');
      writeFileSync(segment(path), `${lines.slice(0, -1).join('\n')}\n`);
    });
    const truncated = await home.json<AuditVerifyResult>(['audit', 'verify'], 10, { env: { RONCTL_HOME: cut } });
    expect(truncated.error?.field).toBe('truncated');
    const old = copy(() => undefined);
    await home.json(['kms', 'create', '--tenant', 'acme', '--purpose', 'second', '--alg', 'ed25519', ...pass]);
    await home.json(['audit', 'verify']);
    const newer = copy((path) => {
      rmSync(join(path, 'audit'), { recursive: true });
      cpSync(join(old, 'audit'), join(path, 'audit'), { recursive: true });
    });
    const rolled = await home.json<AuditVerifyResult>(['audit', 'verify'], 10, { env: { RONCTL_HOME: newer } });
    expect(rolled.error?.field).toBe('rolled-back');
    const bare = await home.json<AuditVerifyResult>(['audit', 'verify', join(old, 'audit')], 11);
    expect(bare.data).toMatchObject({ verdict: 'inconclusive', findings: [{ code: 'older-copy' }] });
  });

  it('has no verdict where there is no log, or no key', async () => {
    const empty = home.file('nowhere');
    expect((await home.json(['audit', 'verify'], 4, { env: { RONCTL_HOME: empty } })).error?.code).toBe(
      'NotInitialised',
    );
    expect((await home.json(['audit', 'verify', home.directory], 3)).error?.code).toBe('Malformed');
    expect((await home.json(['audit', 'verify', empty], 4)).error?.code).toBe('NotFound');
    const stranger = await home.json<AuditVerifyResult>(['audit', 'verify', join(home.path, 'audit')], 11, {
      env: { RONCTL_HOME: empty },
    });
    expect(stranger).toMatchObject({ data: { trust: 'none' }, error: { code: 'NoTrustedKey' } });
    expect(existsSync(empty)).toBe(false);
  });
});

describe('ronctl audit log and show', () => {
  it('lists records newest first, proved, and filters them', async () => {
    const { data } = await home.json<AuditLogResult>(['audit', 'log']);
    expect(data!.records.every((one) => one.signed && one.known)).toBe(true);
    expect(data!.records.map((one) => one.index)).toEqual(data!.records.map((_, at) => data!.records_total - 1 - at));
    const creates = await home.json<AuditLogResult>([
      'audit',
      'log',
      '--op',
      'create',
      '--tenant',
      'ACME',
      '--limit',
      '1',
    ]);
    expect(creates.data).toMatchObject({ left_out: 1, records: [{ record: { op: 'create', tenant: 'acme' } }] });
    const none = await home.json<AuditLogResult>(['audit', 'log', '--from', '100000']);
    expect(none.data!.records).toEqual([]);
    const table = await home.run(['audit', 'log', '--limit', '2']);
    expect(table.stdout).toContain('manifest');
    expect((await home.json(['audit', 'log', '--since', 'yesterday'], 3)).error?.field).toBe('--since');
  });

  it('shows one record with its proof, and refuses one that was changed', async () => {
    const { data } = await home.json<AuditShowResult>(['audit', 'show', '0']);
    expect(data).toMatchObject({ index: 0, signed: true, record: { op: 'init' } });
    expect(data!.proof.length).toBeGreaterThan(0);
    expect(JSON.parse(data!.line)).toEqual(data!.record);
    expect((await home.json(['audit', 'show', '1000'], 4)).error?.code).toBe('NotFound');
    expect((await home.json(['audit', 'show', '0x1'], 3)).error?.field).toBe('INDEX');
    const broken = copy((path) => flipByte(segment(path), 40));
    const refused = await home.json(['audit', 'show', '0'], 10, { env: { RONCTL_HOME: broken } });
    expect(refused.error).toMatchObject({ code: 'Tampered', field: 'leaf-mismatch' });
    expect((await home.json(['audit', 'log'], 10, { env: { RONCTL_HOME: broken } })).error?.field).toBe(
      'leaf-mismatch',
    );
  });
});

describe('ronctl audit checkpoint', () => {
  it('signs an unchanged log again, to a file too, and --dry-run writes nothing', async () => {
    const note = join(home.path, 'audit/e0/checkpoint');
    const before = readFileSync(note, 'utf8');
    const dry = await home.json<AuditCheckpointResult>(['audit', 'checkpoint', '--dry-run', ...pass]);
    expect(dry.data).toEqual({ dry_run: true, checkpoint: null });
    expect(readFileSync(note, 'utf8')).toBe(before);
    const out = home.file('newest.checkpoint');
    const { data } = await home.json<AuditCheckpointResult>(['audit', 'checkpoint', '--out', out, ...pass]);
    expect(readFileSync(note, 'utf8')).toBe(data!.checkpoint!.note);
    expect(readFileSync(out, 'utf8')).toBe(data!.checkpoint!.note);
    expect(data!.checkpoint!.note.split('\n').slice(0, 3)).toEqual(before.split('\n').slice(0, 3));
    const again = await home.json(['audit', 'checkpoint', '--out', out, ...pass], 3);
    expect(again.error?.code).toBe('Exists');
    await home.json(['audit', 'verify', '--unseal', ...pass]);
  });
});
