// Dispute (governance page 8): gov.dispute.v1 {ledger_id, refs: [{index, leaf}], claimant, text_sha256, at}, signed by a member,
// by the auditor of the set in force, or by the service. An annotation: the ledger line is all it does; records that it names
// are shown as disputed, and no vote, key or signature changes. The leaf names the record, whatever epoch it is of; the text
// stays with the claimant, only its digest is signed.

import { canonicalBytes } from '../bytes/canonical-json.ts';
import {
  array,
  type Decoder,
  decodeCanonical,
  hex64,
  integer,
  object,
  sha256Digest,
  string,
  time,
} from '../bytes/decode.ts';
import { fromTime } from '../bytes/time.ts';
import type { Crypto } from '../crypto/provider.ts';
import { type Envelope, envelopeDigest } from '../envelope/dsse.ts';
import { demandType } from '../envelope/h.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { DISPUTE_TYPE, ledgerId, shortName } from './names.ts';
import type { Governed } from './outcome.ts';
import { demandSignatures, type Identity } from './signatures.ts';

const SKEW_MS = 5 * 60_000;

export interface DisputedRecord {
  readonly index: number;
  /** Lower hex. */
  readonly leaf: string;
}

export interface Dispute {
  readonly ledger_id: string;
  readonly refs: readonly DisputedRecord[];
  /** Id of a member or of the auditor, or `service`. */
  readonly claimant: string;
  readonly text_sha256: string;
  readonly at: string;
}

/** As the ledger has it. */
export interface FiledDispute extends Dispute {
  readonly digest: string;
  /** Of its line. */
  readonly seq: number;
}

export const disputedRecord: Decoder<DisputedRecord> = object({ index: integer(0), leaf: hex64 });
export const disputeRefs = array(disputedRecord, LIMITS.disputeRefs, 1);
export const claimant = string({ pattern: /^[a-z0-9][a-z0-9._-]{0,63}$/, what: 'a signer id, or service' });

const shape: Decoder<Dispute> = object({
  ledger_id: ledgerId,
  refs: disputeRefs,
  claimant,
  text_sha256: sha256Digest,
  at: time,
});

/** Readable id, from the digest of the payload. */
export const disputeId = (digest: string): string => `gd-${shortName(digest)}`;

export function buildDispute(dispute: Dispute): { payloadType: string; payload: Uint8Array } {
  return { payloadType: DISPUTE_TYPE, payload: canonicalBytes(dispute) };
}

/** Form only. Throws Malformed, also for a record that is named twice. */
export function parseDispute(envelope: Envelope): Dispute {
  demandType(envelope.payloadType, DISPUTE_TYPE);
  const dispute = decodeCanonical(shape, envelope.payload, 'dispute');
  const leaves = new Set(dispute.refs.map((one) => one.leaf));
  if (leaves.size === dispute.refs.length) return dispute;
  throw new RonError('Malformed', 'dispute: a record is named twice', { field: 'refs' });
}

/** Who may file one now: null for anybody else. */
export function claimantOf(
  { governed }: { readonly governed: Pick<Governed, 'set' | 'serviceKeys'> },
  id: string,
): Identity | null {
  if (id === 'service') return { id, keys: governed.serviceKeys };
  const { members, auditor } = governed.set;
  return [...members, ...(auditor === null ? [] : [auditor])].find((one) => one.id === id) ?? null;
}

/** Judges one before its line. Throws Conflict, PolicyRefused, TooLate, LimitReached, Malformed, VerificationFailed. */
export function admitDispute(
  state: { readonly ledgerId: string; readonly governed: Governed; readonly disputes: readonly FiledDispute[] },
  envelope: Envelope,
  ts: string,
  crypto: Crypto,
): Omit<FiledDispute, 'seq'> {
  const dispute = parseDispute(envelope);
  const digest = envelopeDigest(envelope);
  if (dispute.ledger_id !== state.ledgerId) {
    throw new RonError('Conflict', `the dispute is for ledger ${dispute.ledger_id}, this is ${state.ledgerId}`, {
      field: 'ledger_id',
    });
  }
  const by = claimantOf(state, dispute.claimant);
  if (by === null) {
    throw new RonError('PolicyRefused', `${dispute.claimant} is neither a member nor the auditor of this ledger`, {
      field: 'claimant',
    });
  }
  demandSignatures(crypto, envelope, [by], 'dispute');
  if (fromTime(dispute.at) > fromTime(ts) + SKEW_MS) {
    throw new RonError('TooLate', `at ${dispute.at} is in the future of ${ts}`, { field: 'at' });
  }
  if (state.disputes.some((one) => one.digest === digest)) {
    throw new RonError('Conflict', `${disputeId(digest)} is already in the ledger`);
  }
  const own = state.disputes.filter((one) => one.claimant === dispute.claimant).length;
  if (own >= LIMITS.disputesPerClaimant) {
    throw new RonError('LimitReached', `${dispute.claimant} has filed ${own} disputes, the limit`, {
      field: 'claimant',
    });
  }
  return { ...dispute, digest };
}

/** Disputes that name this record, oldest first. */
export function disputesOf(
  disputes: readonly FiledDispute[],
  { index, leaf }: DisputedRecord,
): readonly FiledDispute[] {
  return disputes.filter((one) => one.refs.some((ref) => ref.leaf === leaf && ref.index === index));
}
