// Readers of the audit log that take no lock and no passphrase (log page 4.8, store page 4): the newest verified checkpoint,
// and single records proved by inclusion under it from the stored tiles. Nothing that a file says counts before its proof.

import type { LogVerifier, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import type { AuditRecord } from '../audit/draft.ts';
import { leafHash } from '../audit/leaf.ts';
import { type HashReader, inclusionProof, verifyInclusion } from '../audit/proof.ts';
import { type NewerRecord, parseRecord } from '../audit/record.ts';
import { subtreeFromTiles, type TileReader } from '../audit/tile.ts';
import { fail, ownBytes, RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { newestReadableNote } from './audit-notes.ts';
import { type EpochPaths, segmentName, segmentNumber, segmentOf } from './audit-paths.ts';
import { seekLine, seqOfLine } from './audit-seek.ts';
import { readLine, type SegmentLine, segmentLines, withFile } from './audit-segment.ts';
import { cachedTileReader, tileReader } from './audit-tiles.ts';
import { lookUpSignIndex, signIndexKey } from './sign-index.ts';

/** Reads hashes of perfect subtrees of a log of `size`; Tampered when a tile is missing. */
export function hashReader(read: TileReader, size: number): HashReader {
  return (subtree) =>
    subtreeFromTiles(read, size, subtree) ??
    fail('Tampered', `a hash tile for level ${subtree.level}, index ${subtree.index} is missing`, {
      field: 'tile-missing',
    });
}

/**
 * The line of a record: sought by what the lines say of themselves, and when none says so, by counting. The place of a sought
 * line is a guess: the caller proves it by inclusion.
 */
export function readSegmentLine(files: Files, paths: EpochPaths, seq: number): SegmentLine | null {
  const number = segmentOf(seq);
  return withFile(files, paths.segment(number), (file) => {
    if (file === null) return null;
    const first = number * LIMITS.auditSegmentRecords;
    const { found } = seekLine(file, seq, seqOfLine);
    if (found !== null && parsedSeq(found.line) === seq) return { ...found, complete: true };
    return readLine(file, seq - first);
  });
}

function parsedSeq(line: Uint8Array): number | null {
  try {
    return parseRecord(line, 'record').seq;
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

/** A segment that an `archive` record names: it may lie elsewhere, with this content. */
export interface ArchivedSegment {
  readonly n: number;
  readonly bytes: number;
  /** Lower hex. */
  readonly sha256: string;
  /** Seq of the record. */
  readonly by: number;
}

const ARCHIVE_OP = Buffer.from('"op":"archive"');

/**
 * Segments that were archived, by number, as `archive` records in the segments that are here say, each proved under the
 * checkpoint. Attack: who deletes a segment calls it archived; the range is a record, so it cannot.
 */
export function archivedSegments(
  files: Files,
  paths: EpochPaths,
  checkpoint: Pick<VerifiedCheckpoint, 'size' | 'root'>,
): ReadonlyMap<number, ArchivedSegment> {
  const found = new Map<number, ArchivedSegment>();
  const seqs: number[] = [];
  for (const name of files.list(paths.segments)) {
    const number = segmentNumber(name);
    if (number === null) continue;
    withFile(files, paths.segment(number), (file) => {
      let seq = number * LIMITS.auditSegmentRecords;
      for (const { line, complete } of file === null ? [] : segmentLines(file)) {
        const view = Buffer.from(line.buffer, line.byteOffset, line.byteLength);
        if (complete && seq < checkpoint.size && view.includes(ARCHIVE_OP)) seqs.push(seq);
        seq++;
      }
    });
  }
  for (const seq of seqs) {
    const { record } = provenRecord(files, paths, checkpoint, seq);
    if ('newer' in record || record.op !== 'archive' || record.result !== 'ok') continue;
    const segments = record.detail?.['segments'] as unknown as readonly Omit<ArchivedSegment, 'by'>[];
    for (const one of segments) found.set(one.n, { ...one, by: seq });
  }
  return found;
}

/** Inconclusive (11, `archived`) for a record whose segment was archived, else Tampered: it must be here. */
function notHere(
  files: Files,
  paths: EpochPaths,
  checkpoint: Pick<VerifiedCheckpoint, 'size' | 'root'>,
  seq: number,
): never {
  const of = segmentOf(seq);
  const archived =
    files.info(paths.segment(of)) === null ? archivedSegments(files, paths, checkpoint).get(of) : undefined;
  if (archived !== undefined) {
    throw new RonError('Inconclusive', `record ${seq} is in segment ${of}, which record ${archived.by} archived`, {
      field: 'archived',
      hint: `Look in the archive for ${segmentName(of)} with the SHA-256 ${archived.sha256}.`,
    });
  }
  return fail('Tampered', `record ${seq} is missing below the checkpoint of size ${checkpoint.size}`, {
    field: 'missing-records',
  });
}

export interface ProvenRecord {
  readonly record: AuditRecord | NewerRecord;
  readonly line: Uint8Array;
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** The record at `seq`, proved by inclusion under a verified checkpoint. Throws Tampered; InvalidValue beyond the size. */
export function provenRecord(
  files: Files,
  paths: EpochPaths,
  checkpoint: Pick<VerifiedCheckpoint, 'size' | 'root'>,
  seq: number,
  tiles: TileReader = cachedTileReader(tileReader(files, paths)),
): ProvenRecord {
  if (seq < 0 || seq >= checkpoint.size) {
    throw new RonError('InvalidValue', `record ${seq} is not covered by the checkpoint of size ${checkpoint.size}`);
  }
  const found = readSegmentLine(files, paths, seq);
  if (found === null) return notHere(files, paths, checkpoint, seq);
  const leaf = leafHash(found.line);
  const proof = inclusionProof(seq, checkpoint.size, hashReader(tiles, checkpoint.size));
  if (!verifyInclusion(seq, checkpoint.size, leaf, proof, checkpoint.root)) {
    return fail('Tampered', `record ${seq} is not the one under the checkpoint of size ${checkpoint.size}`, {
      field: 'leaf-mismatch',
    });
  }
  return { record: parseRecord(found.line, `record ${seq}`), line: found.line, leaf, proof };
}

/** The newest checkpoint of an epoch, with both log signatures; null when there is none. Throws Tampered. */
export function newestVerifiedCheckpoint(
  files: Files,
  paths: EpochPaths,
  verifier: LogVerifier,
): VerifiedCheckpoint | null {
  return newestReadableNote(files, paths, verifier);
}

/** A record that this version knows; NewerVersion otherwise. */
export function knownRecord(record: AuditRecord | NewerRecord): AuditRecord {
  if (!('newer' in record)) return record;
  throw new RonError('NewerVersion', `record ${record.seq} (${record.op}) was written by a newer ronctl`);
}

/** Records from seq `from` up to `size`, as they stand; unproved. Throws Tampered for a missing or malformed one. */
export function* storedRecords(
  files: Files,
  paths: EpochPaths,
  from: number,
  size: number,
): Generator<{ readonly record: AuditRecord | NewerRecord; readonly line: Uint8Array; readonly seq: number }> {
  for (let seq = from; seq < size; ) {
    const path = paths.segment(segmentOf(seq));
    if (files.info(path) === null) return fail('Tampered', `${path} is missing`, { field: 'missing-records' });
    const file = files.open(path, 'read');
    try {
      let number = segmentOf(seq) * LIMITS.auditSegmentRecords;
      for (const { line, complete } of segmentLines(file)) {
        if (!complete || seq >= size) break;
        if (number++ < seq) continue;
        yield { record: ownBytes(() => parseRecord(line, `record ${seq}`)), line, seq };
        seq++;
      }
    } finally {
      file.close();
    }
    if (seq < size && seq % LIMITS.auditSegmentRecords !== 0) {
      return fail('Tampered', `${path} ends before record ${seq}`, { field: 'truncated' });
    }
  }
  return undefined;
}

/** The same of the segments that are here. */
export function* presentRecords(
  files: Files,
  paths: EpochPaths,
  size: number,
): Generator<{ readonly record: AuditRecord | NewerRecord; readonly line: Uint8Array; readonly seq: number }> {
  for (let first = 0; first < size; first += LIMITS.auditSegmentRecords) {
    if (files.info(paths.segment(segmentOf(first))) === null) continue;
    yield* storedRecords(files, paths, first, Math.min(size, first + LIMITS.auditSegmentRecords));
  }
}

/**
 * The proven ok `sign` records for (kid with version, input_hash) below `checkpoint`, in order of seq. Indexes of full
 * segments are hints: a named record that is something else is passed over, and a missing or odd index means reading the
 * segment.
 */
export function* provenSignRecords(
  files: Files,
  paths: EpochPaths,
  checkpoint: Pick<VerifiedCheckpoint, 'size' | 'root'>,
  kid: string,
  inputHash: string,
  from = 0,
): Generator<ProvenRecord> {
  const tiles = cachedTileReader(tileReader(files, paths));
  const key = signIndexKey(kid, inputHash);
  const matches = (record: AuditRecord | NewerRecord): boolean =>
    !('newer' in record) &&
    record.op === 'sign' &&
    record.result === 'ok' &&
    record.kid === kid &&
    record.input_hash === inputHash;
  for (let n = segmentOf(from); n * LIMITS.auditSegmentRecords < checkpoint.size; n++) {
    const first = n * LIMITS.auditSegmentRecords;
    const end = Math.min(checkpoint.size, first + LIMITS.auditSegmentRecords);
    const full = end - first === LIMITS.auditSegmentRecords;
    let named = full ? lookUpSignIndex(files, paths, n, key) : null;
    if (named?.some((seq) => seq < first || seq >= end)) named = null;
    if (named === null || named.length === 0) {
      // An index that was emptied must not hide a record: an absent answer is looked for in the segment itself.
      named = [];
      for (const { record, seq } of storedRecords(files, paths, first, end)) if (matches(record)) named.push(seq);
    }
    for (const seq of named) {
      const proven = provenRecord(files, paths, checkpoint, seq, tiles);
      if (matches(proven.record)) yield proven;
    }
  }
}
