import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { LIMITS } from '../../src/limits.ts';
import { openAuditLog, scanAuditHead } from '../../src/storage/audit-appender.ts';
import {
  auditDeps,
  closing,
  createDraft,
  fillLog,
  HEAD_KEY,
  initDraft,
  logKeys,
  newLog,
  reopenLog,
  STORE_ID,
  signDraft,
} from '../support/audit.ts';

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'ronctl-audit-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return join(made, 'audit');
}

describe('audit appender', () => {
  test('a new log goes on after being closed', async () => {
    const dir = directory();
    const log = await newLog(dir);
    const [first] = await log.append([initDraft()]);
    expect(first!.seq).toBe(0);
    await log.append([createDraft(2)]);
    const many = await Promise.all([log.append([signDraft(1)]), log.append([signDraft(2), signDraft(3)])]);
    expect(many.flat().map((record) => record.kid_seq)).toEqual([2, 3, 4]);
    await log.append(await closing(log, 2));
    const checkpoint = await log.signCheckpoint();
    expect(checkpoint.size).toBe(7);
    await log.append([signDraft(9)]);
    log.close();
    const again = await reopenLog(dir);
    expect(again.size).toBe(8);
    expect(again.newestCheckpoint()!.size).toBe(7);
    const [next] = await again.append([signDraft(10)]);
    expect(next!.kid_seq).toBe(6);
    expect(scanAuditHead(nodeFiles(), dir)).toMatchObject({ size: 9, generation: 2 });
    again.close();
  });

  test.each([0, 1, 3, 4, 255, 256, 257, 600])('%i records', async (size) => {
    const dir = directory();
    const log = await newLog(dir);
    await fillLog(log, size, 100);
    const { root } = log;
    expect(log.size).toBe(size);
    log.close();
    const again = await reopenLog(dir);
    expect(again.size).toBe(size);
    expect(again.root).toEqual(root);
    again.close();
    expect(readFileSync(join(dir, 'e0/segments/000000.jsonl'), 'utf8').split('\n').length - 1).toBe(size);
  });

  const segmentFile = (dir: string): string => join(dir, 'e0/segments/000000.jsonl');
  const recordsOf = (dir: string): { op: string; detail?: unknown }[] =>
    readFileSync(segmentFile(dir), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { op: string });

  test('missing tiles are made again when the root agrees, and a gap record says so', async () => {
    const dir = directory();
    const log = await newLog(dir);
    await fillLog(log, 300, 100);
    log.close();
    rmSync(join(dir, 'e0/tile'), { recursive: true });
    const again = await reopenLog(dir);
    again.close();
    expect(recordsOf(dir).at(-1)).toMatchObject({ op: 'gap', detail: { kind: 'tiles', governed: false } });
    expect(readFileSync(join(dir, 'e0/tile/0/000')).length).toBe(8192);
  });

  test('whole records beyond the head were never acknowledged: they are cut', async () => {
    const dir = directory();
    const log = await newLog(dir);
    await fillLog(log, 5);
    log.close();
    const head = readFileSync(join(dir, 'e0/head'));
    const more = await reopenLog(dir);
    await more.append([signDraft(1), signDraft(2)]);
    more.close();
    writeFileSync(join(dir, 'e0/head'), head);
    const again = await reopenLog(dir);
    expect(again.size).toBe(6);
    again.close();
    expect(recordsOf(dir).at(-1)).toMatchObject({ op: 'gap', detail: { kind: 'log-tail' } });
  });

  test('edited, cut or inserted records behind the checkpoint, and other log keys, are refused', async () => {
    const dir = directory();
    const log = await newLog(dir);
    await fillLog(log, 5);
    await log.append([signDraft(1), signDraft(2), signDraft(3)]);
    log.close();
    const good = readFileSync(segmentFile(dir), 'utf8');
    const lines = good.trimEnd().split('\n');
    const cases: Readonly<Record<string, readonly string[]>> = {
      edited: [...lines.slice(0, 6), lines[6]!.replace('"result":"ok"', '"result":"Denied"'), lines[7]!],
      cut: lines.slice(0, 7),
      inserted: [...lines.slice(0, 6), lines[6]!, ...lines.slice(6)],
      swapped: [...lines.slice(0, 6), lines[7]!, lines[6]!],
      'below the checkpoint': [lines[0]!, lines[2]!, lines[1]!, ...lines.slice(3)],
    };
    for (const [name, changed] of Object.entries(cases)) {
      writeFileSync(segmentFile(dir), changed.map((line) => `${line}\n`).join(''));
      const opened = reopenLog(dir);
      // Records under a checkpoint that no tail depends on are left to `audit verify`.
      if (name === 'below the checkpoint') await expect(opened.then((one) => one.close())).resolves.toBeUndefined();
      else await expect(opened, name).rejects.toMatchObject({ code: 'Tampered' });
      writeFileSync(segmentFile(dir), good);
    }
    const deps = { auditDir: dir, storeId: STORE_ID, headKeys: [HEAD_KEY], ungoverned: true };
    const strangers = openAuditLog(auditDeps(), { ...deps, logKeys: await logKeys('others') });
    await expect(strangers).rejects.toMatchObject({ code: 'Tampered', field: 'log-keys-changed' });
    const elsewhere = openAuditLog(auditDeps(), { ...deps, logKeys: await logKeys(), storeId: 'f'.repeat(32) });
    await expect(elsewhere).rejects.toMatchObject({ code: 'Tampered' });
  });

  test('a root rotation is opened under either head key', async () => {
    const dir = directory();
    const log = await newLog(dir);
    await fillLog(log, 5);
    const next = new Uint8Array(32).fill(9);
    await log.rekeyHead(next);
    log.close();
    const deps = { auditDir: dir, storeId: STORE_ID, logKeys: await logKeys(), ungoverned: true };
    for (const headKeys of [[HEAD_KEY, next], [next], [HEAD_KEY]]) {
      const opened = await openAuditLog(auditDeps(), { ...deps, headKeys });
      expect(opened.size).toBe(5);
      opened.close();
    }
    const after = await openAuditLog(auditDeps(), { ...deps, headKeys: [next] });
    await after.append([signDraft(1)]);
    after.close();
    // The old key still finds its own slot, of the size before: what came after it looks unacknowledged and would be cut,
    // so the store keeps only the new key once root.next has been renamed.
    const old = await openAuditLog(auditDeps(), { ...deps, headKeys: [HEAD_KEY, next] });
    expect(old.size).toBe(6);
    old.close();
  });

  test('a draft that is refused leaves the others of its batch alone, and the queue has an end', async () => {
    const dir = directory();
    const log = await newLog(dir);
    await log.append([initDraft()]);
    const answers = await Promise.allSettled([
      log.append([signDraft(1)]),
      log.append([signDraft(2), { ...signDraft(3), detail: { nonsense: 1 } }]),
      log.append([signDraft(4)]),
    ]);
    expect(answers.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(recordsOf(dir).map((record) => record.op)).toEqual(['init', 'sign', 'sign']);
    expect(log.size).toBe(3);
    const waiting = log.append([signDraft(5)]);
    const tooMany = Array.from({ length: LIMITS.auditQueueRecords }, () => signDraft(6));
    await expect(log.append(tooMany)).rejects.toMatchObject({
      code: 'Busy',
      message: '1 audit records are waiting to be written',
    });
    await waiting;
    expect(log.size).toBe(4);
    log.close();
    (await reopenLog(dir)).close();
  });
});
