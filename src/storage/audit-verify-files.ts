// What stands beside the records of an epoch, against what the scan found (log page 4.8): upper tiles, counters.json, hints,
// indexes and the head; and where in the files a finding lies. Judges only, writes nothing.

import { countersDigest, countersFile } from '../audit/counters.ts';
import type { Finding, Findings } from '../audit/findings.ts';
import type { HeadSlot } from '../audit/head.ts';
import { emptyRoot, HASH_BYTES } from '../audit/leaf.ts';
import { parseRecord } from '../audit/record.ts';
import type { SegmentReport } from '../audit/scan.ts';
import { TILE_WIDTH, tilePath, tileSubtree, tileWidth } from '../audit/tile.ts';
import type { EpochVerdict } from '../audit/verify.ts';
import { equalBytes } from '../bytes/equal.ts';
import { concat } from '../bytes/framing.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { readHints } from './audit-index.ts';
import { type EpochPaths, segmentName, segmentOf } from './audit-paths.ts';
import { findLine, withFile } from './audit-segment.ts';
import { readSegmentLine } from './audit-store.ts';
import { tileReader } from './audit-tiles.ts';
import { isSignIndex, SIGN_ENTRY_BYTES } from './sign-index.ts';

const N = LIMITS.auditSegmentRecords;

/** File and offset of a finding about a record. */
export function located(files: Files, paths: EpochPaths, finding: Finding): Finding {
  if (finding.index === undefined || finding.file !== undefined) return finding;
  const number = segmentOf(finding.index);
  const file = `segments/${segmentName(number)}`;
  const offset = withFile(files, paths.segment(number), (open) => {
    const place = open === null ? { lines: 0 } : findLine(open, finding.index! % N);
    return 'offset' in place ? place.offset : null;
  });
  return { ...finding, file, ...(offset === null ? {} : { offset }) };
}

/** Tiles of level 2 and above, whose hashes are roots of whole segments; only those that changed from `first` on. */
export function checkUpperTiles(
  files: Files,
  paths: EpochPaths,
  reports: ReadonlyMap<number, SegmentReport>,
  covered: number,
  findings: Findings,
  from: number,
): void {
  const read = tileReader(files, paths);
  let first = from;
  const whole = Math.floor(covered / N);
  let hashes = Array.from({ length: Math.max(0, whole - first) }, (_, at) => reports.get(first + at)!.all[0]!);
  for (let level = 2; hashes.length > 0; level++) {
    const above: Uint8Array[] = [];
    const count = first + hashes.length;
    const begin = Math.floor(first / TILE_WIDTH);
    for (let index = begin; index * TILE_WIDTH < count; index++) {
      const width = tileWidth(covered, level, index);
      const stored = read({ level, index, width });
      const file = tilePath({ level, index, width });
      if (stored === null) {
        findings.add('tile-missing', `hash tile ${level}/${index} is missing`, { file });
        return;
      }
      // Hashes before the first new one were not read: they stand under the root of the checkpoint that reading began at.
      const before = Math.max(0, first - index * TILE_WIDTH);
      const at = index * TILE_WIDTH + before - first;
      const fresh = hashes.slice(at, at + width - before);
      const expected = concat(stored.subarray(0, before * HASH_BYTES), ...fresh);
      if (!equalBytes(stored, expected)) {
        findings.add('tile-mismatch', `hash tile ${level}/${index} does not fit the records`, { file });
      }
      if (width === TILE_WIDTH) above.push(tileSubtree(expected, 0, 8));
    }
    first = begin;
    hashes = above;
  }
}

/** The newest `state` record names the counters of all records before it. */
export function checkState(verdict: EpochVerdict, covered: number, findings: Findings): void {
  const newest = verdict.chain?.state ?? null;
  if (newest === null || covered === 0) return;
  if (countersDigest(countersFile(newest.kids)) === newest.counters) return;
  findings.add('counter', `state record ${newest.seq} does not have the digest of the counters before it`, {
    index: newest.seq,
  });
}

/** counters.json must be that of the newest `state` record under the newest checkpoint, or of a later one. */
export function checkCounters(
  files: Files,
  paths: EpochPaths,
  verdict: EpochVerdict,
  covered: number,
  findings: Findings,
): void {
  const signed = covered === 0 ? null : signedCounters(files, paths, covered);
  const newest = verdict.chain?.state?.counters ?? null;
  if (covered === 0 || (newest === null && signed === null)) return;
  const file = files.read(paths.counters, LIMITS.stateFileBytes);
  if (file === null) {
    findings.add('counter', 'counters.json is missing', { file: 'counters.json' });
    return;
  }
  const digest = countersDigest(file);
  if (digest === newest || digest === signed || isLaterState(files, paths, verdict.records, digest)) return;
  findings.add('counter', 'counters.json does not have the digest in the newest state record', {
    file: 'counters.json',
  });
}

/** True when a writer has meanwhile added a `state` record with this digest. */
function isLaterState(files: Files, paths: EpochPaths, from: number, digest: string): boolean {
  for (let seq = from; ; seq++) {
    const line = readSegmentLine(files, paths, seq);
    if (line === null) return false;
    const record = readRecord(line.line, seq);
    if (record === null) return false;
    if (!('newer' in record) && record.op === 'state' && record.detail?.['counters'] === digest) return true;
  }
}

/** Null for a line that is no record. */
function readRecord(line: Uint8Array, seq: number): ReturnType<typeof parseRecord> | null {
  try {
    return parseRecord(line, `record ${seq}`);
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

/** Digest in the `state` record that the `manifest` record at the newest checkpoint names. */
function signedCounters(files: Files, paths: EpochPaths, covered: number): string | null {
  const detailOf = (seq: number) => {
    const line = readSegmentLine(files, paths, seq);
    const record = line === null ? null : readRecord(line.line, seq);
    return record === null || 'newer' in record ? undefined : record.detail;
  };
  const seq = detailOf(covered - 1)?.['state_seq'];
  const digest = typeof seq === 'number' ? detailOf(seq)?.['counters'] : undefined;
  return typeof digest === 'string' ? digest : null;
}

/** Indexes and hints decide nothing; a wrong one is worth a line, and the next writer makes it anew. */
export function checkHints(
  files: Files,
  paths: EpochPaths,
  records: number,
  reports: ReadonlyMap<number, SegmentReport>,
  findings: Findings,
  start: number,
): void {
  const hints = readHints(files, paths);
  if (hints === null ? files.info(paths.hints) !== null : hints.size > records) {
    findings.add('hints-wrong', 'hints.json does not fit the log', { file: 'hints.json' });
  }
  for (const { number, scan } of reports.values()) {
    // A segment that was entered in the middle was not counted from its first record on.
    if (scan.first < start) continue;
    const bytes = scan.ends === null ? null : files.read(paths.signIndex(number), N * SIGN_ENTRY_BYTES);
    if (bytes !== null && !isSignIndex(bytes, scan.signs, scan.first)) {
      findings.add('index-wrong', `the index of segment ${number} does not fit it`, { file: `index/${number}.sign` });
    }
  }
}

/** With the head key: the log must reach its head exactly; bytes beyond it were never acknowledged. */
export function checkHead(head: HeadSlot | null, verdict: EpochVerdict, findings: Findings): void {
  if (head === null) {
    findings.add('head-mismatch', 'no slot of `head` carries a valid tag', { file: 'head' });
    return;
  }
  if (verdict.records < head.size) {
    const message = `the head says ${head.size} records, ${verdict.records} are here`;
    findings.add('head-mismatch', message, { index: verdict.records });
    return;
  }
  const root = head.size === 0 ? emptyRoot() : verdict.roots.get(head.size);
  if (root === undefined || !equalBytes(root, head.root)) {
    findings.add('head-mismatch', `the ${head.size} records do not have the root in \`head\``, { file: 'head' });
  }
  const beyond = verdict.records - head.size;
  if (beyond > 0 || verdict.tornBytes > 0) {
    const message = `${beyond} records and ${verdict.tornBytes} bytes lie behind the head; the next writer cuts them`;
    findings.add('unacknowledged-tail', message, { index: head.size });
  }
}
