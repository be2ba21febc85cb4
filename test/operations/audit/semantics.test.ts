// Logs whose hashes, tiles and signatures are all right, and whose records say something that cannot be: what only the
// semantic pass finds. --fast leaves it out and says so.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { signCheckpoint } from '../../../src/audit/checkpoint.ts';
import { countersFile } from '../../../src/audit/counters.ts';
import { leafHash, NO_PREVIOUS } from '../../../src/audit/leaf.ts';
import { tilePath } from '../../../src/audit/tile.ts';
import { Frontier } from '../../../src/audit/tree.ts';
import { canonicalText, type JsonObject } from '../../../src/bytes/canonical-json.ts';
import { toHex } from '../../../src/bytes/hex.ts';
import { utf8 } from '../../../src/bytes/text.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { nativeCrypto } from '../../../src/crypto/native.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import { type AuditVerifyResult, verdictError } from '../../../src/operations/audit/verify-result.ts';
import { checkpointLine } from '../../../src/storage/audit-notes.ts';
import { TileBuilder } from '../../../src/storage/audit-tiles.ts';
import {
  auditDeps,
  closing,
  createDraft,
  initDraft,
  KID,
  logKeys,
  newLog,
  reopenLog,
  signDraft,
  testClock,
} from '../../support/audit.ts';

async function readLines(dir: string): Promise<JsonObject[]> {
  return readFileSync(join(dir, 'e0/segments/000000.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonObject);
}

/** A small true log: init, create, two signatures, a ledger line, state, manifest. */
async function trueLog(): Promise<{ home: string; dir: string; records: JsonObject[] }> {
  const home = mkdtempSync(join(tmpdir(), 'ronctl-audit-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const dir = join(home, 'audit');
  const log = await newLog(dir);
  await log.append([initDraft(), createDraft(2), signDraft(1), signDraft(2)]);
  for (const seq of [1, 4]) {
    const detail = { ledger_id: 'gl-abc', seq, hash: 'ab'.repeat(32), governed: false };
    await log.append([{ op: 'ledger.append', actor: 'system', result: 'ok', public_sha256: 'cd'.repeat(32), detail }]);
  }
  await log.append(await closing(log, 2));
  await log.signCheckpoint();
  log.close();
  return { home, dir, records: await readLines(dir) };
}

/** Writes the records again with right links, tiles and signatures. */
async function resign(dir: string, records: readonly (JsonObject | string)[]): Promise<void> {
  const frontier = new Frontier();
  const tiles = TileBuilder.empty();
  let prev = NO_PREVIOUS;
  const lines = records.map((record) => {
    const line =
      typeof record === 'string'
        ? record.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
        : canonicalText({ ...record, prev });
    const leaf = leafHash(utf8(line));
    frontier.append(leaf);
    tiles.append(leaf);
    prev = toHex(leaf);
    return line;
  });
  const epoch = join(dir, 'e0');
  writeFileSync(join(epoch, 'segments/000000.jsonl'), lines.map((line) => `${line}\n`).join(''));
  rmSync(join(epoch, 'tile'), { recursive: true });
  for (const { tile, bytes } of tiles.take()) {
    mkdirSync(dirname(join(epoch, tilePath(tile))), { recursive: true });
    writeFileSync(join(epoch, tilePath(tile)), bytes);
  }
  const origin = 'ronctl.invalid/0123456789abcdef0123456789abcdef/e0';
  const body = { origin, size: frontier.size, root: frontier.root() };
  const note = await signCheckpoint(body, 1_763_625_600, [await logKeys()]);
  writeFileSync(join(epoch, 'checkpoint'), note);
  writeFileSync(join(epoch, 'checkpoints.jsonl'), checkpointLine(frontier.size, note));
}

async function verify(home: string, fast = false): Promise<AuditVerifyResult> {
  const clock = { ...testClock(), now: () => Date.parse('2026-11-20T10:00:00.000Z') };
  const deps = { home, crypto: async () => nativeCrypto(), onProgress: () => undefined };
  return auditVerify({ target: null, fast, headKeys: null }, { host: { ...nodeHost(), clock }, ...deps });
}

const at = (records: readonly JsonObject[], op: string): number => records.findIndex((record) => record['op'] === op);

interface Row {
  readonly name: string;
  readonly code: string;
  readonly verdict: 'tampered' | 'inconclusive' | 'consistent';
  change(records: JsonObject[]): number;
}

const set = (op: string, members: JsonObject) => (records: JsonObject[]) => {
  const index = at(records, op);
  records[index] = { ...records[index]!, ...members };
  return index;
};

const ROWS: readonly Row[] = [
  { name: 'a kid counter that stays', code: 'counter', verdict: 'tampered', change: set('sign', { kid_seq: 1 }) },
  { name: 'a kid counter that skips', code: 'counter', verdict: 'tampered', change: set('sign', { kid_seq: 9 }) },
  { name: 'a kid that starts at 2', code: 'counter', verdict: 'tampered', change: set('create', { kid_seq: 2 }) },
  {
    name: 'a generation that skips',
    code: 'generation',
    verdict: 'tampered',
    change: set('create', { generation: 5 }),
  },
  {
    name: 'a manifest of another generation',
    code: 'generation',
    verdict: 'tampered',
    change: set('manifest', { generation: 7 }),
  },
  {
    name: 'a ledger that goes back',
    code: 'ledger-order',
    verdict: 'tampered',
    change: (records) => {
      const second = at(records, 'ledger.append') + 1;
      records[second] = { ...records[second]!, detail: { ...(records[second]!['detail'] as JsonObject), seq: 1 } };
      return second;
    },
  },
  { name: 'a monotonic clock that falls', code: 'clock', verdict: 'tampered', change: set('sign', { mono: 1 }) },
  {
    name: 'a wall clock that falls is listed only',
    code: 'wall-clock-fell',
    verdict: 'consistent',
    change: set('sign', { ts: '2020-01-01T00:00:00.000Z' }),
  },
  { name: 'a wrong seq', code: 'record-invalid', verdict: 'tampered', change: set('sign', { seq: 77 }) },
  {
    name: 'a detail of another operation',
    code: 'record-invalid',
    verdict: 'tampered',
    change: set('sign', { detail: { state_seq: 1 } }),
  },
  {
    name: 'a kid without a counter',
    code: 'record-invalid',
    verdict: 'tampered',
    change: (records) => {
      const index = at(records, 'sign');
      const { kid_seq: _, ...rest } = records[index]!;
      records[index] = rest;
      return index;
    },
  },
  {
    name: 'an unknown operation',
    code: 'newer-format',
    verdict: 'inconclusive',
    change: (records) => {
      records.splice(-2, 0, { ...records[3]!, op: 'teleport', kid_seq: 4 });
      const { kid: _k, kid_seq: _s, ...rest } = records.at(-3)!;
      records[records.length - 3] = rest;
      for (let index = 4; index < records.length; index++) records[index] = { ...records[index]!, seq: index };
      records[records.length - 1] = { ...records.at(-1)!, detail: { state_seq: records.length - 2, governed: false } };
      return records.length - 3;
    },
  },
  {
    name: 'a newer record version',
    code: 'newer-format',
    verdict: 'inconclusive',
    change: (records) => {
      records[4] = { ...records[4]!, v: 2, more: { x: 1 } };
      return 4;
    },
  },
  {
    name: 'a checkpoint that ends with another record',
    code: 'checkpoint-record',
    verdict: 'tampered',
    change: (records) => {
      records.pop();
      return records.length - 1;
    },
  },
  {
    name: 'a state record with another digest',
    code: 'counter',
    verdict: 'tampered',
    change: (records) => {
      const index = at(records, 'state');
      records[index] = {
        ...records[index]!,
        detail: { ...(records[index]!['detail'] as JsonObject), counters: `sha256:${'00'.repeat(32)}` },
      };
      return index;
    },
  },
];

describe('semantic rows of the damage table', () => {
  test('the records written again unchanged are consistent', async () => {
    const { home, dir, records } = await trueLog();
    await resign(dir, records);
    expect((await verify(home)).findings).toEqual([]);
  });

  test.each(ROWS.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const { home, dir, records } = await trueLog();
    const index = row.change(records);
    await resign(dir, records);
    const result = await verify(home);
    expect(result.findings.map((one) => one.code)).toContain(row.code);
    expect(result.findings.find((one) => one.code === row.code)!.index).toBe(index);
    expect(result.verdict).toBe(row.verdict);
    expect(verdictError(result)?.exit ?? 0).toBe({ tampered: 10, inconclusive: 11, consistent: 0 }[row.verdict]);
    const fast = await verify(home, true);
    expect(fast).toMatchObject({ verdict: 'consistent', semantic: false });
  });

  test('a line with a space is not canonical', async () => {
    const { home, dir, records } = await trueLog();
    const lines = records.map((record) => canonicalText(record));
    await resign(dir, [...lines.slice(0, 2), lines[2]!.replace('"v":1', '"v": 1'), ...lines.slice(3)]);
    expect((await verify(home)).findings[0]).toMatchObject({ code: 'record-invalid', index: 2 });
  });

  test('counters.json of other counters, or gone, is found', async () => {
    const { home, dir } = await trueLog();
    writeFileSync(join(dir, 'e0/counters.json'), countersFile(new Map([[KID.split('#')[0]!, 17]])));
    expect((await verify(home)).findings[0]).toMatchObject({ code: 'counter', file: 'counters.json' });
    await expect(reopenLog(dir)).rejects.toMatchObject({ code: 'Tampered', field: 'counter' });
    rmSync(join(dir, 'e0/counters.json'));
    expect((await verify(home)).findings[0]).toMatchObject({ code: 'counter', message: 'counters.json is missing' });
  });
});

test('a log key that changes: old pair below, both at, new pair above; verifiers follow', async () => {
  const { home, dir } = await trueLog();
  const log = await reopenLog(dir);
  log.rotateLogKeys(await logKeys('next'));
  await log.append([signDraft(9), ...(await closing(log, 2))]);
  const both = await log.signCheckpoint();
  expect(new TextDecoder().decode(both.note).split('\u2014 ').length - 1).toBe(4);
  const again = await log.signCheckpoint();
  expect(new TextDecoder().decode(again.note).split('\u2014 ').length - 1).toBe(4);
  await log.append(await closing(log, 2));
  await log.append([signDraft(10), ...(await closing(log, 2))]);
  const alone = await log.signCheckpoint();
  expect(new TextDecoder().decode(alone.note).split('\u2014 ').length - 1).toBe(2);
  log.close();
  const result = await verify(home);
  expect(result.findings).toEqual([]);
  expect(result.epochs[0]!.checkpoints).toBe(3);
});

test('a log that is opened where its keys changed is signed again there by both pairs, whatever a crash left out', async () => {
  const { home, dir } = await trueLog();
  const log = await reopenLog(dir);
  const keys = { logKeys: await logKeys('next'), previousLogKeys: await logKeys() };
  log.rotateLogKeys(keys.logKeys);
  await log.append([signDraft(9), ...(await closing(log, 2))]);
  const notes = join(dir, 'e0/checkpoints.jsonl');
  const [checkpoint, listed] = [join(dir, 'e0/checkpoint'), notes].map((path) => readFileSync(path));
  const both = await log.signCheckpoint();
  log.close();
  const linesOf = (note: Uint8Array): number => new TextDecoder().decode(note).split('\u2014 ').length - 1;
  const again = await reopenLog(dir, auditDeps(undefined, testClock(7_200_000)), keys);
  const same = await again.signCheckpoint();
  expect([same.size, linesOf(same.note)]).toEqual([both.size, 4]);
  again.close();
  // log.json says the new keys, and the checkpoint was not written.
  writeFileSync(join(dir, 'e0/checkpoint'), checkpoint!);
  writeFileSync(notes, listed!);
  const late = await reopenLog(dir, auditDeps(undefined, testClock(10_800_000)), keys);
  await late.append([signDraft(10), ...(await closing(late, 2))]);
  const made = await late.signCheckpoint();
  expect([made.size > both.size, linesOf(made.note)]).toEqual([true, 4]);
  late.close();
  expect((await verify(home)).findings).toEqual([]);
});
