// `governance execute ID`: ingests, judges once, carries out, answers after its checkpoint. Executed before = the recorded
// result, `replayed: true`. Before the quorum it is QuorumPending (12) and names who is missing.

import type { RefusedEntry } from '../../kms/admin-ports.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';
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
  readonly refused: readonly RefusedEntry[];
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string } | null;
}

export async function execute(request: ExecuteRequest, deps: OperationDeps): Promise<ExecuteResult> {
  const id = demandFullId(request.id);
  const { confirmTime } = request;
  const done = await withService(deps, { confirmTime }, ({ governance, call }) =>
    governance.execute({ id, confirmTime }, call),
  );
  const { replayed, ingested, refused, checkpoint } = done;
  return { ...receiptResult(id, done.envelope), replayed, dry_run: deps.dryRun, ingested, refused, checkpoint };
}
