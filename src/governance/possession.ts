// Proof of possession (governance page 2): gov.possession.v1 {ledger_id, proposal_digest, member: {id, role, keys}}, signed
// by the new keys. It must be in the ledger before the intent of a signer-set change, for each member or auditor with new
// keys. It is never a vote.

import { canonicalBytes } from '../bytes/canonical-json.ts';
import { type Decoder, decodeCanonical, literal, object, sha256Digest } from '../bytes/decode.ts';
import type { Envelope } from '../envelope/dsse.ts';
import { demandType } from '../envelope/h.ts';
import {
  AUDITOR_ROLE,
  ledgerId,
  POSSESSION_TYPE,
  type PublicKeys,
  publicKeys,
  SIGNING_ROLES,
  signerId,
} from './names.ts';

export interface Possession {
  readonly ledger_id: string;
  readonly proposal_digest: string;
  readonly member: { readonly id: string; readonly role: string; readonly keys: PublicKeys };
}

const shape: Decoder<Possession> = object({
  ledger_id: ledgerId,
  proposal_digest: sha256Digest,
  member: object({ id: signerId, role: literal(...SIGNING_ROLES, AUDITOR_ROLE), keys: publicKeys }),
});

export function buildPossession(possession: Possession): { payloadType: string; payload: Uint8Array } {
  return { payloadType: POSSESSION_TYPE, payload: canonicalBytes(possession) };
}

/** Form only; the signatures are checked against `member.keys` by the caller. */
export function parsePossession(envelope: Envelope): Possession {
  demandType(envelope.payloadType, POSSESSION_TYPE);
  return decodeCanonical(shape, envelope.payload, 'possession');
}
