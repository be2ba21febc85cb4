// Native exports: whole and in part, judged by their own checkpoint, their manifest and what this home remembers.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatManifest, parseManifest, presentRanges } from '../../../src/audit/export-manifest.ts';
import { utf8 } from '../../../src/bytes/text.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { sha256Hex } from '../../../src/crypto/hash.ts';
import type { AuditExportResult } from '../../../src/operations/audit/export.ts';
import { auditExportNative } from '../../../src/operations/audit/export-native.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import { ensureHome, homePaths } from '../../../src/storage/home.ts';
import { auditVerifyView } from '../../../src/views/audit/verify.ts';
import { countingRandom, fillLog, newLog, reopenLog, testClock } from '../../support/audit.ts';
import { depsOf } from '../../support/audit-homes.ts';
import { expectData } from '../../support/data-schema.ts';
import { refusal, refusalOf } from '../../support/refusal.ts';
import { scratch } from '../../support/scratch.ts';

const SIZE = 600;
let home: string;
let whole: string;
let part: string;

async function exportTo(at: string, from: number | null = null, to: number | null = null): Promise<AuditExportResult> {
  const result = await auditExportNative({ source: null, epoch: null, directory: at, from, to }, depsOf(home));
  expectData('audit/export', result);
  return result;
}
async function verify(target: string, at = home, fast = false): Promise<AuditVerifyResult> {
  const result = await auditVerify({ target, fast, headKeys: null }, depsOf(at));
  expectData('audit/verify', result);
  return result;
}
const found = (result: AuditVerifyResult): unknown[] => [
  result.verdict,
  result.first_index,
  [...new Set(result.findings.map((one) => one.code))].sort(),
];

beforeAll(async () => {
  home = scratch();
  await ensureHome({ files: nodeHost().files, random: countingRandom(), clock: testClock() }, homePaths(home));
  const log = await newLog(join(home, 'audit'));
  await fillLog(log, SIZE, 250);
  log.close();
  whole = join(scratch(), 'whole');
  part = join(scratch(), 'part');
  await exportTo(whole);
  await exportTo(part, 100, 400);
});

/** A copy, changed; the manifest is made to fit when `honest`. */
function changed(of: string, edit: (directory: string) => void, honest = true): string {
  const directory = join(scratch(), 'export');
  cpSync(of, directory, { recursive: true });
  edit(directory);
  if (honest) {
    const manifest = parseManifest(readFileSync(join(directory, 'manifest.json')), 'manifest');
    const files = new Map(
      [...manifest.files.keys()]
        .filter((name) => existsSync(join(directory, name)))
        .map((name) => [name, sha256Hex(readFileSync(join(directory, name)))]),
    );
    writeFileSync(join(directory, 'manifest.json'), formatManifest({ ...manifest, files }));
  }
  return directory;
}
const edited =
  (name: string, edit: (text: string) => string) =>
  (directory: string): void =>
    writeFileSync(join(directory, name), edit(readFileSync(join(directory, name), 'latin1')), 'latin1');
const SEGMENT = 'segments/000000.jsonl';
const withoutLine =
  (n: number) =>
  (text: string): string =>
    text.split('\n').toSpliced(n, 1).join('\n');

describe('a whole export', () => {
  it('has segments, tiles, notes and a manifest, and is consistent', async () => {
    const names = readdirSync(whole, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => join(one.parentPath, one.name).slice(whole.length + 1))
      .sort();
    expect(names).toEqual([
      'checkpoint',
      'checkpoints.jsonl',
      'counters.json',
      'manifest.json',
      SEGMENT,
      'tile/0/000',
      'tile/0/001',
      'tile/0/002.p/88',
      'tile/1/000.p/2',
    ]);
    expect(readFileSync(join(whole, SEGMENT))).toEqual(readFileSync(join(home, 'audit/e0', SEGMENT)));
    const manifest = JSON.parse(readFileSync(join(whole, 'manifest.json'), 'utf8')) as object;
    expect(manifest).toMatchObject({ format: 'ron-audit-export/1', from: 0, to: SIZE, gaps: [] });
    const result = await verify(whole);
    expect(found(result)).toEqual(['consistent', null, []]);
    expect(result).toMatchObject({ kind: 'export', trust: 'local' });
    expect(JSON.stringify(auditVerifyView(result))).toContain('an export');
  });

  it.each([
    [
      'a changed record',
      edited(SEGMENT, (text) => text.replace('"op":"sign"', '"op":"sigm"')),
      'tampered',
      'leaf-mismatch',
    ],
    ['a removed record', edited(SEGMENT, withoutLine(300)), 'tampered', 'leaf-mismatch'],
    ['a cut tail', edited(SEGMENT, (text) => text.split('\n').slice(0, 500).join('\n')), 'tampered', 'truncated'],
    ['no records', (directory: string) => rmSync(join(directory, SEGMENT)), 'tampered', 'log-missing'],
    ['a changed tile', edited('tile/0/001', (text) => `x${text.slice(1)}`), 'tampered', 'tile-mismatch'],
    ['a missing tile', (directory: string) => rmSync(join(directory, 'tile/0/001')), 'tampered', 'tile-missing'],
    [
      'a changed note',
      edited('checkpoint', (text) => text.replace('\n600\n', '\n599\n')),
      'tampered',
      'checkpoint-signature',
    ],
    ['counters of another log', edited('counters.json', (text) => text.replace(/\d+\}/, '9}')), 'tampered', 'counter'],
  ] as const)('%s, with a manifest that fits', async (_name, edit, verdict, code) => {
    const result = await verify(changed(whole, edit));
    expect(result.verdict, JSON.stringify(result.findings)).toBe(verdict);
    if (code !== null) expect(result.findings.map((one) => one.code)).toContain(code);
  });

  it('files and manifest must agree', async () => {
    const cases = [
      changed(
        whole,
        edited(SEGMENT, (text) => `${text}x`),
        false,
      ),
      changed(whole, (directory) => rmSync(join(directory, 'counters.json')), false),
      changed(whole, (directory) => writeFileSync(join(directory, 'notes.txt'), 'x'), false),
      changed(
        whole,
        edited('manifest.json', (text) => text.replace(/([0-9a-f]{32})\/e0/, '$1/e1')),
        false,
      ),
    ];
    for (const directory of cases) {
      const result = await verify(directory);
      expect([result.verdict, result.findings.map((one) => one.code)]).toEqual([
        'tampered',
        expect.arrayContaining(['manifest-mismatch']),
      ]);
    }
  });

  it('older than what this home remembers', async () => {
    const later = join(scratch(), 'home');
    cpSync(home, later, { recursive: true });
    const log = await reopenLog(join(later, 'audit'));
    await fillLog(log, SIZE + 20);
    log.close();
    await verify(later, later);
    expect(found(await verify(whole, later))).toEqual(['inconclusive', SIZE, ['older-copy']]);
    expect(found(await verify(part, later))).toEqual(['inconclusive', 0, ['declared-gap', 'older-copy']]);
    expect(found(await verify(whole, scratch()))).toEqual(['inconclusive', null, ['no-trusted-key']]);
  });
});

describe('an export of a range', () => {
  it('holds that range alone, and declares the rest', async () => {
    const manifest = parseManifest(readFileSync(join(part, 'manifest.json')), 'manifest');
    expect(manifest).toMatchObject({
      from: 100,
      to: 400,
      gaps: [
        { from: 0, to: 100 },
        { from: 400, to: SIZE },
      ],
    });
    const lines = readFileSync(join(part, SEGMENT), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(300);
    expect(lines[0]).toContain('"seq":100,');
    for (const fast of [false, true]) {
      const result = await verify(part, home, fast);
      expect(found(result)).toEqual(['inconclusive', 0, ['declared-gap']]);
      expect(result.epochs[0]).toMatchObject({ records: 300, checkpoint: { size: SIZE } });
    }
  });

  it.each([
    ['a changed record', edited(SEGMENT, (text) => text.replace('"op":"sign"', '"op":"sigm"')), 'leaf-mismatch', 100],
    ['a removed record', edited(SEGMENT, withoutLine(50)), 'leaf-mismatch', 150],
    ['a missing record at the end', edited(SEGMENT, withoutLine(299)), 'missing-records', 399],
    [
      'no records',
      (directory: string) => rmSync(join(directory, 'segments'), { recursive: true }),
      'missing-records',
      100,
    ],
    ['a changed tile', edited('tile/0/002.p/88', (text) => `x${text.slice(1)}`), 'root-mismatch', SIZE - 1],
    ['a changed upper tile', edited('tile/1/000.p/2', (text) => `x${text.slice(1)}`), 'tile-mismatch', null],
    ['a missing tile', (directory: string) => rmSync(join(directory, 'tile/0/001')), 'tile-missing', null],
  ] as const)('%s', async (_name, edit, code, index) => {
    const result = await verify(changed(part, edit));
    expect(result.verdict, JSON.stringify(result.findings)).toBe('tampered');
    const first = result.findings[0]!;
    expect([first.code, first.index ?? null]).toEqual([code, index]);
  });

  it('a gap that is declared afterwards is inconclusive, never consistent', async () => {
    const directory = changed(
      whole,
      edited(SEGMENT, (text) => text.split('\n').slice(0, 500).join('\n').concat('\n')),
    );
    const manifest = parseManifest(readFileSync(join(directory, 'manifest.json')), 'manifest');
    writeFileSync(join(directory, 'manifest.json'), formatManifest({ ...manifest, gaps: [{ from: 500, to: SIZE }] }));
    expect(found(await verify(directory))).toEqual(['inconclusive', 500, ['declared-gap']]);
  });

  it('ranges beyond the checkpoint, and directories that are taken, are refused', async () => {
    expect(await refusalOf(exportTo(join(scratch(), 'x'), 0, SIZE + 1))).toMatchObject({
      code: 'InvalidValue',
      field: '--to',
    });
    expect(await refusalOf(exportTo(join(scratch(), 'x'), 9, 3))).toMatchObject({
      code: 'InvalidValue',
      field: '--to',
    });
    expect(await refusalOf(exportTo(whole))).toMatchObject({ code: 'Exists', field: '--out' });
    const empty = join(scratch(), 'empty');
    mkdirSync(empty);
    expect(await exportTo(empty, 5, 5)).toMatchObject({
      records: 0,
      gaps: [{ from: 0, to: SIZE }],
    });
  });
});

describe('manifest.json', () => {
  const good = {
    origin: 'a/b/e0',
    from: 0,
    to: 9,
    gaps: [{ from: 2, to: 4 }],
    files: new Map([['checkpoint', '0'.repeat(64)]]),
  };
  const parse = (change: (text: string) => string) => () =>
    parseManifest(utf8(change(Buffer.from(formatManifest(good)).toString())), 'manifest');

  it('reads what it writes', () => {
    expect(parse((text) => text)()).toEqual(good);
    expect(presentRanges(good.gaps, 9)).toEqual([
      { from: 0, to: 2 },
      { from: 4, to: 9 },
    ]);
    expect(presentRanges([], 0)).toEqual([]);
  });

  it.each([
    ['a newer format', (text: string) => text.replace('export/1', 'export/2'), 'NewerVersion'],
    ['an unknown member', (text: string) => text.replace('"from":0,', '"fro":1,"from":0,'), 'Malformed'],
    ['an empty gap', (text: string) => text.replace('"to":4', '"to":2'), 'Malformed'],
    ['a name outside', (text: string) => text.replace('"checkpoint"', '"tile/../../x"'), 'Malformed'],
    ['another name', (text: string) => text.replace('"checkpoint"', '"/etc/passwd"'), 'Malformed'],
    ['white space', (text: string) => `${text} `, 'Malformed'],
  ])('%s is refused', (_name, change, code) => {
    expect(refusal(parse(change)).code).toBe(code);
  });
});
