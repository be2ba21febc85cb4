// The append path killed, or failed, at every mutating call (store page 10): afterwards the log opens, holds everything
// that was acknowledged, nothing twice, and verifies. What failed once stays closed until it is opened again.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { RonError } from '../../src/errors.ts';
import type { Files } from '../../src/host.ts';
import { auditVerify } from '../../src/operations/audit/verify.ts';
import { type AuditAppender, scanAuditHead } from '../../src/storage/audit-appender.ts';
import {
  auditDeps,
  closing,
  createDraft,
  fillLog,
  HEAD_KEY,
  newLog,
  reopenLog,
  signDraft,
  testClock,
} from '../support/audit.ts';
import { type Fault, faultyFiles } from '../support/faulty-files.ts';

const KID2 = 'acme/release/ed25519/00000000-0000-4000-8000-000000000002#v1';
let base: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'ronctl-crash-'));
  const log = await newLog(join(base, 'start-audit'));
  await fillLog(log, 254);
  log.close();
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Progress {
  acknowledged: number;
  checkpoint: number;
}

/** Crosses the border of a tile, changes counters, signs twice. */
async function work(dir: string, files: Files, progress: Progress): Promise<void> {
  let log: AuditAppender | null = null;
  try {
    log = await reopenLog(dir, auditDeps(files, testClock(60_000)));
    const append = async (...drafts: Parameters<AuditAppender['append']>[0]): Promise<void> => {
      const records = await log!.append(drafts);
      progress.acknowledged = records.at(-1)!.seq + 1;
    };
    await append(createDraft(2, KID2));
    await append(signDraft(1, KID2), signDraft(2));
    await append(...(await closing(log, 2)));
    progress.checkpoint = (await log.signCheckpoint()).size;
    await append(signDraft(3));
    await append(...(await closing(log, 2)));
    progress.checkpoint = (await log.signCheckpoint()).size;
  } finally {
    log?.close();
  }
}

/** The newest generation in the records, as the custody store would know it. */
const generationOf = (dir: string): number => scanAuditHead(nodeFiles(), dir)!.generation!;

let copies = 0;
function copy(): string {
  const home = join(base, `copy-${++copies}`);
  mkdirSync(home, { mode: 0o700 });
  cpSync(join(base, 'start-audit'), join(home, 'audit'), { recursive: true });
  return home;
}

async function check(home: string, progress: Progress, label: string): Promise<void> {
  const dir = join(home, 'audit');
  const log = await reopenLog(dir, auditDeps(undefined, testClock(120_000)));
  expect(log.size, label).toBeGreaterThanOrEqual(Math.max(254, progress.acknowledged));
  expect(log.newestCheckpoint()!.size, label).toBeGreaterThanOrEqual(Math.max(254, progress.checkpoint));
  await log.append([signDraft(9, KID2)]);
  await log.append(await closing(log, generationOf(join(home, 'audit'))));
  log.close();
  const records = readFileSync(join(dir, 'e0/segments/000000.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { seq: number; op_id: string });
  expect(records.map((record) => record.seq)).toEqual(records.map((_, at) => at));
  expect(new Set(records.map((record) => record.op_id)).size, label).toBe(records.length);
  const result = await auditVerify(
    { target: null, fast: false, headKeys: async () => [HEAD_KEY] },
    {
      host: { ...nodeHost(), clock: { ...testClock(), now: () => Date.parse('2026-11-20T10:00:00.000Z') } },
      home,
      crypto: async () => nativeCrypto(),
      onProgress: () => undefined,
    },
  );
  const bad = result.findings.filter((one) => one.code !== 'wall-clock-fell');
  expect(bad, `${label}: ${JSON.stringify(bad)}`).toEqual([]);
  rmSync(home, { recursive: true });
}

const FAULTS: readonly Fault[] = [
  { kind: 'crash', when: 'before' },
  { kind: 'crash', when: 'after' },
  { kind: 'ENOSPC' },
  { kind: 'short' },
  { kind: 'sync' },
];

describe.each(FAULTS.map((fault) => [JSON.stringify(fault), fault] as const))('%s', (_, fault) => {
  test('at every mutating call', async () => {
    const home = copy();
    const counting = faultyFiles(nodeFiles(), 0, fault);
    await work(join(home, 'audit'), counting.files, { acknowledged: 0, checkpoint: 0 });
    const total = counting.calls();
    expect(total).toBeGreaterThan(40);
    let hits = 0;
    for (let at = 1; at <= total; at++) {
      const place = copy();
      const faulty = faultyFiles(nodeFiles(), at, fault);
      const progress = { acknowledged: 0, checkpoint: 0 };
      const failed = await work(join(place, 'audit'), faulty.files, progress).then(
        () => null,
        (error: unknown) => error,
      );
      if (faulty.hit() === null) {
        rmSync(place, { recursive: true });
        continue;
      }
      hits++;
      expect(failed, `${faulty.hit()}`).not.toBeNull();
      await check(place, progress, `${at}: ${faulty.hit()}`);
    }
    expect(hits).toBeGreaterThan(5);
  });
});

test('the first failed write closes the log for good, and everything waiting fails with it', async () => {
  const home = copy();
  const faulty = faultyFiles(nodeFiles(), 6, { kind: 'sync' });
  let at = 0;
  const files: Files = { ...faulty.files };
  const log = await reopenLog(join(home, 'audit'), auditDeps(files));
  const answers = await Promise.allSettled(
    Array.from({ length: 40 }, () => log.append(Array.from({ length: 20 }, () => signDraft(at++)))),
  );
  expect(faulty.hit()).toBe('sync 000000.jsonl');
  const first = answers.findIndex((one) => one.status === 'rejected');
  expect(first).toBe(25);
  expect(answers.slice(first).every((one) => one.status === 'rejected')).toBe(true);
  await expect(log.append([signDraft(1)])).rejects.toMatchObject({ code: 'StorageFault' });
  await expect(log.signCheckpoint()).rejects.toBeInstanceOf(RonError);
  const again = await reopenLog(join(home, 'audit'));
  const acknowledged = answers.filter((one) => one.status === 'fulfilled').length * 20;
  expect(again.size).toBeGreaterThanOrEqual(254 + acknowledged);
  again.close();
});

describe('head slots', () => {
  test('one damaged slot is survived when the other is current, and refused when it was the current one', async () => {
    for (const [slot, offset] of [
      [0, 0],
      [1, 4096],
    ] as const) {
      for (const byte of [0, 7, 8, 39, 40, 71]) {
        const home = copy();
        const path = join(home, 'audit/e0/head');
        const files = nodeFiles();
        const file = files.open(path, 'write');
        const [found] = file.read(offset + byte, 1);
        file.write(Uint8Array.of(found! ^ 1), offset + byte);
        file.close();
        const opened = await reopenLog(join(home, 'audit')).then(
          (log) => {
            log.close();
            return 'opened';
          },
          (error: RonError) => `${error.code} ${error.field}`,
        );
        expect(['opened', 'Tampered head-mismatch'], `slot ${slot} byte ${byte}`).toContain(opened);
        rmSync(home, { recursive: true });
      }
    }
  });

  test('without a head, or with both slots damaged, nothing is appended', async () => {
    const home = copy();
    rmSync(join(home, 'audit/e0/head'));
    await expect(reopenLog(join(home, 'audit'))).rejects.toMatchObject({ code: 'Tampered', field: 'head-mismatch' });
  });

  test('the older slot alone finds the records behind it unacknowledged, and cuts them with a gap record', async () => {
    const home = copy();
    const segment = join(home, 'audit/e0/segments/000000.jsonl');
    const before = readFileSync(segment, 'utf8');
    const files = nodeFiles();
    const file = files.open(segment, 'write');
    file.write(new TextEncoder().encode('{"actor":"half a li'), Buffer.byteLength(before));
    file.close();
    const log = await reopenLog(join(home, 'audit'));
    expect(log.size).toBe(255);
    log.close();
    const last = readFileSync(segment, 'utf8').trimEnd().split('\n').at(-1)!;
    expect(JSON.parse(last)).toMatchObject({ op: 'gap', detail: { kind: 'log-tail', bytes: 19, governed: false } });
  });
});
