// Hints of an epoch (log page 4.12): index/<n>.sign per full segment, sorted 24-byte entries of ok `sign` records,
//   SHA-256(kid#v 00 input_hash as text)[0..16] ‖ u64be seq
// and hints.json {v, size, segments:[{n, bytes, first_ts, last_ts}], proposals:{digest: seq}}. Hints only: the record is
// read, compared and proved by inclusion; a hint may only make an answer more careful.

import type { AuditRecord } from '../audit/draft.ts';
import { parseRecord } from '../audit/record.ts';
import { canonicalFile } from '../bytes/canonical-json.ts';
import { array, decodeFile, integer, literal, map, object, time } from '../bytes/decode.ts';
import { concat, readU64be, u8, u64be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256 } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, segmentOf } from './audit-paths.ts';
import { segmentLines } from './audit-segment.ts';
import { type DurableDeps, ensureDirectory, writeFile } from './durable-file.ts';

export const SIGN_ENTRY_BYTES = 24;
const KEY_BYTES = 16;
const PROPOSALS_MAX = 100_000;

/** `kid` with version, `inputHash` as in the record. */
export function signIndexKey(kid: string, inputHash: string): Uint8Array {
  return sha256(concat(utf8(kid), u8(0), utf8(inputHash))).subarray(0, KEY_BYTES);
}

/** Known records of one segment; anything else (newer, malformed) is passed over: hints judge nothing. */
function* knownRecords(files: Files, paths: EpochPaths, number: number): Generator<AuditRecord> {
  const path = paths.segment(number);
  if (files.info(path) === null) return;
  const file = files.open(path, 'read');
  try {
    for (const { line, complete } of segmentLines(file)) {
      if (!complete) return;
      const record = readKnown(line);
      if (record !== null) yield record;
    }
  } finally {
    file.close();
  }
}

function readKnown(line: Uint8Array): AuditRecord | null {
  try {
    const record = parseRecord(line, 'record');
    return 'newer' in record ? null : record;
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

/** The entries of one segment, sorted bytewise. */
export function signEntries(files: Files, paths: EpochPaths, number: number): Uint8Array {
  const entries: Buffer[] = [];
  for (const record of knownRecords(files, paths, number)) {
    if (record.op !== 'sign' || record.result !== 'ok' || record.kid === undefined || record.input_hash === undefined) {
      continue;
    }
    entries.push(Buffer.from(concat(signIndexKey(record.kid, record.input_hash), u64be(record.seq))));
  }
  entries.sort((a, b) => Buffer.compare(a, b));
  return concat(...entries);
}

export async function writeSignIndex(deps: DurableDeps, paths: EpochPaths, number: number): Promise<void> {
  ensureDirectory(deps.files, paths.index);
  await writeFile(deps, paths.signIndex(number), signEntries(deps.files, paths, number));
}

/** True when the bytes can be the index of a segment with so many ok `sign` records: whole, sorted, within it. */
export function isSignIndex(bytes: Uint8Array, signs: number, firstSeq: number): boolean {
  if (bytes.length !== signs * SIGN_ENTRY_BYTES) return false;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += SIGN_ENTRY_BYTES) {
    const next = at + SIGN_ENTRY_BYTES;
    const seq = readU64be(bytes, at + KEY_BYTES);
    if (seq === null || seq < firstSeq || seq >= firstSeq + LIMITS.auditSegmentRecords) return false;
    if (next < bytes.length && view.compare(view, next, next + SIGN_ENTRY_BYTES, at, next) >= 0) return false;
  }
  return true;
}

/** Seqs that the index of a segment names for a key; null when the index is missing or no whole entries. */
export function lookUpSignIndex(files: Files, paths: EpochPaths, number: number, key: Uint8Array): number[] | null {
  const bytes = files.read(paths.signIndex(number), LIMITS.auditSegmentRecords * SIGN_ENTRY_BYTES);
  if (bytes === null || bytes.length % SIGN_ENTRY_BYTES !== 0) return null;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let low = 0;
  let high = bytes.length / SIGN_ENTRY_BYTES;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const at = middle * SIGN_ENTRY_BYTES;
    if (Buffer.compare(view.subarray(at, at + KEY_BYTES), key) < 0) low = middle + 1;
    else high = middle;
  }
  const out: number[] = [];
  for (let at = low * SIGN_ENTRY_BYTES; at < bytes.length; at += SIGN_ENTRY_BYTES) {
    if (Buffer.compare(view.subarray(at, at + KEY_BYTES), key) !== 0) break;
    const seq = readU64be(bytes, at + KEY_BYTES);
    if (seq !== null) out.push(seq);
  }
  return out;
}

const shape = object({
  v: literal(1),
  size: integer(0),
  segments: array(object({ n: integer(0), bytes: integer(0), first_ts: time, last_ts: time }), 1_000_000),
  proposals: map(/^sha256:[0-9a-f]{64}$/, integer(0), PROPOSALS_MAX),
});

export interface Hints {
  readonly size: number;
  readonly segments: readonly {
    readonly n: number;
    readonly bytes: number;
    readonly first_ts: string;
    readonly last_ts: string;
  }[];
  /** Digest of an executed proposal to the seq of its record. */
  readonly proposals: ReadonlyMap<string, number>;
}

/** Null when the hints are missing or not readable: they never decide anything. */
export function readHints(files: Files, paths: EpochPaths): Hints | null {
  try {
    const bytes = files.read(paths.hints, LIMITS.stateFileBytes);
    return bytes === null ? null : decodeFile(shape, bytes, paths.hints);
  } catch (error) {
    if (error instanceof RonError && (error.code === 'Malformed' || error.code === 'TooLarge')) return null;
    throw error;
  }
}

/** What the hints keep of one record. */
export interface HintRecord {
  readonly seq: number;
  readonly ts: string;
  /** Digest of the proposal that this record executed. */
  readonly proposal?: string;
}

export function hintOf(record: AuditRecord): HintRecord {
  const digest = record.detail?.['proposal_digest'];
  const proposal = record.op === 'governance.execute' && typeof digest === 'string' ? { proposal: digest } : {};
  return { seq: record.seq, ts: record.ts, ...proposal };
}

/** Brings hints.json from a log of `from` records to one of `size`, or makes it anew when it does not fit. */
export async function writeHints(
  deps: DurableDeps,
  paths: EpochPaths,
  from: number,
  size: number,
  fresh: readonly HintRecord[],
): Promise<void> {
  const old = readHints(deps.files, paths);
  const known = old !== null && old.size === from && fresh[0]?.seq === from ? old : null;
  const segments = new Map(known?.segments.map((one) => [one.n, one]) ?? []);
  const proposals = new Map(known?.proposals ?? []);
  for (const { seq, ts, proposal } of known === null ? allHints(deps.files, paths) : fresh) {
    if (seq >= size) break;
    const n = segmentOf(seq);
    segments.set(n, { n, bytes: 0, first_ts: segments.get(n)?.first_ts ?? ts, last_ts: ts });
    if (proposal !== undefined) proposals.set(proposal, seq);
  }
  const listed = [...segments.values()].map((one) => ({
    ...one,
    bytes: one.bytes > 0 ? one.bytes : (deps.files.info(paths.segment(one.n))?.sizeBytes ?? 0),
  }));
  const file = { v: 1, size, segments: listed, proposals: Object.fromEntries(proposals) };
  await writeFile(deps, paths.hints, canonicalFile(file));
}

function* allHints(files: Files, paths: EpochPaths): Generator<HintRecord> {
  for (let n = 0; files.info(paths.segment(n)) !== null; n++) {
    for (const record of knownRecords(files, paths, n)) yield hintOf(record);
  }
}
