// `audit archive` on a real store with more records than a segment has (log page 4.9, I-44): what is archived verifies with
// the archive, is open without it, and nothing that was only deleted passes for it.

import {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { CursorFile } from '../../../src/kms/service/sinks/cursor.ts';
import { auditArchive } from '../../../src/operations/audit/archive.ts';
import { auditExportRonAudit } from '../../../src/operations/audit/export-lines.ts';
import { auditExportNative } from '../../../src/operations/audit/export-native.ts';
import { auditExportTlog } from '../../../src/operations/audit/export-tlog.ts';
import { auditLog } from '../../../src/operations/audit/log.ts';
import { auditReconcile } from '../../../src/operations/audit/reconcile.ts';
import { auditShow } from '../../../src/operations/audit/show.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import type { OperationDeps } from '../../../src/operations/deps.ts';
import { storeStatus } from '../../../src/operations/store/status.ts';
import { initCustody } from '../../../src/storage/custody-creation.ts';
import { openCustodyStore } from '../../../src/storage/custody-open.ts';
import { createKey, INIT, signDraft } from '../../support/custody.ts';
import { expectData } from '../../support/data-schema.ts';
import { rememberingCrypto } from '../../support/fast-crypto.ts';
import { Crashed, countedFiles, faultyFiles } from '../../support/faulty-files.ts';
import { storeDeps } from '../../support/store.ts';

const root = mkdtempSync(join(tmpdir(), 'ronctl-archive-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const home = join(root, 'home');
const archive = join(root, 'archive');
const segment = join(home, 'audit/e0/segments/000000.jsonl');
const N = 65_536;

const DAY_MS = 24 * 3600 * 1000;
const early = { ...nodeHost().clock, now: () => Date.now() - 2 * DAY_MS };

const quiet = { dryRun: false, online: null, onProgress: () => undefined };
const deps = (dryRun = false): OperationDeps => ({ ...storeDeps(home), ...quiet, dryRun });

async function verify(from: string | null = null): Promise<AuditVerifyResult> {
  const request = { target: null, fast: false, archive: from, headKeys: null };
  const result = await auditVerify(request, deps());
  expectData('audit/verify', result);
  return result;
}

const codes = (result: AuditVerifyResult): string[] => [...new Set(result.findings.map((one) => one.code))];
const take = (before: number, dryRun = false) =>
  auditArchive({ before, to: archive, confirmTime: false }, deps(dryRun));

beforeAll(async () => {
  const store = await initCustody(storeDeps(home, { hostChange: { clock: early } }), INIT);
  await store.mutate(createKey());
  await store.checkpoint();
  for (let at = 0; store.logSize < N + 1000; at += 512) {
    await store.append(Array.from({ length: 512 }, () => signDraft));
    if (at % 8192 === 0) await store.checkpoint();
  }
  await store.checkpoint();
  await store.close();
}, 120_000);

const crypto = rememberingCrypto();

/** A copy of the home that shares what nobody writes in place. */
function linkedHome(to: string): void {
  cpSync(home, to, { recursive: true, filter: (path) => !/\/segments\/000000\.jsonl$|\/tile\/0\/x?\d+/.test(path) });
  for (const path of ['audit/e0/segments/000000.jsonl', ...tilesOf(home)]) {
    mkdirSync(dirname(join(to, path)), { recursive: true, mode: 0o700 });
    linkSync(join(home, path), join(to, path));
  }
}

const tilesOf = (at: string): string[] =>
  readdirSync(join(at, 'audit/e0/tile/0'), { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => relative(at, join(one.parentPath, one.name)));

describe('audit archive, killed at any of its calls', () => {
  const copied = join(root, 'killed', 'home');
  const to = join(root, 'killed', 'archive');
  const inHome = join(copied, 'audit/e0/segments/000000.jsonl');
  const inArchive = join(to, 'e0/segments/000000.jsonl');
  const run = (files = nodeHost().files) =>
    auditArchive(
      { before: N, to, confirmTime: false },
      { ...storeDeps(copied, { hostChange: { files }, crypto: async () => crypto }), ...quiet },
    );
  const fresh = (): void => {
    rmSync(join(root, 'killed'), { recursive: true, force: true });
    mkdirSync(join(root, 'killed'));
    linkedHome(copied);
  };

  /** Where what a new process finds changes; `npm run test:crash` stops at every call. */
  const TURNS = [
    'write 000000.jsonl.tmp',
    'rename 000000.jsonl',
    'write 000001.jsonl',
    'sync head',
    'rename checkpoint',
    'remove 000000.jsonl',
  ];

  it('has the segment here or in the archive, and goes on when it is run again', async () => {
    fresh();
    const calls: string[] = [];
    const counting = countedFiles(nodeHost().files, (act, what) => {
      calls.push(what);
      return act();
    });
    await run(counting);
    const bytes = statSync(inArchive).size;
    const all = process.env['RONCTL_TEST_CRASH'] === 'all';
    const points = all ? calls.map((_, at) => at + 1) : TURNS.map((what) => calls.indexOf(what) + 1);
    for (const k of points) {
      fresh();
      const where = `killed before call ${k} of ${calls.length}: ${calls[k - 1]}`;
      const faulty = faultyFiles(nodeHost().files, k, { kind: 'crash', when: 'before' });
      await expect(run(faulty.files), where).rejects.toThrow(Crashed);
      const kept = [inHome, inArchive].map((path) => existsSync(path) && statSync(path).size === bytes);
      expect(kept, where).toContain(true);
      const again = await run().catch((error: unknown) => error);
      // Nothing is left to do once the segment is gone.
      if (kept[0] === true) expect(again, where).toMatchObject({ records: N });
      else expect(again, where).toMatchObject({ code: 'Conflict' });
      expect([existsSync(inHome), statSync(inArchive).size], where).toEqual([false, bytes]);
      expect(readdirSync(dirname(inArchive)), where).toEqual(['000000.jsonl']);
      const judged = await auditVerify(
        { target: null, fast: true, archive: to, headKeys: null },
        { ...storeDeps(copied), ...quiet },
      );
      expect([judged.verdict, codes(judged)], where).toEqual(['consistent', []]);
    }
  }, 600_000);
});

describe('audit archive', () => {
  it('leaves what a sink has not taken, and names the sink', async () => {
    const cursors = new CursorFile(nodeHost().files, join(home, 'audit/export'), 'siem');
    const first = cursors.read();
    await cursors.write({ ...first, index: N - 1 });
    await expect(take(N)).rejects.toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('siem has not taken record 65535'),
      hint: expect.stringContaining('siem.cursor'),
    });
    expect(existsSync(segment)).toBe(true);
    await cursors.write({ ...first, index: N });
    expect(await take(N, true)).toMatchObject({ segments: [{ n: 0 }], waiting_for: [] });
    rmSync(join(home, 'audit/export'), { recursive: true });
  });

  it('takes nothing but full segments, and says so', async () => {
    await expect(take(N - 1)).rejects.toMatchObject({ code: 'Conflict', field: '--before' });
    const dry = await take(N + 500, true);
    expect(dry).toMatchObject({ dry_run: true, segments: [{ n: 0 }], checkpoint: null });
    expect(existsSync(archive)).toBe(false);
  });

  it('moves a segment, and the log verifies with the archive', async () => {
    const bytes = readFileSync(segment);
    const done = await take(N + 500);
    expectData('audit/archive', done);
    expect(done).toMatchObject({ records: N, segments: [{ n: 0, bytes: bytes.length }] });
    expect(existsSync(segment)).toBe(false);
    expect(readFileSync(join(archive, 'e0/segments/000000.jsonl'))).toEqual(bytes);
    expect(await verify(archive)).toMatchObject({ verdict: 'consistent', findings: [] });
    const without = await verify();
    expect(without).toMatchObject({ verdict: 'inconclusive', first_index: 0 });
    expect(codes(without)).toEqual(['archived']);
    expect(without.epochs[0]?.records).toBeGreaterThan(N);
    const notes = readFileSync(join(home, 'audit/e0/checkpoints.jsonl'), 'utf8').trimEnd().split('\n');
    const since = (line: string, from: string | null = null) => {
      const note = Buffer.from((JSON.parse(line) as { note_b64: string }).note_b64, 'base64');
      const given = { name: 'kept', note: new Uint8Array(note) };
      return auditVerify({ target: null, fast: false, archive: from, since: given, headKeys: null }, deps());
    };
    // From behind the archived records on nothing of them is read.
    const behind = await since(notes.at(-2)!);
    expect([behind.verdict, codes(behind)]).toEqual(['consistent', []]);
    const within = await since(notes[2]!);
    expect([within.verdict, codes(within)]).toEqual(['inconclusive', ['archived']]);
    expect((await since(notes[2]!, archive)).verdict).toBe('consistent');
    const reconciled = await auditReconcile({ sealed: null, archive: null }, deps());
    expectData('audit/reconcile', reconciled);
    expect(reconciled.verdict).toBe('undecidable');
    const found = new Set(reconciled.findings.map((one) => one.code));
    expect(found).toEqual(new Set(['archived', 'key-unexplained']));
    const whole = await auditReconcile({ sealed: null, archive }, deps());
    expect(whole.findings.filter((one) => one.code === 'archived' || one.code === 'root-mismatch')).toEqual([]);
  });

  it('leaves a log that is written and read on', async () => {
    const store = await openCustodyStore(deps());
    await store.append([signDraft]);
    await store.checkpoint();
    await store.close();
    const log = await auditLog(
      { since: null, from: null, limit: 3, op: null, tenant: null, kid: null, epoch: null },
      deps(),
    );
    expectData('audit/log', log);
    expect(log).toMatchObject({ archived: N });
    expect(log.records).toHaveLength(3);
    await auditShow({ index: N + 1, epoch: null }, deps());
    await expect(auditShow({ index: 5, epoch: null }, deps())).rejects.toMatchObject({
      code: 'Inconclusive',
      field: 'archived',
      hint: expect.stringContaining('000000.jsonl'),
    });
    expectData('store/status', await storeStatus(deps()));
    expect(codes(await verify(archive))).toEqual([]);
  });

  it('goes on where an interrupted run stopped', async () => {
    copyFileSync(join(archive, 'e0/segments/000000.jsonl'), segment);
    expect(codes(await verify())).toEqual([]);
    const again = await take(N);
    expect(again).toMatchObject({ segments: [], finished: [0] });
    expect(existsSync(segment)).toBe(false);
  });

  it('is exported with the archive at hand; without it a native export declares a gap, and the others refuse', async () => {
    const out = (name: string): string => join(root, name);
    const source = { source: null, epoch: null };
    const here = { ...source, archive };
    const whole = await auditExportTlog({ ...here, directory: out('tlog') }, deps());
    expect(await auditVerify({ target: out('tlog'), fast: true, headKeys: null }, deps())).toMatchObject({
      kind: 'tlog',
      verdict: 'consistent',
    });
    await expect(auditExportTlog({ ...source, directory: out('tlog2') }, deps())).rejects.toMatchObject({
      code: 'Inconclusive',
      field: 'archived',
    });
    // What is there already needs no archive.
    expect(await auditExportTlog({ ...source, directory: out('tlog') }, deps())).toMatchObject({ records: 0 });
    const lines = { from: null, to: null, out: out('chain.jsonl') };
    await expect(auditExportRonAudit({ ...source, ...lines }, deps())).rejects.toMatchObject({ field: 'archived' });
    const range = { from: null, to: null };
    const part = await auditExportNative({ ...source, ...range, directory: out('part') }, deps());
    expect(part).toMatchObject({ gaps: [{ from: 0, to: N }], records: whole.to - N });
    const judged = await auditVerify({ target: out('part'), fast: false, headKeys: null }, deps());
    expect([judged.verdict, codes(judged)]).toEqual(['inconclusive', ['declared-gap']]);
    const all = await auditExportNative({ ...here, ...range, directory: out('all') }, deps());
    expect(all).toMatchObject({ gaps: [], records: whole.to });
    const consistent = await auditVerify({ target: out('all'), fast: true, headKeys: null }, deps());
    expect([consistent.verdict, codes(consistent)]).toEqual(['consistent', []]);
  });

  it('finds another file in the place of the archived one', async () => {
    const other = join(root, 'other');
    mkdirSync(join(other, 'e0/segments'), { recursive: true });
    const bytes = readFileSync(join(archive, 'e0/segments/000000.jsonl'));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(other, 'e0/segments/000000.jsonl'), bytes);
    const directory = join(root, 'tlog3');
    const asked = { source: null, epoch: null, archive: other, directory };
    await expect(auditExportTlog(asked, deps())).rejects.toMatchObject({ code: 'Tampered' });
    expect(existsSync(join(directory, 'checkpoint'))).toBe(false);
    const result = await verify(other);
    expect(result.verdict).toBe('tampered');
    expect(codes(result)).toEqual(['archive-mismatch']);
    expect(codes(await verify(join(root, 'nothing')))).toEqual(['archived']);
  });

  it('does not take a deleted segment for an archived one', async () => {
    const last = join(home, 'audit/e0/segments/000001.jsonl');
    const bytes = readFileSync(last);
    rmSync(last);
    expect((await verify()).verdict).toBe('tampered');
    // Nor one whose record was put there by hand.
    const text = bytes.toString('utf8');
    const changed = text.replace(/"sha256":"[0-9a-f]{4}/, '"sha256":"0000');
    expect(changed).not.toBe(text);
    writeFileSync(last, changed, { mode: 0o600 });
    expect((await verify()).verdict).toBe('tampered');
    writeFileSync(last, bytes, { mode: 0o600 });
  });
});
