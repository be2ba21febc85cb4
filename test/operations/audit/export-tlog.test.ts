// `audit export --tlog`: programs that are not ours accept it, it grows, it refuses what is not its own, and our verifier
// judges it like a log.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { leafHash } from '../../../src/audit/leaf.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import type { AuditExportResult } from '../../../src/operations/audit/export.ts';
import { auditExportTlog } from '../../../src/operations/audit/export-tlog.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import { fillLog, reopenLog } from '../../support/audit.ts';
import { auditHost, depsOf, filesBelow, flip, makeLogHome, vkeyOf } from '../../support/audit-homes.ts';
import { expectData } from '../../support/data-schema.ts';
import { refusalOf } from '../../support/refusal.ts';
import { scratch } from '../../support/scratch.ts';
import { tlogCheckers } from '../../support/tlog-checkers.ts';

async function grow(home: string, size: number): Promise<void> {
  const log = await reopenLog(join(home, 'audit'));
  await fillLog(log, size);
  log.close();
}

async function exportTo(home: string, directory: string, source: string | null = null): Promise<AuditExportResult> {
  const result = await auditExportTlog({ source, epoch: null, directory }, depsOf(home));
  expectData('audit/export', result);
  return result;
}

async function verify(home: string, target: string, fast = false): Promise<AuditVerifyResult> {
  const result = await auditVerify({ target, fast, headKeys: null }, depsOf(home));
  expectData('audit/verify', result);
  return result;
}

/** A copy of the exported directory. */
const damaged = (edit: (directory: string) => void): string => {
  const directory = join(scratch(), 'log');
  cpSync(exported, directory, { recursive: true });
  edit(directory);
  return directory;
};

const codes = (result: AuditVerifyResult): string[] => [...new Set(result.findings.map((one) => one.code))].sort();

const checkers = tlogCheckers();
let grown: string;
let exported: string;

beforeAll(async () => {
  grown = await makeLogHome(700, 300);
  exported = join(scratch(), 'log');
  await exportTo(grown, exported);
});

describe('a directory of tlog-tiles', () => {
  it.each([3, 255, 256, 257, 513])('of %i records is accepted by programs that are not ours', async (size) => {
    const home = await makeLogHome(size);
    const directory = join(scratch(), 'log');
    expect(await exportTo(home, directory)).toMatchObject({
      kind: 'tlog',
      from: 0,
      to: size,
      records: size,
      trust: 'local',
    });
    const old = [1, 2, 200, 255, 256, 257, size].filter((one) => one <= size);
    for (const checker of checkers) {
      const { exit, output } = await checker.check(directory, vkeyOf(home), old);
      expect([exit, output], checker.name).toEqual([0, `ok ${vkeyOf(home).split('+')[0]} ${size} records\n`]);
    }
    expect(await verify(home, directory)).toMatchObject({ kind: 'tlog', verdict: 'consistent', findings: [] });
  });

  it('of several segments: exported in two steps, checked elsewhere, judged here with workers and without', async () => {
    const home = await makeLogHome(65_000);
    const directory = join(scratch(), 'log');
    await exportTo(home, directory);
    await grow(home, 65_537);
    expect(await exportTo(home, directory)).toMatchObject({ from: 65_000, to: 65_537 });
    for (const checker of checkers) {
      const { exit, output } = await checker.check(directory, vkeyOf(home), [1, 65_000, 65_535, 65_536]);
      expect([exit, output], checker.name).toEqual([0, `ok ${vkeyOf(home).split('+')[0]} 65537 records\n`]);
    }
    expect(await verify(home, directory)).toMatchObject({ verdict: 'consistent', epochs: [{ records: 65_537 }] });
    const bundle = join(directory, 'tile/entries/255');
    const bytes = readFileSync(bundle);
    bytes[bytes.length - 20]! ^= 1;
    writeFileSync(bundle, bytes);
    const { findings, first_index } = await verify(home, directory);
    expect([first_index, findings.map((one) => one.code)]).toEqual([65_535, expect.arrayContaining(['leaf-mismatch'])]);
  });

  it('has exactly the files of the specification, and entries are the lines', () => {
    expect(filesBelow(exported)).toEqual([
      'checkpoint',
      'tile/0/000',
      'tile/0/001',
      'tile/0/002.p/188',
      'tile/1/000.p/2',
      'tile/entries/000',
      'tile/entries/001',
      'tile/entries/002.p/188',
    ]);
    const bundle = readFileSync(join(exported, 'tile/entries/002.p/188'));
    const lines = readFileSync(join(grown, 'audit/e0/segments/000000.jsonl'), 'utf8').split('\n');
    const length = bundle.readUInt16BE(0);
    expect(bundle.subarray(2, 2 + length).toString()).toBe(lines[512]);
    expect(
      Buffer.compare(
        readFileSync(join(exported, 'tile/0/002.p/188')).subarray(0, 32),
        leafHash(Buffer.from(lines[512]!)),
      ),
    ).toBe(0);
    expect(readFileSync(join(exported, 'checkpoint'))).toEqual(readFileSync(join(grown, 'audit/e0/checkpoint')));
  });

  it.each(checkers.map((one) => [one.name, one] as const))('%s refuses a changed one', async (_, checker) => {
    const vkey = vkeyOf(grown);
    expect((await checker.check(exported, vkey, [300])).exit).toBe(0);
    for (const [name, at] of [
      ['checkpoint', 80],
      ['tile/0/000', 33],
      ['tile/1/000.p/2', 0],
      ['tile/entries/001', 50],
    ] as const) {
      expect((await checker.check(damaged(flip(name, at)), vkey)).exit, name).not.toBe(0);
    }
  });
});

describe('an incremental export', () => {
  it('writes only new tiles and bundles, checkpoint last, and drops partial ones that are full now', async () => {
    const home = join(scratch(), 'home');
    cpSync(grown, home, { recursive: true });
    const directory = join(scratch(), 'log');
    cpSync(exported, directory, { recursive: true });
    const before = new Map(filesBelow(directory).map((name) => [name, statSync(join(directory, name)).ino]));
    await grow(home, 900);
    const result = await exportTo(home, directory);
    expect(result).toMatchObject({ from: 700, to: 900, records: 200 });
    const after = filesBelow(directory);
    expect(after).toEqual([
      'checkpoint',
      'tile/0/000',
      'tile/0/001',
      'tile/0/002',
      'tile/0/003.p/132',
      'tile/1/000.p/2',
      'tile/1/000.p/3',
      'tile/entries/000',
      'tile/entries/001',
      'tile/entries/002',
      'tile/entries/003.p/132',
    ]);
    const written = after.filter((name) => before.get(name) !== statSync(join(directory, name)).ino);
    expect(written).toEqual([
      'checkpoint',
      'tile/0/002',
      'tile/0/003.p/132',
      'tile/1/000.p/3',
      'tile/entries/002',
      'tile/entries/003.p/132',
    ]);
    expect(result.files_written).toBe(written.length);
    for (const checker of checkers)
      expect((await checker.check(directory, vkeyOf(home), [700])).exit, checker.name).toBe(0);
    expect(await exportTo(home, directory)).toMatchObject({ records: 0, files_written: 0 });
    const mtime = statSync(join(directory, 'checkpoint')).mtimeMs;
    for (const name of after) expect(statSync(join(directory, name)).mtimeMs, name).toBeLessThanOrEqual(mtime);
  });

  it('is completed by the next one wherever it was interrupted', async () => {
    const names = filesBelow(exported).filter((name) => name !== 'checkpoint');
    for (let kept = 0; kept <= names.length; kept += 2) {
      const directory = join(scratch(), 'log');
      for (const name of names.slice(0, kept)) {
        mkdirSync(join(directory, name, '..'), { recursive: true });
        cpSync(join(exported, name), join(directory, name));
      }
      await exportTo(grown, directory);
      expect(filesBelow(directory)).toEqual(filesBelow(exported));
      expect(await verify(grown, directory)).toMatchObject({ verdict: 'consistent' });
    }
  });

  it('stops at the first write that fails, without a checkpoint of what is not there', async () => {
    for (const failing of [1, 3, 5]) {
      const directory = join(scratch(), 'log');
      const real = nodeHost().files;
      let renames = 0;
      const files = {
        ...auditHost().files,
        rename(from: string, to: string): void {
          if (++renames === failing) throw new Error('the disk is gone');
          real.rename(from, to);
        },
      };
      const broken = { ...depsOf(grown), host: { ...auditHost(), files } };
      await expect(auditExportTlog({ source: null, epoch: null, directory }, broken)).rejects.toThrow(
        'the disk is gone',
      );
      expect(existsSync(join(directory, 'checkpoint'))).toBe(false);
      await exportTo(grown, directory);
      expect(await verify(grown, directory)).toMatchObject({ verdict: 'consistent' });
    }
  });
});

describe('refusals', () => {
  const copyOf = (directory: string): string => {
    const copy = join(scratch(), 'copy');
    cpSync(directory, copy, { recursive: true });
    return copy;
  };

  it('a directory of other things, of another log, and one inside the home', async () => {
    const other = scratch();
    writeFileSync(join(other, 'notes.txt'), 'mine');
    expect(await refusalOf(exportTo(grown, other))).toMatchObject({ code: 'Exists', field: '--tlog' });
    expect(await refusalOf(exportTo(grown, join(grown, 'audit/export')))).toMatchObject({
      code: 'InvalidValue',
      field: '--tlog',
    });
    const directory = copyOf(exported);
    const note = readFileSync(join(directory, 'checkpoint'), 'utf8');
    writeFileSync(join(directory, 'checkpoint'), note.replaceAll('/e0', '/e1'));
    expect(await refusalOf(exportTo(grown, directory))).toMatchObject({ code: 'Conflict', field: 'checkpoint-origin' });
    const tile = copyOf(exported);
    rmSync(join(tile, 'checkpoint'));
    writeFileSync(join(tile, 'tile/entries/000'), 'of another log');
    expect(await refusalOf(exportTo(grown, tile))).toMatchObject({ code: 'Conflict', field: '--tlog' });
    expect(existsSync(join(tile, 'checkpoint'))).toBe(false);
  });

  it('a log that nobody has signed', async () => {
    const error = await refusalOf(exportTo(await makeLogHome(1), join(scratch(), 'log')));
    expect(error).toMatchObject({ code: 'Inconclusive', field: 'no-checkpoint' });
  });

  it('an export that knows more than the log: rolled back', async () => {
    const home = copyOf(grown);
    await grow(home, 800);
    const directory = join(scratch(), 'log');
    await exportTo(home, directory);
    expect(await refusalOf(exportTo(grown, directory))).toMatchObject({ code: 'Tampered', field: 'rolled-back' });
    expect(await refusalOf(exportTo(home, directory, grown))).toMatchObject({
      code: 'Inconclusive',
      field: 'older-copy',
    });
  });

  it('a fork: both notes are evidence', async () => {
    // The same keys, clock and random bytes, but another record in between.
    const fork = await makeLogHome(699);
    await grow(fork, 720);
    const directory = copyOf(exported);
    const error = await refusalOf(exportTo(fork, directory));
    expect(error).toMatchObject({ code: 'Tampered', field: 'fork' });
    const [name] = readdirSync(join(fork, 'trust/logs')).filter((one) => one.endsWith('.evidence.json'));
    const evidence = JSON.parse(readFileSync(join(fork, 'trust/logs', name!), 'utf8')) as { objects: object[] };
    expect(evidence.objects).toHaveLength(2);
    expect(error.message).toContain(name);
  });

  it('records or tiles of the log that were changed are not exported', async () => {
    const home = copyOf(grown);
    const segment = join(home, 'audit/e0/segments/000000.jsonl');
    const bytes = readFileSync(segment);
    bytes[300_000]! ^= 1;
    writeFileSync(segment, bytes);
    const directory = join(scratch(), 'log');
    expect(await refusalOf(exportTo(home, directory))).toMatchObject({ code: 'Tampered', field: 'root-mismatch' });
    expect(existsSync(join(directory, 'checkpoint'))).toBe(false);
  });
});

describe('audit verify of an export', () => {
  it.each([
    ['a changed byte of an entry', flip('tile/entries/000', 40), 'leaf-mismatch', 0],
    ['a changed length', flip('tile/entries/001', 1), 'leaf-mismatch', 256],
    ['a changed tile', flip('tile/0/001', 64), 'tile-mismatch', null],
    ['a missing tile', (directory: string) => rmSync(join(directory, 'tile/1/000.p/2')), 'tile-missing', null],
    ['a missing bundle', (directory: string) => rmSync(join(directory, 'tile/entries/001')), 'truncated', 256],
    [
      'a missing last bundle',
      (directory: string) => rmSync(join(directory, 'tile/entries/002.p'), { recursive: true }),
      'truncated',
      512,
    ],
    ['a changed note', flip('checkpoint', 250), 'checkpoint-malformed', null],
  ] as const)('%s', async (_, edit, code, index) => {
    const directory = damaged(edit);
    for (const fast of [false, true]) {
      const result = await verify(grown, directory, fast);
      expect([result.verdict, result.first_index], JSON.stringify(result.findings)).toEqual(['tampered', index]);
      expect(codes(result)).toContain(code);
    }
  });

  it('older than what this home remembers is inconclusive; unfinished and foreign ones say so', async () => {
    const home = join(scratch(), 'home');
    cpSync(grown, home, { recursive: true });
    await grow(home, 750);
    expect(await verify(home, home)).toMatchObject({ verdict: 'consistent', remembered: true });
    expect(await verify(home, exported)).toMatchObject({ verdict: 'inconclusive', findings: [{ code: 'older-copy' }] });
    const unfinished = damaged((directory) => rmSync(join(directory, 'checkpoint')));
    expect(await refusalOf(verify(home, unfinished))).toMatchObject({ code: 'Inconclusive', field: 'no-checkpoint' });
    const stranger = await makeLogHome(3);
    rmSync(join(stranger, 'audit'), { recursive: true });
    const unknown = await verify(stranger, exported);
    expect(unknown).toMatchObject({ verdict: 'inconclusive', trust: 'none', findings: [{ code: 'no-trusted-key' }] });
  });
});
