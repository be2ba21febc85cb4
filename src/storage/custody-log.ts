// Reading the custody store's own log, whose head was checked at open: single records, stretches, and the newest record of
// an operation id (the log is the idempotency store, R-31).

import { createLogVerifier } from '../audit/checkpoint.ts';
import type { AuditRecord } from '../audit/draft.ts';
import { parseRecord } from '../audit/record.ts';
import { ownBytes, RonError } from '../errors.ts';
import type { Files, OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { requireLogFile } from './audit-log-file.ts';
import { type EpochPaths, epochPaths, segmentOf } from './audit-paths.ts';
import { findLine, segmentLines, withFile } from './audit-segment.ts';
import { knownRecord, newestVerifiedCheckpoint, provenRecord, readSegmentLine, storedRecords } from './audit-store.ts';
import type { StoreContext } from './store-deps.ts';

export function recordAt(files: Files, epoch: EpochPaths, seq: number, size: number): AuditRecord {
  if (seq < 0 || seq >= size) throw new RonError('NotFound', `the log has no record ${seq}; it has ${size}`);
  const found = readSegmentLine(files, epoch, seq);
  if (found === null) {
    throw new RonError('Tampered', `record ${seq} of the audit log is missing`, { field: 'missing-records' });
  }
  return knownRecord(ownBytes(() => parseRecord(found.line, `record ${seq}`)));
}

export function* recordsFrom(files: Files, epoch: EpochPaths, from: number, size: number): Generator<AuditRecord> {
  for (const { record } of storedRecords(files, epoch, from, size)) yield knownRecord(record);
}

/**
 * The record that stands at `record.seq` must be this one, and under the newest checkpoint it must be the one that was
 * signed: an open checks only what lies behind it. Attack: an old record is rewritten under the op_id of a plan, and its
 * effect is taken as done.
 */
export function demandInPlace(
  files: Files,
  epoch: EpochPaths,
  record: AuditRecord,
  at: { readonly size: number; readonly checkpoint: { readonly size: number; readonly root: Uint8Array } | null },
): void {
  const isSigned = at.checkpoint !== null && record.seq < at.checkpoint.size;
  const stands = isSigned
    ? knownRecord(provenRecord(files, epoch, at.checkpoint, record.seq).record)
    : recordAt(files, epoch, record.seq, at.size);
  if (stands.op_id === record.op_id && stands.op === record.op) return;
  throw new RonError('Tampered', `a record of the audit log says that it is record ${record.seq}, and is not`, {
    field: 'record-invalid',
  });
}

/** The same in the epochs before `origin`, newest first, up to the newest checkpoint of each: what lies behind is unsigned. */
export function findEarlier(
  ctx: Pick<StoreContext, 'files' | 'crypto'>,
  auditDir: string,
  origin: string,
  opId: string,
  accept: (record: AuditRecord) => boolean,
): { readonly record: AuditRecord; readonly origin: string } | null {
  const log = requireLogFile(ctx.files, auditDir);
  for (const epoch of log.epochs.filter((one) => one.origin !== origin).reverse()) {
    const paths = epochPaths(auditDir, epoch.n);
    const local = { origin: epoch.origin, keys: epoch.keys, serviceKeys: log.serviceKeys, trust: 'local' } as const;
    const checkpoint = newestVerifiedCheckpoint(ctx.files, paths, createLogVerifier(local, ctx.crypto));
    const size = checkpoint?.size ?? 0;
    const record = findOperation(ctx.files, paths, size, opId, 0, accept);
    if (record === null) continue;
    demandInPlace(ctx.files, paths, record, { size, checkpoint });
    return { record, origin: epoch.origin };
  }
  return null;
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
  accept: (record: AuditRecord) => boolean = () => true,
): AuditRecord | null {
  const needle = Buffer.from(`"op_id":"${opId}"`);
  for (let segment = size === 0 ? -1 : segmentOf(size - 1); segment >= segmentOf(from); segment--) {
    const found = withFile(files, epoch.segment(segment), (file) =>
      file === null
        ? null
        : newestIn(file, needle, (record) => record.op_id === opId && record.seq < size && accept(record)),
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
      const record = knownRecord(ownBytes(() => parseRecord(line, 'audit record')));
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
