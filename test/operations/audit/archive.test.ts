// `audit archive` on a real store with more records than a segment has (log page 4.9, I-44): what is archived verifies with
// the archive, is open without it, and nothing that was only deleted passes for it.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeHost } from '../../../src/cli/node-host.ts';
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
import { storeDeps } from '../../support/store.ts';

const root = mkdtempSync(join(tmpdir(), 'ronctl-archive-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const home = join(root, 'home');
const archive = join(root, 'archive');
const segment = join(home, 'audit/e0/segments/000000.jsonl');
const N = 65_536;

const DAY_MS = 24 * 3600 * 1000;
const early = { ...nodeHost().clock, now: () => Date.now() - 2 * DAY_MS };

const deps = (dryRun = false): OperationDeps => ({
  ...storeDeps(home),
  dryRun,
  online: null,
  onProgress: () => undefined,
});

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

describe('audit archive', () => {
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
