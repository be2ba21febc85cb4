import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { scanAuditHead } from '../../src/storage/audit-appender.ts';
import { closing, createDraft, fillLog, initDraft, newLog, reopenLog, signDraft } from '../support/audit.ts';

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
});
