// Reading the custody store's own log, whose head was checked at open: single records, stretches, and the newest record of
// an operation id (the log is the idempotency store, R-31).

import type { AuditRecord } from '../audit/draft.ts';
import { parseRecord } from '../audit/record.ts';
import { RonError } from '../errors.ts';
import type { Files, OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, segmentOf } from './audit-paths.ts';
import { findLine, segmentLines, withFile } from './audit-segment.ts';
import { knownRecord, readSegmentLine, storedRecords } from './audit-store.ts';

export function recordAt(files: Files, epoch: EpochPaths, seq: number, size: number): AuditRecord {
  if (seq < 0 || seq >= size) throw new RonError('NotFound', `the log has no record ${seq}; it has ${size}`);
  const found = readSegmentLine(files, epoch, seq);
  if (found === null) throw new RonError('Tampered', `record ${seq} of the audit log is missing`);
  return knownRecord(parseRecord(found.line, `record ${seq}`));
}

export function* recordsFrom(files: Files, epoch: EpochPaths, from: number, size: number): Generator<AuditRecord> {
  for (const { record } of storedRecords(files, epoch, from, size)) yield knownRecord(record);
}

const CHUNK_BYTES = 1024 * 1024;
const LF = 0x0a;

/**
 * The newest record with this operation id, looking back to seq `from`. Bytes are searched, not parsed: an id that is not
 * there costs one pass over the files. A hit elsewhere in a record (`detail.reqs`) is passed over.
 */
export function findOperation(
  files: Files,
  epoch: EpochPaths,
  size: number,
  opId: string,
  from: number,
): AuditRecord | null {
  const needle = Buffer.from(`"op_id":"${opId}"`);
  for (let segment = size === 0 ? -1 : segmentOf(size - 1); segment >= segmentOf(from); segment--) {
    const found = withFile(files, epoch.segment(segment), (file) =>
      file === null ? null : newestIn(file, needle, (record) => record.op_id === opId && record.seq < size),
    );
    if (found !== null) return found.seq < from ? null : found;
  }
  return null;
}

function newestIn(file: OpenFile, needle: Buffer, accept: (record: AuditRecord) => boolean): AuditRecord | null {
  const { sizeBytes } = file.info();
  for (let end = sizeBytes; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES);
    // A hit may begin in this chunk and end in the one behind it.
    const bytes = Buffer.from(file.read(start, Math.min(sizeBytes, end + needle.length - 1) - start));
    for (let at = bytes.lastIndexOf(needle); at >= 0; at = at === 0 ? -1 : bytes.lastIndexOf(needle, at - 1)) {
      const line = lineAround(file, start + at, sizeBytes);
      if (line === null) continue;
      const record = knownRecord(parseRecord(line, 'audit record'));
      if (accept(record)) return record;
    }
    end = start;
  }
  return null;
}

/** The whole line that holds a position; null for a last line without LF. */
function lineAround(file: OpenFile, position: number, sizeBytes: number): Uint8Array | null {
  const start = Math.max(0, position - LIMITS.auditLineBytes);
  const bytes = file.read(start, Math.min(sizeBytes, position + LIMITS.auditLineBytes + 1) - start);
  const first = bytes.lastIndexOf(LF, position - start) + 1;
  const last = bytes.indexOf(LF, position - start);
  return last < 0 ? null : bytes.slice(first, last);
}

/** Whole lines behind `from` in the newest segments, unsigned and not checked against the head: for readers without a key. */
export function unsignedTail(files: Files, epoch: EpochPaths, from: number): AuditRecord[] {
  const out: AuditRecord[] = [];
  for (let segment = segmentOf(from); files.info(epoch.segment(segment)) !== null; segment++) {
    const first = Math.max(0, from - segment * LIMITS.auditSegmentRecords);
    withFile(files, epoch.segment(segment), (file) => {
      const start = file === null ? null : findLine(file, first);
      if (file === null || start === null || !('offset' in start)) return;
      for (const { line, complete } of segmentLines(file, start.offset)) {
        if (complete) out.push(knownRecord(parseRecord(line, 'record behind the checkpoint')));
      }
    });
  }
  return out;
}
