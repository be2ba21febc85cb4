// Redacted exports and ron-audit chains: what was exported verifies, what was changed does not, and what is hidden is not there.

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseRedactMembers } from '../../../src/audit/redacted.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import type { AuditExportResult } from '../../../src/operations/audit/export.ts';
import { auditExportRedacted, auditExportRonAudit } from '../../../src/operations/audit/export-lines.ts';
import {
  auditVerifyRedacted,
  auditVerifyRonAudit,
  isRedactedExport,
} from '../../../src/operations/audit/verify-file.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import { ensureHome, homePaths, readHome } from '../../../src/storage/home.ts';
import { auditVerifyView } from '../../../src/views/audit/verify.ts';
import { countingRandom, fillLog, newLog, reopenLog, testClock } from '../../support/audit.ts';
import { depsOf } from '../../support/audit-homes.ts';
import { expectData } from '../../support/data-schema.ts';
import { refusal, refusalOf } from '../../support/refusal.ts';
import { scratch } from '../../support/scratch.ts';

const SIZE = 600;
let home: string;
let redactedFile: string;
let chainFile: string;
let redactedResult: AuditExportResult;
let chainResult: AuditExportResult;

const all = { source: null, epoch: null, from: null, to: null };

beforeAll(async () => {
  home = scratch();
  await ensureHome({ files: nodeHost().files, random: countingRandom(), clock: testClock() }, homePaths(home));
  const log = await newLog(join(home, 'audit'));
  await fillLog(log, SIZE, 250);
  log.close();
  redactedFile = join(scratch(), 'redacted.jsonl');
  chainFile = join(scratch(), 'chain.jsonl');
  redactedResult = await auditExportRedacted({ ...all, out: redactedFile, redact: 'tenant,input_hash' }, depsOf(home));
  chainResult = await auditExportRonAudit({ ...all, out: chainFile }, depsOf(home));
});

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');
function changed(file: string, edit: (lines: string[]) => readonly string[]): string {
  const copy = join(scratch(), 'changed.jsonl');
  writeFileSync(
    copy,
    edit(linesOf(file))
      .map((line) => `${line}\n`)
      .join(''),
  );
  return copy;
}
const change = (file: string, at: number, edit: (item: Record<string, unknown>) => object): string =>
  changed(file, (lines) => {
    const item = edit(JSON.parse(lines[at]!) as Record<string, unknown>);
    return lines.with(
      at,
      JSON.stringify(Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))),
    );
  });

async function redacted(file: string, at = home): Promise<AuditVerifyResult> {
  const result = await auditVerifyRedacted(file, null, depsOf(at));
  expectData('audit/verify', result);
  return result;
}
async function chain(file: string): Promise<AuditVerifyResult> {
  const result = await auditVerifyRonAudit(file, depsOf(home));
  expectData('audit/verify', result);
  return result;
}
const found = (result: AuditVerifyResult): unknown[] => [
  result.verdict,
  result.first_index,
  [...new Set(result.findings.map((one) => one.code))],
];

describe('a redacted export', () => {
  it('hides what it must, everywhere, and r with it', () => {
    expectData('audit/export', redactedResult);
    expect(redactedResult).toMatchObject({ kind: 'redacted', from: 0, to: SIZE, records: SIZE });
    const text = readFileSync(redactedFile, 'utf8');
    const original = linesOf(join(home, 'audit/e0/segments/000000.jsonl'));
    const items = linesOf(redactedFile)
      .slice(1)
      .map((line) => JSON.parse(line) as { shown?: object; line?: string });
    let hidden = 0;
    for (const [index, item] of items.entries()) {
      const record = JSON.parse(original[index]!) as Record<string, string>;
      if (item.shown === undefined) {
        expect(item.line).toBe(original[index]);
        expect(record['tenant']).toBeUndefined();
        continue;
      }
      hidden++;
      expect(Object.keys(item.shown)).not.toEqual(expect.arrayContaining(['r']));
      expect(text).not.toContain(record['r']);
      expect(text).not.toContain(record['input_hash']);
    }
    expect(text).not.toContain('acme');
    expect(redactedResult.redacted).toBe(hidden);
    expect(hidden).toBeGreaterThan(500);
  });

  it('proves the place of every record and says that what is shown is not proven', async () => {
    expect(isRedactedExport(depsOf(home), redactedFile)).toBe(true);
    const result = await redacted(redactedFile);
    expect(found(result)).toEqual(['consistent', null, []]);
    expect(result).toMatchObject({
      kind: 'redacted',
      trust: 'local',
      redacted: { from: 0, to: SIZE, whole: SIZE - redactedResult.redacted!, redacted: redactedResult.redacted },
    });
    expect(result.redacted!.unproven).toHaveLength(100);
    expect(result.redacted!.unproven[0]!.redacted).toEqual(['input_hash', 'kid', 'r', 'tenant']);
    expect(JSON.stringify(auditVerifyView(result))).toContain('UNPROVEN');
    // Unproven indeed: whoever redacted may show anything.
    const lying = change(redactedFile, 10, (item) => ({ ...item, shown: { ...(item['shown'] as object), op: 'lie' } }));
    expect((await redacted(lying)).verdict).toBe('consistent');
  });

  it('of a range', async () => {
    const out = join(scratch(), 'part.jsonl');
    const redact = 'actor';
    const result = await auditExportRedacted({ ...all, from: 255, to: 258, out, redact }, depsOf(home));
    expect(result).toMatchObject({ from: 255, to: 258, records: 3, redacted: 3 });
    expect(found(await redacted(out))).toEqual(['consistent', null, []]);
    expect(linesOf(out)).toHaveLength(4);
    const beyond = auditExportRedacted({ ...all, to: SIZE + 1, out: `${out}2`, redact }, depsOf(home));
    expect(await refusalOf(beyond)).toMatchObject({ code: 'InvalidValue', field: '--to' });
  });

  it.each([
    [
      'a changed leaf hash',
      (file: string) => change(file, 301, (item) => ({ ...item, leaf_hash: '0'.repeat(64) })),
      ['tampered', 300, ['leaf-mismatch', 'prev-mismatch']],
    ],
    [
      'a changed proof',
      (file: string) => change(file, 301, (item) => ({ ...item, proof: (item['proof'] as string[]).slice(1) })),
      ['tampered', 300, ['leaf-mismatch']],
    ],
    [
      'a changed whole record',
      (file: string) =>
        change(file, 1, (item) => ({ ...item, line: String(item['line']).replace('"op":"init"', '"op":"stop"') })),
      ['tampered', 0, ['leaf-mismatch', 'record-invalid']],
    ],
    [
      'a removed record',
      (file: string) => changed(file, (lines) => lines.toSpliced(301, 1)),
      ['tampered', 300, ['missing-records']],
    ],
    [
      'a cut tail',
      (file: string) => changed(file, (lines) => lines.slice(0, 301)),
      ['tampered', 300, ['missing-records']],
    ],
    [
      'swapped records',
      (file: string) => changed(file, (lines) => lines.with(301, lines[302]!).with(302, lines[301]!)),
      ['tampered', 300, ['missing-records']],
    ],
    [
      'a shown r',
      (file: string) => change(file, 301, (item) => ({ ...item, shown: { ...(item['shown'] as object), r: 'x' } })),
      ['tampered', 300, ['record-invalid']],
    ],
    [
      'an unknown member',
      (file: string) => change(file, 301, (item) => ({ ...item, note: 'x' })),
      ['tampered', 300, ['record-invalid']],
    ],
    [
      'no JSON',
      (file: string) => changed(file, (lines) => lines.with(301, '{')),
      ['tampered', 300, ['record-invalid']],
    ],
    [
      'a checkpoint of other keys',
      (file: string) =>
        change(file, 0, (item) => ({ ...item, checkpoint: String(item['checkpoint']).replace(/AAA/, 'AAB') })),
      ['tampered', null, ['checkpoint-signature']],
    ],
  ] as const)('%s is found', async (_name, edit, expected) => {
    const [verdict, index, codes] = found(await redacted(edit(redactedFile)));
    expect([verdict, index]).toEqual(expected.slice(0, 2));
    for (const code of codes as string[]) expect(expected[2]).toContain(code);
    expect((codes as string[]).length).toBeGreaterThan(0);
  });

  it('refuses what is none, and unknown members', async () => {
    const header = change(redactedFile, 0, (item) => ({ ...item, format: 'ron-audit-redacted/2' }));
    expect(await refusalOf(redacted(header))).toMatchObject({ code: 'NewerVersion' });
    expect(refusal(() => parseRedactMembers('tenant,r'))).toMatchObject({ code: 'InvalidValue', field: '--redact' });
    expect(refusal(() => parseRedactMembers('seq'))).toMatchObject({ code: 'InvalidValue' });
    expect([...parseRedactMembers('purpose')].sort()).toEqual(['kid', 'purpose']);
  });

  it('older than the memory, and under no trusted key', async () => {
    const later = join(scratch(), 'home');
    cpSync(home, later, { recursive: true });
    const log = await reopenLog(join(later, 'audit'));
    await fillLog(log, SIZE + 20);
    log.close();
    const { auditVerify } = await import('../../../src/operations/audit/verify.ts');
    await auditVerify({ target: null, fast: true, headKeys: null }, depsOf(later));
    expect(found(await redacted(redactedFile, later))).toEqual(['inconclusive', null, ['older-copy']]);
    expect(found(await redacted(redactedFile, scratch()))).toEqual(['inconclusive', null, ['no-trusted-key']]);
  });
});

describe('a ron-audit chain', () => {
  it('has the members of the crate, and verifies', async () => {
    expectData('audit/export', chainResult);
    const [first, second] = linesOf(chainFile).map((line) => JSON.parse(line) as Record<string, unknown>);
    const id = readHome(nodeHost().files, homePaths(home))!.home_id;
    expect(first).toMatchObject({
      v: 1,
      seq: 1,
      writer_id: id,
      stream: 'ronctl.invalid/0123456789abcdef0123456789abcdef/e0',
      kind: 'unknown',
      actor: { anon: true },
      subject: {},
      reason: 'ok',
      prev: 'b3:0',
    });
    expect(second!['prev']).toBe(first!['self_hash']);
    expect(second!['subject']).toEqual({ content_id: expect.stringMatching(/^b3:/) });
    expect(second!['attrs']).toMatchObject({ op: 'sign', index: 1 });
    const result = await chain(chainFile);
    expect(found(result)).toEqual(['consistent', null, []]);
    expect(result.ron_audit).toMatchObject({
      rule: 'sorted',
      records: SIZE,
      first_seq: '1',
      last_seq: String(SIZE),
      signed: false,
    });
    expect(JSON.stringify(auditVerifyView(result))).toContain('nobody signed this chain');
  });

  it('a cut end is not seen; an empty file and a cut head are inconclusive', async () => {
    expect(found(await chain(changed(chainFile, (lines) => lines.slice(0, 10))))).toEqual(['consistent', null, []]);
    expect(found(await chain(changed(chainFile, () => [])))).toEqual(['inconclusive', null, ['empty-chain']]);
    expect(found(await chain(changed(chainFile, (lines) => lines.slice(3))))).toEqual([
      'inconclusive',
      0,
      ['chain-start'],
    ]);
  });

  it('a changed record is tampering; another file is malformed', async () => {
    const edited = changed(chainFile, (lines) => lines.with(7, lines[7]!.replace('"reason":"ok"', '"reason":"no"')));
    const broken = await chain(edited);
    expect(found(broken)).toEqual(['tampered', 7, ['hash-mismatch']]);
    // Not a rule that all records follow.
    expect(broken.ron_audit!.rule).toBeNull();
    expect(await refusalOf(chain(redactedFile))).toMatchObject({ code: 'Malformed' });
  });

  it('is not written over something, and never half', async () => {
    const again = auditExportRonAudit({ ...all, out: chainFile }, depsOf(home));
    expect(await refusalOf(again)).toMatchObject({ code: 'Exists' });
    const broken = join(scratch(), 'home');
    cpSync(home, broken, { recursive: true });
    const segment = join(broken, 'audit/e0/segments/000000.jsonl');
    const bytes = readFileSync(segment);
    bytes[250_000]! ^= 1;
    writeFileSync(segment, bytes);
    const directory = scratch();
    const out = join(directory, 'chain.jsonl');
    expect(await refusalOf(auditExportRonAudit({ ...all, out }, depsOf(broken)))).toMatchObject({
      code: 'Tampered',
      field: 'leaf-mismatch',
    });
    expect(nodeHost().files.list(directory)).toEqual([]);
  });
});
