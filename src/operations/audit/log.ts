// `audit log`: records of this home's log, newest first, each proved under the newest checkpoint or shown as unsigned.

import type { JsonObject } from '../../bytes/canonical-json.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { segmentNumber, segmentOf } from '../../storage/audit-paths.ts';
import { segmentLines, withFile } from '../../storage/audit-segment.ts';
import { type ArchivedSegment, archivedSegments } from '../../storage/audit-store.ts';
import { isDisputed, readDisputes } from './disputed.ts';
import { type LogHead, logHead, type ShownRecord, showRecord } from './head.ts';
import type { AuditDeps } from './target.ts';

export interface AuditLogRequest {
  /** RFC 3339; only records from then on. */
  readonly since: string | null;
  /** Only records from this index on. */
  readonly from: number | null;
  /** At most so many, the newest. */
  readonly limit: number;
  readonly op: string | null;
  readonly tenant: string | null;
  /** With or without version. */
  readonly kid: string | null;
  readonly epoch: number | null;
}

export interface AuditLogResult {
  readonly origin: string;
  readonly epoch: number;
  readonly trust: LogHead['trust'];
  /** Size of the newest verified checkpoint. */
  readonly checkpoint_size: number | null;
  /** Whole records in the log. */
  readonly records_total: number;
  /** Of these, records that lie in an archive: they are not searched. */
  readonly archived: number;
  readonly unsigned_tail: number;
  /** Newest first. */
  readonly records: readonly (ShownRecord & { readonly disputed: boolean | null })[];
  /** Matching records that `limit` left out. */
  readonly left_out: number;
}

const memberIs = (record: JsonObject, name: string, value: string | null): boolean =>
  value === null || record[name] === value;

/** For filtering only: what is shown is proved and parsed again. A line that is no JSON is kept, and refused there. */
function matches(request: AuditLogRequest, line: Uint8Array): boolean {
  let record: JsonObject;
  try {
    record = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString()) as JsonObject;
  } catch {
    return true;
  }
  const kid = record['kid'];
  const ts = record['ts'];
  return (
    memberIs(record, 'op', request.op) &&
    memberIs(record, 'tenant', request.tenant) &&
    (request.kid === null || kid === request.kid || (typeof kid === 'string' && kid.startsWith(`${request.kid}#`))) &&
    (request.since === null || (typeof ts === 'string' && ts >= request.since))
  );
}

interface Kept {
  readonly seq: number;
  readonly line: Uint8Array;
}

export async function auditLog(request: AuditLogRequest, deps: AuditDeps): Promise<AuditLogResult> {
  const head = await logHead(deps, request.epoch);
  const { files, paths, checkpoint } = head;
  const kept: Kept[] = [];
  const filtered = [request.since, request.op, request.tenant, request.kid].some((one) => one !== null);
  let matched = 0;
  let total = 0;
  let archived: ReadonlyMap<number, ArchivedSegment> | null = null;
  const demandArchived = (seq: number): void => {
    archived ??= checkpoint === null ? new Map() : archivedSegments(files, paths, checkpoint);
    if (!archived.has(segmentOf(seq))) throw missing(seq);
    archivedCount += LIMITS.auditSegmentRecords;
  };
  let archivedCount = 0;
  const numbers = files.list(paths.segments).map(segmentNumber);
  for (const number of numbers.filter((one) => one !== null).sort((a, b) => a - b)) {
    const first = number * LIMITS.auditSegmentRecords;
    for (; total < first; total += LIMITS.auditSegmentRecords) demandArchived(total);
    withFile(files, paths.segment(number), (file) => {
      for (const { line, complete } of file === null ? [] : segmentLines(file)) {
        if (!complete) break;
        const seq = total++;
        if (request.from !== null && seq < request.from) continue;
        if (filtered && !matches(request, line)) continue;
        matched++;
        kept.push({ seq, line: line.slice() });
        if (kept.length > request.limit) kept.shift();
      }
    });
  }
  if (checkpoint !== null && total < checkpoint.size) throw missing(total);
  const disputes = await readDisputes(deps);
  const records = kept.toReversed().map(({ seq, line }) => {
    const { shown } = showRecord(head, seq, line);
    return { ...shown, disputed: isDisputed(disputes.of(shown)) };
  });
  return {
    origin: head.origin,
    epoch: head.epoch,
    trust: head.trust,
    checkpoint_size: checkpoint?.size ?? null,
    records_total: total,
    archived: archivedCount,
    unsigned_tail: Math.max(0, total - (checkpoint?.size ?? 0)),
    records,
    left_out: matched - kept.length,
  };
}

const missing = (seq: number): RonError =>
  new RonError('Tampered', `record ${seq} is missing below the newest checkpoint`, {
    field: 'missing-records',
    hint: 'Run `ronctl audit verify`.',
  });
