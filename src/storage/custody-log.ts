// Reading the custody store's own log, whose head was checked at open: single records, stretches, and the newest record of
// an operation id (the log is the idempotency store, R-31).

import type { AuditRecord } from '../audit/draft.ts';
import { parseRecord } from '../audit/record.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { recordsBackwards } from './audit-lines.ts';
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

/** The newest record with this operation id, looking back to seq `from`. */
export function findOperation(
  files: Files,
  epoch: EpochPaths,
  size: number,
  opId: string,
  from: number,
): AuditRecord | null {
  for (const record of recordsBackwards(files, epoch, size)) {
    if (record.seq < from) return null;
    if (record.op_id === opId) return record;
  }
  return null;
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
