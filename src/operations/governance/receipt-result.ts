// A receipt as results show it.

import type { Receipt } from '../../governance/receipt.ts';
import type { ExecutionResult } from '../../kms/service/governance-execute.ts';

export interface ReceiptResult {
  readonly id: string;
  /** Null in a dry run: nothing was executed. */
  readonly receipt: {
    readonly digest: string;
    readonly proposal_digest: string;
    readonly statements: readonly string[];
    readonly state_before: string;
    readonly state_after: string;
    readonly effects: Receipt['effects'];
    readonly executed_by: string;
    readonly judged_at: string;
    readonly audit: Receipt['audit'];
  } | null;
}

export function receiptResult(id: string, done: ExecutionResult | null): ReceiptResult {
  if (done === null) return { id, receipt: null };
  const { receipt, receiptDigest } = done;
  return {
    id,
    receipt: {
      digest: receiptDigest,
      proposal_digest: receipt.proposal_digest,
      statements: receipt.statements,
      state_before: receipt.state_before,
      state_after: receipt.state_after,
      effects: receipt.effects,
      executed_by: receipt.executed_by,
      judged_at: receipt.judged_at.wall,
      audit: receipt.audit,
    },
  };
}
