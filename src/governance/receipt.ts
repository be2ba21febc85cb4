// The receipt of an execution (governance page 8): gov.execution.v1
//   {ledger_id, proposal_digest, statements, state_before, state_after, effects: [{n, effect, op_id, index}], executed_by,
//    judged_at, audit: {origin, index}}
// signed by the service keys. It is a function of the intent and of the audit records only, so that a recovery makes the
// same receipt digest again. The record `governance.execute` carries it without `audit`.

import { canonicalBytes, type JsonObject } from '../bytes/canonical-json.ts';
import { array, type Decoder, decodeCanonical, integer, object, sha256Digest, string } from '../bytes/decode.ts';
import type { Crypto } from '../crypto/provider.ts';
import { type Envelope, envelopeDigest } from '../envelope/dsse.ts';
import { demandType } from '../envelope/h.ts';
import type { Moment } from '../host.ts';
import { type Intent, MAX_EFFECTS, moment } from './ledger.ts';
import { EXECUTION_TYPE, ledgerId, type PublicKeys } from './names.ts';
import { demandSignatures } from './signatures.ts';

export interface ReceiptEffect {
  readonly n: number;
  readonly effect: string;
  readonly op_id: string;
  /** Seq of the audit record that committed it. */
  readonly index: number;
}

export interface ReceiptCore {
  readonly ledger_id: string;
  readonly proposal_digest: string;
  readonly statements: readonly string[];
  /** H of V(scope) before and after. */
  readonly state_before: string;
  readonly state_after: string;
  readonly effects: readonly ReceiptEffect[];
  readonly executed_by: string;
  readonly judged_at: Moment;
}

export interface Receipt extends ReceiptCore {
  readonly audit: { readonly origin: string; readonly index: number };
}

const effects = array(
  object({
    n: integer(0, MAX_EFFECTS),
    effect: string({ maxBytes: 32 }),
    op_id: string({ maxBytes: 36 }),
    index: integer(0),
  }),
  MAX_EFFECTS,
  1,
);

const core = {
  ledger_id: ledgerId,
  proposal_digest: sha256Digest,
  statements: array(sha256Digest, 32, 1),
  state_before: sha256Digest,
  state_after: sha256Digest,
  effects,
  executed_by: string({ maxBytes: 256 }),
  judged_at: moment,
};

const shape: Decoder<Receipt> = object({
  ...core,
  audit: object({ origin: string({ maxBytes: 255 }), index: integer(0) }),
});

/** Decodes `detail.receipt` of a `governance.execute` record. */
export const receiptCore: Decoder<ReceiptCore> = object(core);

export function coreOf(
  intent: Intent,
  facts: {
    readonly ledgerId: string;
    readonly stateBefore: string;
    readonly stateAfter: string;
    /** Seq of the record of each planned effect, in order. */
    readonly indexes: readonly number[];
    readonly executedBy: string;
  },
): ReceiptCore {
  return {
    ledger_id: facts.ledgerId,
    proposal_digest: intent.proposal_digest,
    statements: intent.statements,
    state_before: facts.stateBefore,
    state_after: facts.stateAfter,
    effects: intent.plan.map((one, n) => ({ ...one, index: facts.indexes[n]! })),
    executed_by: facts.executedBy,
    judged_at: intent.judged_at,
  };
}

export function buildReceipt(receipt: Receipt): { readonly payloadType: string; readonly payload: Uint8Array } {
  return { payloadType: EXECUTION_TYPE, payload: canonicalBytes(receipt) };
}

/** `detail` of the record `governance.execute`. */
export function executionDetail(receipt: ReceiptCore): JsonObject {
  return {
    proposal_digest: receipt.proposal_digest,
    statements: receipt.statements,
    state_before: receipt.state_before,
    state_after: receipt.state_after,
    receipt: receipt as unknown as JsonObject,
  };
}

/** Form only. */
export function parseReceipt(envelope: Envelope): Receipt {
  demandType(envelope.payloadType, EXECUTION_TYPE);
  return decodeCanonical(shape, envelope.payload, 'receipt');
}

export function verifyReceipt(
  crypto: Crypto,
  envelope: Envelope,
  service: PublicKeys,
): { readonly receipt: Receipt; readonly digest: string } {
  const receipt = parseReceipt(envelope);
  demandSignatures(crypto, envelope, [{ id: 'service', keys: service }], 'receipt');
  return { receipt, digest: envelopeDigest(envelope) };
}
