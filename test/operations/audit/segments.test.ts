// Logs around the border of a segment (65,536 records): the same verdict and index with one thread and with workers, from
// the plain file and across the border.

import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLogVerifier } from '../../../src/audit/checkpoint.ts';
import { utf8 } from '../../../src/bytes/text.ts';
import { nodeFiles } from '../../../src/cli/node-files.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { runTask } from '../../../src/cli/worker.ts';
import { sha256Hex } from '../../../src/crypto/hash.ts';
import { nativeCrypto } from '../../../src/crypto/native.ts';
import type { Workers } from '../../../src/host.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import { requireLogFile } from '../../../src/storage/audit-log-file.ts';
import { epochPaths } from '../../../src/storage/audit-paths.ts';
import { newestVerifiedCheckpoint, provenRecord, provenSignRecords } from '../../../src/storage/audit-store.ts';
import { closing, fillLog, KID, newLog, reopenLog, signDraft, testClock } from '../../support/audit.ts';

const base = mkdtempSync(join(tmpdir(), 'ronctl-segments-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const SIZES = [65_535, 65_536, 65_537] as const;
const homeOf = (size: number): string => join(base, String(size));
const segment = (home: string, n = 0): string => join(home, `audit/e0/segments/00000${n}.jsonl`);

beforeAll(async () => {
  const log = await newLog(join(base, 'audit'));
  await fillLog(log, 65_535, 20_000);
  log.close();
  for (const size of SIZES) {
    cpSync(join(base, 'audit'), join(homeOf(size), 'audit'), { recursive: true });
    const more = await reopenLog(join(homeOf(size), 'audit'));
    while (more.size < size) {
      await more.append(await closing(more, 1));
      await more.signCheckpoint();
    }
    more.close();
  }
});

const inline: Workers = {
  parallelism: 2,
  prepare: () => undefined,
  run: <T>(task: string, input: unknown, onPart: (part: unknown) => void = () => undefined) =>
    runTask(task, input, onPart) as Promise<T>,
};
const single: Workers = { ...inline, parallelism: 1 };

async function verify(home: string, workers: Workers, fast = false): Promise<AuditVerifyResult> {
  const clock = { ...testClock(), now: () => Date.parse('2026-11-20T10:00:00.000Z') };
  const host = { ...nodeHost(), clock, workers };
  const deps = { host, home, crypto: async () => nativeCrypto(), onProgress: () => undefined };
  return auditVerify({ target: null, fast, headKeys: null }, deps);
}

const offsetOf = (file: string, line: number): number => {
  const bytes = readFileSync(file);
  let at = 0;
  for (let n = 0; n < line; n++) at = bytes.indexOf(10, at) + 1;
  return at;
};

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}

function dropLine(file: string, line: number): void {
  const bytes = readFileSync(file);
  const at = offsetOf(file, line);
  const end = bytes.indexOf(10, at) + 1;
  writeFileSync(file, Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]));
}

interface Row {
  readonly name: string;
  readonly sizes: readonly number[];
  apply(home: string, size: number): void;
  readonly code: string;
  index(size: number): number | null;
}

const ROWS: readonly Row[] = [
  {
    name: 'a byte in the middle',
    sizes: SIZES,
    apply: (home) => flip(segment(home), offsetOf(segment(home), 30_000) + 50),
    code: 'leaf-mismatch',
    index: () => 30_000,
  },
  {
    name: 'a byte of record 65,534',
    sizes: SIZES,
    apply: (home) => flip(segment(home), offsetOf(segment(home), 65_534) + 50),
    code: 'leaf-mismatch',
    index: () => 65_534,
  },
  {
    name: 'the line feed between two records',
    sizes: [65_536],
    apply: (home) => flip(segment(home), offsetOf(segment(home), 65_535) - 1),
    code: 'leaf-mismatch',
    index: () => 65_534,
  },
  {
    name: 'a byte of the first record behind the border',
    sizes: [65_537],
    apply: (home) => flip(segment(home, 1), 50),
    code: 'leaf-mismatch',
    index: () => 65_536,
  },
  {
    name: 'a record removed from the first segment',
    sizes: SIZES,
    apply: (home) => dropLine(segment(home), 40_000),
    code: 'leaf-mismatch',
    index: () => 40_000,
  },
  {
    name: 'the last record of the first segment removed',
    sizes: SIZES,
    apply: (home, size) => dropLine(segment(home), Math.min(size, 65_536) - 1),
    code: 'missing-records or truncated',
    index: (size) => Math.min(size, 65_536) - 1,
  },
  {
    name: 'the first segment removed',
    sizes: [65_537],
    apply: (home) => unlinkSync(segment(home)),
    code: 'missing-records',
    index: () => 0,
  },
  {
    name: 'the second segment removed',
    sizes: [65_537],
    apply: (home) => unlinkSync(segment(home, 1)),
    code: 'truncated',
    index: () => 65_536,
  },
  {
    name: 'the second segment emptied',
    sizes: [65_537],
    apply: (home) => truncateSync(segment(home, 1), 0),
    code: 'truncated',
    index: () => 65_536,
  },
  {
    name: 'a wrong tile of level 1',
    sizes: [65_536, 65_537],
    apply: (home) => flip(join(home, 'audit/e0/tile/1/000'), 99),
    code: 'tile-mismatch',
    index: () => null,
  },
  {
    name: 'a wrong tile of level 2',
    sizes: [65_536, 65_537],
    apply: (home) => flip(join(home, 'audit/e0/tile/2/000.p/1'), 9),
    code: 'tile-mismatch',
    index: () => null,
  },
  {
    name: 'a missing tile of level 0',
    sizes: [65_536],
    apply: (home) => unlinkSync(join(home, 'audit/e0/tile/0/100')),
    code: 'tile-missing',
    index: () => null,
  },
];

describe.each(SIZES)('%i records', (size) => {
  test('consistent, with one thread and with workers', async () => {
    for (const workers of [single, inline]) {
      const result = await verify(homeOf(size), workers);
      expect(result.findings).toEqual([]);
      expect(result.epochs[0]).toMatchObject({ records: size, covered: size });
    }
  });

  test.each(ROWS.filter((row) => row.sizes.includes(size)).map((row) => [row.name, row] as const))(
    '%s',
    async (_, row) => {
      const home = join(base, 'damaged');
      cpSync(homeOf(size), home, { recursive: true });
      row.apply(home, size);
      for (const [workers, fast] of [
        [single, true],
        [inline, false],
      ] as const) {
        const result = await verify(home, workers, fast);
        expect(result).toMatchObject({ verdict: 'tampered', first_index: row.index(size) });
        expect(row.code).toContain(result.findings[0]!.code);
      }
      rmSync(home, { recursive: true });
    },
  );
});

describe('readers across the border', () => {
  const open = async () => {
    const dir = join(homeOf(65_537), 'audit');
    const file = requireLogFile(nodeFiles(), dir);
    const { origin, keys } = file.epochs[0]!;
    const verifier = createLogVerifier({ origin, keys, serviceKeys: file.serviceKeys, trust: 'local' }, nativeCrypto());
    const paths = epochPaths(dir, 0);
    return { paths, checkpoint: newestVerifiedCheckpoint(nodeFiles(), paths, verifier)! };
  };

  test('single records are proved', async () => {
    const { paths, checkpoint } = await open();
    for (const seq of [0, 255, 256, 65_535, 65_536]) {
      expect(provenRecord(nodeFiles(), paths, checkpoint, seq).record.seq).toBe(seq);
    }
    expect(() => provenRecord(nodeFiles(), paths, checkpoint, 65_537)).toThrow('not covered');
  });

  test('the sign index finds a record; planted, emptied or deleted it changes no answer', async () => {
    const { paths, checkpoint } = await open();
    const wanted = 12_345;
    const input = `b3:${sha256Hex(utf8(`input ${wanted}`))}`;
    const seqs = (): number[] =>
      [...provenSignRecords(nodeFiles(), paths, checkpoint, KID, input)].map((one) => one.record.seq);
    const found = seqs();
    expect(found).toHaveLength(1);
    const index = paths.signIndex(0);
    const good = readFileSync(index);
    writeFileSync(index, '');
    expect(seqs()).toEqual(found);
    const warned = await verify(homeOf(65_537), single);
    expect(warned).toMatchObject({ verdict: 'consistent', findings: [{ code: 'index-wrong', file: 'index/0.sign' }] });
    unlinkSync(index);
    expect(seqs()).toEqual(found);
    const planted = Buffer.from(good);
    planted.fill(0, 16, 24);
    writeFileSync(index, planted);
    expect(seqs()).toEqual(found);
    writeFileSync(index, good);
    expect([...provenSignRecords(nodeFiles(), paths, checkpoint, KID, `b3:${'0'.repeat(64)}`)]).toEqual([]);
    expect(signDraft(wanted).input_hash).toBe(input);
  });
});
