// The log killed, or failing, at every mutating call where one file gives way to the next: a segment that is full, an export
// that grows, an export that is new. What was acknowledged is there, and what is there verifies; run again, it is the whole.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeFiles } from '../../src/cli/node-files.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { RonError } from '../../src/errors.ts';
import type { Files } from '../../src/host.ts';
import { auditExportNative } from '../../src/operations/audit/export-native.ts';
import { auditExportTlog } from '../../src/operations/audit/export-tlog.ts';
import { auditVerify } from '../../src/operations/audit/verify.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import { auditDeps, closing, HEAD_KEY, reopenLog, signDraft, testClock } from '../support/audit.ts';
import { depsOf } from '../support/audit-homes.ts';
import { type Fault, faultyFiles } from '../support/faulty-files.ts';
import { type DiskLog, EPOCH, HOME, type LogCopy, logsOfSizes } from '../support/log-copies.ts';
import { scratch } from '../support/scratch.ts';

const N = 65_536;
const EXPORT = '/export';
/** `killed before` a call is `killed after` the one before it; the three error numbers take one path. */
const FAULTS: readonly Fault[] = [
  { kind: 'crash', when: 'after' },
  { kind: 'EIO' },
  { kind: 'short' },
  { kind: 'sync' },
];
const FAULTS_OF_ORDER = FAULTS.filter(({ kind }) => kind !== 'EIO');

let logs: ReadonlyMap<number, LogCopy>;
beforeAll(async () => {
  logs = await logsOfSizes([257, 600, N - 2], 20_000);
});

interface Run<T> {
  /** What the fault left. */
  readonly left: T;
  readonly what: string;
  /** False after a failure that the process survived. */
  readonly killed: boolean;
}

interface Starting<T> {
  readonly start: () => T;
  readonly of: (log: T) => Files;
  readonly faults?: readonly Fault[];
}

const refusesStorage = (error: unknown): boolean => error instanceof RonError && error.code === 'StorageFault';

/**
 * Runs `act` into every fault at every call, or at those between the two numbers of calls that it returns; `judge` gets what is
 * left. Returns how many runs met their fault.
 */
async function atEveryCall<T>(
  { start, of, faults = FAULTS }: Starting<T>,
  act: (files: Files, calls: () => number) => Promise<readonly [number, number] | undefined>,
  judge: (run: Run<T>) => Promise<void>,
): Promise<number> {
  const counting = faultyFiles(of(start()), 0, faults[0]!);
  const [from, to] = (await act(counting.files, () => counting.calls())) ?? [0, counting.calls()];
  let hits = 0;
  for (const fault of faults) {
    for (let at = from + 1; at <= to; at++) {
      const left = start();
      const faulty = faultyFiles(of(left), at, fault);
      const failed: unknown = await act(faulty.files, () => faulty.calls()).then(
        () => null,
        (error: unknown) => error,
      );
      if (faulty.hit() === null) continue;
      hits += 1;
      const what = `${fault.kind} at call ${at}, ${faulty.hit()}`;
      // Of a killed process nobody hears what it would have said.
      const isExpected = fault.kind === 'crash' ? failed !== null : refusesStorage(failed);
      expect(isExpected, `${what}: ${String(failed)}`).toBe(true);
      await judge({ left, what, killed: fault.kind === 'crash' });
    }
  }
  return hits;
}

const onFiles = (files: Files) => depsOf(HOME, files);

const verify = (files: LogCopy): Promise<AuditVerifyResult> =>
  auditVerify({ target: EXPORT, fast: false, headKeys: null }, depsOf(HOME, files));

/** From the remembered checkpoint on, where there is one; the tail against the head. */
const verifyHome = (home: string): Promise<AuditVerifyResult> => {
  const since = existsSync(join(home, 'trust/logs')) ? 'remembered' : null;
  const headKeys = async () => [HEAD_KEY];
  return auditVerify({ target: null, fast: since === null, headKeys, since }, depsOf(home));
};

const bytesOf = (files: LogCopy, directory: string): Map<string, string> =>
  new Map(
    files
      .below(directory)
      .filter((path) => !path.endsWith('.tmp'))
      .sort()
      .map((path) => [path, sha256Hex(files.bytes(path))]),
  );

/** A partial tile or bundle whose full one stands. */
const isNarrower = (files: LogCopy, path: string): boolean => {
  const [full] = path.split('.p/');
  return full !== path && files.has(full!);
};

describe('a segment that becomes full', () => {
  it('is followed by the next one, whatever call ends the process', async () => {
    const root = scratch();
    const base = logs.get(N - 2)!.writeTo(join(root, 'base'));
    // Remembered: only what follows is read again below.
    expect((await verifyHome(base.directory)).remembered).toBe(true);
    /** A copy whose files that grow are its own. */
    const start = (): DiskLog => {
      rmSync(join(root, 'home'), { recursive: true, force: true });
      const home = base.copyTo(join(root, 'home'));
      for (const name of ['segments/000000.jsonl', 'head', 'checkpoints.jsonl']) {
        home.put(`${EPOCH}/${name}`, base.bytes(`${EPOCH}/${name}`));
      }
      return home;
    };
    const audit = join(root, 'home/audit');
    let acknowledged = 0;
    /** From the last record of the first segment to the head that covers the second. */
    const work = async (files: Files, calls: () => number): Promise<readonly [number, number]> => {
      acknowledged = 0;
      const log = await reopenLog(audit, auditDeps(files, testClock(600_000)));
      try {
        acknowledged = (await log.append([signDraft(0)])).at(-1)!.seq + 1;
        const from = calls();
        acknowledged = (await log.append([signDraft(1), signDraft(2)])).at(-1)!.seq + 1;
        const to = calls();
        await log.append(await closing(log, 1));
        return [from, to];
      } finally {
        log.close();
      }
    };
    const ends = new Set<number>();
    const hits = await atEveryCall(
      { start, of: () => nodeFiles(), faults: FAULTS_OF_ORDER },
      work,
      async ({ left, what }) => {
        const promised = acknowledged;
        const log = await reopenLog(audit, auditDeps(nodeFiles(), testClock(1_200_000)));
        expect(log.size, what).toBeGreaterThanOrEqual(promised);
        ends.add(log.size);
        const [record] = await log.append([signDraft(9)]);
        expect(record!.seq, what).toBe(log.size - 1);
        const { size } = log;
        log.close();
        const result = await verifyHome(left.directory);
        expect(result, `${what}: ${JSON.stringify(result.findings)}`).toMatchObject({ verdict: 'consistent' });
        expect(result.epochs[0]).toMatchObject({ covered: N - 2, records: size, torn_bytes: 0 });
        // Full to the record, and nothing of the next one in it.
        const full = Buffer.from(left.bytes(`${EPOCH}/segments/000000.jsonl`).subarray(-2000)).toString('latin1');
        if (size >= N) expect(full.split('\n').at(-2), what).toContain(`"seq":${N - 1},`);
      },
    );
    expect(hits).toBeGreaterThan(12);
    // What was not acknowledged is cut, with a gap record in its place; or the second segment stands.
    expect([...ends].toSorted((a, b) => a - b)).toEqual([N, N + 1]);
  });
});

describe('an export', () => {
  it('in tlog-tiles that grows is the old one or the new one, and the next run completes it', async () => {
    const base = logs.get(600)!.copy();
    const young = logs.get(257)!.copy();
    const request = { source: null, epoch: null, directory: EXPORT };
    await auditExportTlog(request, depsOf(HOME, young));
    base.makeDirectory(EXPORT);
    base.takeFrom(young, EXPORT);
    const whole = base.copy();
    await auditExportTlog(request, depsOf(HOME, whole));
    const covered = new Set<number>();
    const hits = await atEveryCall(
      { start: () => base.copy(), of: (log) => log, faults: FAULTS_OF_ORDER },
      async (files) => {
        await auditExportTlog(request, onFiles(files));
        return undefined;
      },
      async ({ left, what }) => {
        const result = await verify(left);
        expect(result.verdict, `${what}: ${JSON.stringify(result.findings)}`).toBe('consistent');
        covered.add(result.epochs[0]!.covered);
        await auditExportTlog(request, depsOf(HOME, left));
        // Narrower tiles that a crash behind the checkpoint leaves beside the full one do no harm.
        const made = [...bytesOf(left, EXPORT)].filter(([path]) => !isNarrower(left, path));
        expect(new Map(made), what).toEqual(bytesOf(whole, EXPORT));
      },
    );
    expect(hits).toBeGreaterThan(60);
    expect([...covered].toSorted((a, b) => a - b)).toEqual([257, 600]);
  });

  it('of the native form is none until its manifest stands, and then it is whole', async () => {
    const base = logs.get(257)!.copy();
    const request = { source: null, epoch: null, directory: EXPORT, from: null, to: null };
    const outcomes = new Set<string>();
    const hits = await atEveryCall(
      { start: () => base.copy(), of: (log) => log },
      async (files) => {
        await auditExportNative(request, onFiles(files));
        return undefined;
      },
      async ({ left, what, killed }) => {
        const isWhole = left.has(`${EXPORT}/manifest.json`);
        const verdict = await verify(left).then(
          (result) => result.verdict,
          (error: RonError) => error.code,
        );
        expect(verdict === 'consistent', `${what}: ${verdict}`).toBe(isWhole);
        outcomes.add(`${killed ? 'killed' : 'failed'} ${verdict}`);
      },
    );
    expect(hits).toBeGreaterThan(30);
    expect([...outcomes]).toEqual(expect.arrayContaining(['killed consistent', 'failed Malformed']));
  });
});
