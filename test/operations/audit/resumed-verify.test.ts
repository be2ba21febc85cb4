// An interrupted `audit verify` of a large log goes on where it was, and is not fooled: whatever was changed meanwhile, in the
// log, in its tiles or in what is kept, the answer is that of a run from the start.

import { beforeAll, describe, expect, it } from 'vitest';
import type { SegmentReport } from '../../../src/audit/scan.ts';
import { toHex } from '../../../src/bytes/hex.ts';
import { utf8 } from '../../../src/bytes/text.ts';
import { nodeHost } from '../../../src/cli/node-host.ts';
import { hmacSha256, sha256Hex } from '../../../src/crypto/hash.ts';
import { nativeCrypto } from '../../../src/crypto/native.ts';
import type { ProgressEvent, Workers } from '../../../src/host.ts';
import { auditVerify } from '../../../src/operations/audit/verify.ts';
import type { AuditVerifyResult } from '../../../src/operations/audit/verify-result.ts';
import { scanSegments } from '../../../src/storage/audit-scan.ts';
import { homePaths } from '../../../src/storage/home.ts';
import { testClock } from '../../support/audit.ts';
import { expectData } from '../../support/data-schema.ts';
import { EPOCH, HOME, type LogCopy, logsOfSizes } from '../../support/log-copies.ts';

const SIZE = 132_000;
const KEPT = homePaths(HOME).verifying;
const SESSION = '/run/user/1000';
const GROWN = SIZE + 300;
let log: LogCopy;
let grown: LogCopy;

class Interrupted extends Error {}

/** `stopAfter`: bytes of progress after which the run is cut off, as by a signal. */
async function verify(
  files: LogCopy,
  stopAfter = Number.POSITIVE_INFINITY,
  fast = false,
  session = SESSION,
): Promise<AuditVerifyResult> {
  const clock = { ...testClock(), now: () => Date.parse('2026-11-20T10:00:00.000Z') };
  const workers: Workers = {
    parallelism: 1,
    prepare: () => undefined,
    run: () => Promise.reject(new Error('no worker here')),
  };
  const onProgress = ({ done }: ProgressEvent): void => {
    if (done >= stopAfter) throw new Interrupted();
  };
  const host = { ...nodeHost(), clock, files, workers, env: { ...nodeHost().env, get: () => session } };
  const deps = { host, home: HOME, crypto: async () => nativeCrypto(), onProgress };
  const result = await auditVerify({ target: null, fast, headKeys: null, resumable: true }, deps);
  expectData('audit/verify', result);
  return result;
}

/** A run that is cut off behind its second segment. */
async function interrupted(files: LogCopy, fast = false): Promise<void> {
  const bytes = files.bytes(`${EPOCH}/segments/000000.jsonl`).length;
  await expect(verify(files, bytes + 1, fast)).rejects.toThrow(Interrupted);
}

const kept = (files: LogCopy): string[] => files.below(KEPT);
const segment = (n: number): string => `${EPOCH}/segments/00000${n}.jsonl`;

function flip(files: LogCopy, path: string, at: number): void {
  const bytes = files.bytes(path).slice();
  bytes[at]! ^= 1;
  files.put(path, bytes);
}

beforeAll(async () => {
  const made = await logsOfSizes([SIZE, GROWN], 20_000);
  [log, grown] = [made.get(SIZE)!, made.get(GROWN)!];
  for (const one of [log, grown]) one.makeDirectory(SESSION);
});

describe('an interrupted run', () => {
  it('keeps what it did, and the next one takes it over and removes it', async () => {
    const files = log.copy();
    await interrupted(files);
    expect(kept(files)).toHaveLength(2);
    const result = await verify(files);
    expect(result).toMatchObject({ verdict: 'consistent', resumed_segments: 2, findings: [] });
    expect(kept(files)).toEqual([]);
    const again = await verify(files);
    expect(again.resumed_segments).toBeUndefined();
    const { epochs, resumed_segments: _, ...rest } = result;
    expect({ ...again, epochs: [] }).toEqual({ ...rest, epochs: [] });
    expect(again.epochs[0]).toMatchObject({ records: epochs[0]!.records, checkpoint: epochs[0]!.checkpoint });
  });

  it('finds what was changed while nobody looked, with the index of a run from the start', async () => {
    const changes: readonly [string, (files: LogCopy) => void][] = [
      ['a record in a segment that was done', (files) => flip(files, segment(0), 5000)],
      ['one far behind', (files) => flip(files, segment(1), 20_000_000)],
      ['a record in one that was not', (files) => flip(files, segment(2), 700)],
      ['a tile of leaves', (files) => flip(files, `${EPOCH}/tile/0/010`, 33)],
      ['a tile above', (files) => flip(files, `${EPOCH}/tile/1/001`, 33)],
      ['a tile is gone', (files) => files.drop(`${EPOCH}/tile/0/011`)],
      ['a segment is gone', (files) => files.drop(segment(1))],
      ['a segment is another', (files) => files.put(segment(1), files.bytes(segment(0)))],
      [
        'a line is appended',
        (files) => files.put(segment(0), Buffer.concat([files.bytes(segment(0)), Buffer.from('{}\n')])),
      ],
    ];
    for (const [name, change] of changes) {
      const files = log.copy();
      await interrupted(files);
      change(files);
      const fresh = files.copy();
      fresh.drop(KEPT);
      const expected = await verify(fresh);
      const result = await verify(files);
      expect(expected.verdict, name).toBe('tampered');
      const { resumed_segments: _, ...rest } = result;
      expect(rest, name).toEqual(expected);
      expect(kept(files), name).toEqual([]);
    }
  });

  it('believes nothing that was kept for another question, or that was edited or torn', async () => {
    const files = log.copy();
    await interrupted(files, true);
    expect((await verify(files)).resumed_segments).toBeUndefined();
    for (const spoil of [
      (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1),
      (bytes: Uint8Array) => Buffer.from(Buffer.from(bytes).toString().replace('"count":65536', '"count":65535')),
      () => new Uint8Array(),
    ]) {
      const one = log.copy();
      await interrupted(one);
      for (const path of kept(one)) one.put(path, spoil(one.bytes(path)));
      const result = await verify(one);
      expect(result).toMatchObject({ verdict: 'consistent' });
      expect(result.resumed_segments).toBeUndefined();
    }
  });

  it('believes no report that somebody else made, whatever the digest in it', async () => {
    const files = log.copy();
    await interrupted(files);
    flip(files, segment(0), 5000);
    // Read as it is now, for its digest, which is no secret; the report stays that of the segment before.
    const request = {
      semantic: true,
      complete: true,
      sizes: [],
      checkpoints: [],
      start: 0,
      tiledSize: SIZE,
      digests: true,
      begun: new Int32Array(1),
    };
    const [now] = [...scanSegments(files, { ...request, directory: EPOCH, segments: [0] })];
    const path = kept(files).find((one) => one.endsWith('/0.json'))!;
    const [mac, question, report] = Buffer.from(files.bytes(path)).toString().split('\n');
    const made = report!.replace(/"digest":"[0-9a-f]{64}"/, `"digest":"${(now as SegmentReport).digest}"`);
    expect(made).not.toBe(report);
    const body = `${question}\n${made}`;
    const withKeyOfAnother = toHex(hmacSha256(new Uint8Array(32), utf8(body)));
    for (const sum of [mac!, sha256Hex(body), withKeyOfAnother]) {
      const one = files.copy();
      one.put(path, `${sum}\n${body}`);
      expect(await verify(one)).toMatchObject({ verdict: 'tampered', first_index: expect.any(Number) });
    }
  });

  it('is of its session: in another one, or without one, everything is judged again', async () => {
    const files = log.copy();
    await interrupted(files);
    files.makeDirectory('/run/user/other');
    const other = files.copy();
    expect((await verify(other, Number.POSITIVE_INFINITY, false, '/run/user/other')).resumed_segments).toBeUndefined();
    files.put(`${SESSION}/ronctl/verify.key`, new Uint8Array(31));
    expect((await verify(files)).resumed_segments).toBeUndefined();
    const nowhere = log.copy();
    nowhere.drop(SESSION);
    await expect(verify(nowhere, 1)).rejects.toThrow(Interrupted);
    expect(kept(nowhere)).toEqual([]);
  });

  it('goes on in a log that has grown since', async () => {
    const files = log.copy();
    await interrupted(files);
    const later = grown.copy();
    for (const path of [...kept(files), `${SESSION}/ronctl/verify.key`]) {
      for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
        if (!later.has(path.slice(0, at))) later.makeDirectory(path.slice(0, at));
      }
      later.put(path, files.bytes(path));
    }
    const result = await verify(later);
    expect(result).toMatchObject({ verdict: 'consistent', resumed_segments: 2, epochs: [{ records: GROWN }] });
  });
});
