// `governance execute ID`: ingests, judges once, carries out, answers after its checkpoint. Executed before = the recorded
// result, `replayed: true`. Before the quorum it is QuorumPending (12) and names who is missing.

import { execute as executeIn } from '../../kms/service/governance-execute.ts';
import type { RefusedFile } from '../../kms/service/governance-ingest.ts';
import { withSession } from '../../kms/service/session.ts';
import type { OperationDeps } from '../deps.ts';
import { type ReceiptResult, receiptResult } from './receipt-result.ts';
import { demandFullId } from './target.ts';

export interface ExecuteRequest {
  readonly id: string;
  readonly confirmTime: boolean;
}

export interface ExecuteResult extends ReceiptResult {
  readonly replayed: boolean;
  readonly dry_run: boolean;
  /** Files of the inbox that were ingested before. */
  readonly ingested: number;
  readonly refused: readonly RefusedFile[];
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string } | null;
}

export async function execute(request: ExecuteRequest, deps: OperationDeps): Promise<ExecuteResult> {
  const id = demandFullId(request.id);
  const options = {
    dryRun: deps.dryRun,
    confirmTime: request.confirmTime,
    onNotice: (text: string) => deps.host.log.notice(text),
  };
  const { result, checkpoint } = await withSession(deps, options, async (session) => {
    const done = await executeIn(session.demandLedger(), id, session.actor, deps.dryRun, session.ingested?.behind);
    return {
      ...receiptResult(id, done),
      replayed: done?.replayed ?? false,
      dry_run: deps.dryRun,
      ingested: session.ingested?.ingested.length ?? 0,
      refused: session.ingested?.refused ?? [],
    };
  });
  const at = checkpoint === null ? null : { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root };
  return { ...result, checkpoint: at };
}
