// `audit show INDEX`: one record with its exact line, leaf hash, inclusion proof and checkpoint, as an auditor needs them.

import { fromUtf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import { provenRecord, readSegmentLine } from '../../storage/audit-store.ts';
import { type CheckpointSummary, checkpointSummary } from './checkpoint-summary.ts';
import { type DisputeSummary, isDisputed, readDisputes } from './disputed.ts';
import { type LogHead, logHead, type ShownRecord, showRecord } from './head.ts';
import type { AuditDeps } from './target.ts';

export interface AuditShowResult extends ShownRecord {
  /** Null, as the list, when the ledger cannot be read here. */
  readonly disputed: boolean | null;
  readonly disputes: readonly DisputeSummary[] | null;
  readonly origin: string;
  readonly epoch: number;
  readonly trust: LogHead['trust'];
  /** Exact bytes of the line, without LF. */
  readonly line: string;
  readonly checkpoint: CheckpointSummary | null;
  /** Inclusion proof under it, from the leaf upwards; lower hex. */
  readonly proof: readonly string[];
}

export async function auditShow(
  request: { readonly index: number; readonly epoch: number | null },
  deps: AuditDeps,
): Promise<AuditShowResult> {
  const { index } = request;
  const head = await logHead(deps, request.epoch);
  const found = readSegmentLine(head.files, head.paths, index);
  if (found === null) {
    const covered = head.checkpoint?.size ?? 0;
    // Archived, or gone: the proof says which.
    if (index < covered) provenRecord(head.files, head.paths, head.checkpoint!, index);
    throw new RonError('NotFound', `the log has no record ${index}`, {
      field: 'INDEX',
      hint: 'See `ronctl audit log`.',
    });
  }
  const { shown, proof } = showRecord(head, index, found.line);
  const disputes = (await readDisputes(deps)).of(shown);
  return {
    ...shown,
    disputed: isDisputed(disputes),
    disputes,
    origin: head.origin,
    epoch: head.epoch,
    trust: head.trust,
    line: fromUtf8(found.line)!,
    checkpoint: head.checkpoint === null ? null : checkpointSummary(head.checkpoint),
    proof,
  };
}
