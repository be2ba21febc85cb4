// A receipt as results show it.

import { envelopeDigest, parseEnvelope } from '../../envelope/dsse.ts';
import { parseReceipt, type Receipt } from '../../governance/receipt.ts';

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

/** From the envelope of a receipt; null in a dry run. Signatures are for `governance verify`. */
export function receiptResult(id: string, bytes: Uint8Array | null): ReceiptResult {
  if (bytes === null) return { id, receipt: null };
  const envelope = parseEnvelope(bytes, 'the receipt');
  const receipt = parseReceipt(envelope);
  return {
    id,
    receipt: {
      digest: envelopeDigest(envelope),
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
