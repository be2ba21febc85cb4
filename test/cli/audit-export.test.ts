// `ronctl audit export` through the real binary: what it writes is verified by the same binary and by programs that are not
// ours; it says what it refuses.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditExportResult } from '../../src/operations/audit/export.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import { tlogCheckers } from '../support/tlog-checkers.ts';

const home = temporaryHome();
const pass = ['--passphrase-file', home.passphrase('store')];

beforeAll(async () => {
  await makeStore(home);
  const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  await home.json([...create, ...pass]);
});

const vkey = (): string => {
  const log = JSON.parse(readFileSync(join(home.path, 'audit/log.json'), 'utf8')) as {
    epochs: { keys: { vkeys: string[] }[] }[];
  };
  return log.epochs[0]!.keys[0]!.vkeys[0]!;
};

describe('ronctl audit export --tlog', () => {
  it('is read by verifiers that are not ours, grows, and is judged by audit verify', async () => {
    const log = home.file('log');
    const first = await home.json<AuditExportResult>(['audit', 'export', '--tlog', log]);
    expect(first.data).toMatchObject({ kind: 'tlog', out: log, from: 0, trust: 'local', gaps: [], redacted: null });
    const size = first.data!.checkpoint.size;
    await home.json(['audit', 'checkpoint', ...pass]);
    const second = await home.run(['audit', 'export', '--tlog', 'log']);
    expect([second.exit, second.stderr]).toEqual([0, '']);
    expect(second.stdout).toMatch(/^tlog-tiles directory\n/);
    for (const checker of tlogCheckers()) {
      expect((await checker.check(log, vkey(), [size])).output, checker.name).toMatch(/^ok /);
    }
    const { data } = await home.json<AuditVerifyResult>(['audit', 'verify', log]);
    expect(data).toMatchObject({ kind: 'tlog', verdict: 'consistent', trust: 'local' });
  });

  it('refuses a use that makes no sense', async () => {
    expect((await home.json(['audit', 'export'], 2)).error).toMatchObject({ code: 'Usage' });
    const { error } = await home.json(['audit', 'export', '--tlog', 'no/where'], 4);
    expect(error).toMatchObject({ code: 'NotFound', field: '--tlog' });
    expect(existsSync(home.file('no'))).toBe(false);
  });
});

describe('ronctl audit export --out DIR', () => {
  it('whole: consistent; a range: inconclusive, and says what is left out', async () => {
    const { data } = await home.json<AuditExportResult>(['audit', 'export', '--out', 'whole']);
    expect(data).toMatchObject({ kind: 'native', gaps: [] });
    expect((await home.json<AuditVerifyResult>(['audit', 'verify', 'whole'])).data).toMatchObject({
      kind: 'export',
      verdict: 'consistent',
    });
    await home.json(['audit', 'export', '--out', 'range', '--from', '1', '--to', '3']);
    const range = await home.json<AuditVerifyResult>(['audit', 'verify', 'range'], 11);
    expect([range.error?.field, range.data?.verdict]).toEqual(['declared-gap', 'inconclusive']);
    expect((await home.json(['audit', 'export', '--out', 'whole'], 3)).error).toMatchObject({
      code: 'Exists',
      field: '--out',
    });
  });
});

describe('ronctl audit export to a file', () => {
  it('redacted: proved places, unproven content, exit 0; changed: 10; with --tlog: 2', async () => {
    const { data } = await home.json<AuditExportResult>([
      'audit',
      'export',
      '--redact',
      'tenant,actor',
      '--out',
      'part.jsonl',
    ]);
    expect(data).toMatchObject({ kind: 'redacted', redacted: data!.records });
    const text = readFileSync(home.file('part.jsonl'), 'utf8');
    expect(text).not.toContain('acme');
    const table = await home.run(['audit', 'verify', 'part.jsonl']);
    expect([table.exit, table.stderr]).toEqual([0, '']);
    expect(table.stdout).toContain('UNPROVEN');
    home.write('changed.jsonl', text.replace(/"leaf_hash":"./, '"leaf_hash":"g'));
    expect((await home.json(['audit', 'verify', 'changed.jsonl'], 10)).error).toMatchObject({
      field: 'record-invalid',
    });
    const both = await home.json(['audit', 'export', '--tlog', 'x', '--redact', 'tenant'], 2);
    expect(both.error).toMatchObject({ code: 'Usage', field: '--redact' });
    const again = await home.json(['audit', 'export', '--redact', 'tenant', '--out', 'part.jsonl'], 3);
    expect(again.error).toMatchObject({ code: 'Exists' });
    expect((await home.json(['audit', 'export', '--redact', 'r', '--out', 'r.jsonl'], 3)).error).toMatchObject({
      field: '--redact',
    });
  });

  it('ron-audit: a chain that says that nobody signed it', async () => {
    await home.json(['audit', 'export', '--format', 'ron-audit', '--out', 'chain.jsonl']);
    const verify = ['audit', 'verify', '--format', 'ron-audit'];
    const { data } = await home.json<AuditVerifyResult>([...verify, 'chain.jsonl']);
    expect(data).toMatchObject({
      kind: 'ron-audit',
      verdict: 'consistent',
      trust: 'none',
      ron_audit: { rule: 'sorted', signed: false },
    });
    expect((await home.run([...verify, 'chain.jsonl'])).stdout).toContain('nobody signed this chain');
    const text = readFileSync(home.file('chain.jsonl'), 'utf8');
    home.write('broken.jsonl', text.replace('"reason":"ok"', '"reason":"no"'));
    for (const mode of [[], ['--json'], ['-o', 'yaml']]) {
      const run = await home.run([...verify, 'broken.jsonl', ...mode]);
      expect([run.exit, `${run.stdout}${run.stderr}`], mode.join(' ')).toEqual([
        10,
        expect.stringContaining('hash-mismatch'),
      ]);
    }
    home.write('empty.jsonl', '');
    expect((await home.json([...verify, 'empty.jsonl'], 11)).error).toMatchObject({ field: 'empty-chain' });
    home.write('none.jsonl', 'hello\n');
    expect((await home.json([...verify, 'none.jsonl'], 3)).error).toMatchObject({ code: 'Malformed' });
    expect((await home.json(verify, 2)).error).toMatchObject({ code: 'Usage', field: '--format' });
  });
});
