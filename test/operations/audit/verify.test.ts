// Whole logs on real files (log page 4.8): undamaged ones, every byte flipped, keys, tails and memory. Kinds of damage x sizes
// are in damage-matrix.test.ts.

import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import { type AuditVerifyResult, verdictError } from '../../../src/operations/audit/verify-result.ts';
import { auditDeps, closing, HEAD_KEY, reopenLog, signDraft, testClock } from '../../support/audit.ts';
import { depsOf, makeLogHome } from '../../support/audit-homes.ts';
import { scratch } from '../../support/scratch.ts';

async function verify(
  home: string,
  change: { readonly target?: string; readonly fast?: boolean; readonly key?: boolean } = {},
): Promise<AuditVerifyResult> {
  return auditVerify(
    {
      target: change.target ?? null,
      fast: change.fast ?? false,
      headKeys: change.key === true ? async () => [HEAD_KEY] : null,
    },
    depsOf(home),
  );
}

function copyOf(home: string): string {
  const copy = join(scratch(), 'home');
  cpSync(home, copy, { recursive: true });
  return copy;
}

const segment = (home: string, n = 0): string => join(home, 'audit/e0/segments', `${String(n).padStart(6, '0')}.jsonl`);
const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
const writeLines = (file: string, lines: readonly string[]): void =>
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));

const codes = (result: AuditVerifyResult): string[] => [...new Set(result.findings.map((one) => one.code))].sort();

describe('an undamaged log', () => {
  test.each([3, 4, 255, 256, 257])('of %i records is consistent and remembered', async (size) => {
    const home = await makeLogHome(size, 50);
    const result = await verify(home);
    expect(result.findings).toEqual([]);
    expect(result).toMatchObject({ verdict: 'consistent', first_index: null, trust: 'local', remembered: true });
    expect(result.epochs[0]).toMatchObject({ records: size, covered: size, unsigned_tail: 0 });
    expect(verdictError(result)).toBeUndefined();
    const again = await verify(home, { key: true });
    expect(again).toMatchObject({ verdict: 'consistent', head_checked: true, findings: [] });
    expect(again.epochs[0]!.remembered!.size).toBe(size);
  });
});

test('every flipped byte of a small log is found, with the index of its record', async () => {
  const home = await makeLogHome(8, 3);
  await verify(home);
  const original = readFileSync(segment(home));
  const wrong: string[] = [];
  let index = 0;
  for (let at = 0; at < original.length; at++) {
    const bytes = Buffer.from(original);
    bytes[at]! ^= 1 << (at % 8);
    writeFileSync(segment(home), bytes);
    const result = await verify(home, { fast: at % 2 === 0 });
    if (result.verdict !== 'tampered' || result.first_index !== index) {
      wrong.push(`byte ${at} of record ${index}: ${result.verdict} ${result.first_index} ${codes(result).join(' ')}`);
    }
    if (original[at] === 0x0a) index += 1;
  }
  expect(wrong).toEqual([]);
});

test('a flipped byte in any other file that counts is found too', async () => {
  const home = await makeLogHome(8, 3);
  const epoch = join(home, 'audit/e0');
  await verify(home);
  const files = readdirSync(join(home, 'audit'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !['hints.json', 'head', '000000.jsonl'].some((name) => file.endsWith(name)));
  expect(files.map((file) => file.slice(epoch.length - 2)).sort()).toEqual(
    expect.arrayContaining(['e0/checkpoint', 'e0/checkpoints.jsonl', 'e0/counters.json', 'e0/tile/0/000.p/8']),
  );
  const missed: string[] = [];
  for (const file of files) {
    const original = readFileSync(file);
    // The service keys in log.json are believed, not judged, until a genesis is pinned.
    const end = file.endsWith('log.json') ? original.indexOf('"service_keys"') : original.length;
    for (let at = 0; at < end; at += at < 300 ? 1 : 37) {
      const bytes = Buffer.from(original);
      bytes[at]! ^= 1 << (at % 7);
      writeFileSync(file, bytes);
      const result = await verify(home, { fast: file.endsWith('.jsonl') });
      // A line feed at the end of checkpoints.jsonl that is gone looks like a write that was cut off.
      const torn = codes(result).includes('torn-checkpoint');
      if (result.verdict !== 'tampered' && !torn)
        missed.push(`${file.slice(home.length)} byte ${at}: ${result.verdict}`);
    }
    writeFileSync(file, original);
  }
  expect(missed).toEqual([]);
});

test('without tiles the links still name the record', async () => {
  const home = await makeLogHome(40, 100);
  const original = linesOf(segment(home));
  rmSync(join(home, 'audit/e0/tile'), { recursive: true });
  for (const at of [1, 17, 38]) {
    const lines = [...original];
    lines[at] = lines[at]!.replace(/"r":"./, '"r":"~');
    writeLines(segment(home), lines);
    expect((await verify(home)).first_index).toBe(at);
    lines[at] = original[at]!.replace(/"prev":"./, (text) => `"prev":"${text.endsWith('0') ? '1' : '0'}`);
    writeLines(segment(home), lines);
    expect((await verify(home)).first_index).toBe(at);
  }
});

describe('memory', () => {
  async function grown(): Promise<{ home: string; old: string }> {
    const home = await makeLogHome(20, 100);
    const old = copyOf(home);
    const log = await reopenLog(join(home, 'audit'));
    await log.append([signDraft(100), ...(await closing(log, 1))]);
    await log.append(await closing(log, 1));
    await log.signCheckpoint();
    log.close();
    await verify(home);
    return { home, old };
  }

  test('a clean tail cut is found against the remembered checkpoint', async () => {
    const { home, old } = await grown();
    rmSync(join(home, 'audit'), { recursive: true });
    cpSync(join(old, 'audit'), join(home, 'audit'), { recursive: true });
    const result = await verify(home);
    expect(codes(result)).toEqual(['rolled-back']);
    expect(result).toMatchObject({ verdict: 'tampered', first_index: 20 });
  });

  test('the same older log as a bare copy is only inconclusive', async () => {
    const { home, old } = await grown();
    const result = await verify(home, { target: join(old, 'audit') });
    expect(codes(result)).toEqual(['older-copy']);
    expect(result.verdict).toBe('inconclusive');
    expect(verdictError(result)!.exit).toBe(11);
  });

  test('another log under the same keys is a fork, and the evidence is kept', async () => {
    const { home, old } = await grown();
    const log = await reopenLog(join(old, 'audit'), auditDeps(undefined, testClock(7_200_000)));
    await log.append(Array.from({ length: 30 }, (_, at) => signDraft(500 + at)));
    await log.append(await closing(log, 1));
    await log.signCheckpoint();
    log.close();
    rmSync(join(home, 'audit'), { recursive: true });
    cpSync(join(old, 'audit'), join(home, 'audit'), { recursive: true });
    const result = await verify(home);
    expect(codes(result)).toContain('fork');
    expect(result.verdict).toBe('tampered');
    expect(JSON.parse(readFileSync(result.evidence!, 'utf8'))).toMatchObject({ kind: 'fork' });
  });

  test('a log replaced under other keys is found by the remembered origin', async () => {
    const { home } = await grown();
    const other = await makeLogHome(4, 100);
    const file = join(home, 'audit/log.json');
    const text = readFileSync(file, 'utf8');
    const id = /\+([0-9a-f]{8})\+/.exec(text)![1]!;
    expect(id).toHaveLength(8);
    // Same origin, keys of nobody: the memory under the old pair speaks up.
    const swapped = JSON.parse(text) as { epochs: { keys: { vkeys: string[] }[] }[] };
    const { logKeys } = await import('../../support/audit.ts');
    const { logVkeys } = await import('../../../src/audit/checkpoint.ts');
    const { canonicalFile } = await import('../../../src/bytes/canonical-json.ts');
    const origin = (JSON.parse(text) as { epochs: { origin: string }[] }).epochs[0]!.origin;
    swapped.epochs[0]!.keys[0]!.vkeys = [...logVkeys(origin, await logKeys('attacker'))];
    writeFileSync(file, canonicalFile(swapped));
    const result = await verify(home);
    expect(codes(result)).toContain('log-keys-changed');
    expect(result.verdict).toBe('tampered');
    expect(existsSync(other)).toBe(true);
  });
});

test('a log without any checkpoint, or without a trusted key, is inconclusive', async () => {
  const empty = await makeLogHome(0, 1);
  expect(codes(await verify(empty))).toEqual(['no-checkpoint']);
  const home = await makeLogHome(4, 100);
  const stranger = scratch();
  const result = await verify(stranger, { target: join(home, 'audit') });
  expect(codes(result)).toEqual(['no-trusted-key']);
  expect(result).toMatchObject({ verdict: 'inconclusive', trust: 'none' });
  expect(verdictError(result)!.exit).toBe(11);
});

test('with the head key a cut of acknowledged records behind the checkpoint is found', async () => {
  const home = await makeLogHome(10, 100);
  const log = await reopenLog(join(home, 'audit'));
  await log.append([signDraft(1), signDraft(2)]);
  log.close();
  expect((await verify(home, { key: true })).findings).toEqual([]);
  const lines = linesOf(segment(home));
  writeLines(segment(home), lines.slice(0, -1));
  expect((await verify(home)).epochs[0]).toMatchObject({ unsigned_tail: 1 });
  const result = await verify(home, { key: true });
  expect(codes(result)).toEqual(['head-mismatch']);
  await expect(reopenLog(join(home, 'audit'))).rejects.toMatchObject({ code: 'Tampered', field: 'head-mismatch' });
  renameSync(segment(home), `${segment(home)}.gone`);
});
