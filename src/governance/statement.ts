// A signed statement about one proposal (governance page 7): gov.statement.v1
//   {purpose, refs, proposal_id, proposal_digest, ledger_id, signer_set_hash, role, signer, signed_at, nonce,
//    seen: {ledger_seq, ledger_hash, checkpoint: {origin, size, root}}, comment?}
// Purpose, role, ledger and signer set are inside the signed bytes, so that a vote cannot be replayed as another purpose,
// in another role, in another ledger or under another set. `refs` is empty except for retract, which names exactly one
// vote. Refuses every unknown or missing member; the signature is judged by the caller, who knows the set.

import { canonicalBytes } from '../bytes/canonical-json.ts';
import {
  array,
  type Decoder,
  decodeCanonical,
  integer,
  literal,
  malformed,
  object,
  sha256Digest,
  string,
  time,
} from '../bytes/decode.ts';
import { isCleanText } from '../bytes/text.ts';
import type { Crypto } from '../crypto/provider.ts';
import { type Envelope, envelopeDigest } from '../envelope/dsse.ts';
import { demandType } from '../envelope/h.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import {
  AUDITOR_ROLE,
  ledgerId,
  nonce,
  proposalId,
  SIGNING_ROLES,
  type SigningRole,
  STATEMENT_TYPE,
  signerId,
} from './names.ts';
import { demandSignatures } from './signatures.ts';
import { findMember, type SignerSet } from './signer-set.ts';

export type Purpose = 'approve' | 'reject' | 'retract' | 'withdraw' | 'escalate' | 'tie-break';
const PURPOSES: readonly Purpose[] = ['approve', 'reject', 'retract', 'withdraw', 'escalate', 'tie-break'];

export interface CheckpointRef {
  readonly origin: string;
  readonly size: number;
  /** Lower hex. */
  readonly root: string;
}

/** What the signer had verified when signing; an executor behind it must refuse (ledger-behind). */
export interface Seen {
  readonly ledger_seq: number;
  readonly ledger_hash: string;
  readonly checkpoint: CheckpointRef;
}

export interface Statement {
  readonly purpose: Purpose;
  readonly refs: readonly string[];
  readonly proposal_id: string;
  readonly proposal_digest: string;
  readonly ledger_id: string;
  readonly signer_set_hash: string;
  readonly role: SigningRole | typeof AUDITOR_ROLE;
  readonly signer: string;
  readonly signed_at: string;
  readonly nonce: string;
  readonly seen: Seen;
  readonly comment?: string;
}

export const checkpointRef: Decoder<CheckpointRef> = object({
  origin: string({ maxBytes: 255 }),
  size: integer(0),
  root: string({ pattern: /^[0-9a-f]{64}$/, what: '64 lower-case hex characters' }),
});

const seen: Decoder<Seen> = object({ ledger_seq: integer(0), ledger_hash: sha256Digest, checkpoint: checkpointRef });

const shape: Decoder<Statement> = object(
  {
    purpose: literal(...PURPOSES),
    refs: array(sha256Digest, 1),
    proposal_id: proposalId,
    proposal_digest: sha256Digest,
    ledger_id: ledgerId,
    signer_set_hash: sha256Digest,
    role: literal(...SIGNING_ROLES, AUDITOR_ROLE),
    signer: signerId,
    signed_at: time,
    nonce,
    seen,
  },
  { comment: string({ maxBytes: LIMITS.commentBytes }) },
);

function check(statement: Statement): Statement {
  if (statement.purpose === 'retract' ? statement.refs.length !== 1 : statement.refs.length !== 0) {
    malformed('refs', `${statement.purpose} names ${statement.purpose === 'retract' ? 'exactly one vote' : 'nothing'}`);
  }
  if ((statement.role === AUDITOR_ROLE) !== (statement.purpose === 'tie-break')) {
    malformed('role', 'external-auditor signs tie-breaks, and nobody else does');
  }
  return statement;
}

/** Payload bytes of a new statement; a comment must be in NFC. */
export function buildStatement(statement: Statement): { readonly payloadType: string; readonly payload: Uint8Array } {
  if (statement.comment !== undefined && !isCleanText(statement.comment)) {
    throw new RonError('InvalidValue', '--comment: the text is not in Unicode normalisation form C', {
      field: '--comment',
    });
  }
  const payload = canonicalBytes(check(statement));
  decodeCanonical(shape, payload, 'statement');
  return { payloadType: STATEMENT_TYPE, payload };
}

/** Form only: says nothing about the signature. */
export function parseStatement(envelope: Envelope): Statement {
  demandType(envelope.payloadType, STATEMENT_TYPE);
  if (envelope.payload.length > LIMITS.payloadBytes) malformed('payload', `longer than ${LIMITS.payloadBytes} bytes`);
  return check(decodeCanonical(shape, envelope.payload, 'statement'));
}

declare const verified: unique symbol;

/** A statement whose both signatures verify under the keys of its signer in the set that it names. */
export interface VerifiedStatement {
  readonly [verified]: true;
  readonly digest: string;
  readonly envelope: Envelope;
  readonly body: Statement;
}

/**
 * `Malformed` for a bad form, `VerificationFailed` for a wrong signature, `Stale` when it was made for another set or
 * ledger, `PolicyRefused` when the signer is no member or holds another role.
 */
export function verifyStatement(
  crypto: Crypto,
  envelope: Envelope,
  set: SignerSet,
  setHash: string,
): VerifiedStatement {
  const body = parseStatement(envelope);
  if (body.ledger_id !== set.ledger_id) {
    throw new RonError('Conflict', `the statement is for ledger ${body.ledger_id}, this is ${set.ledger_id}`, {
      field: 'ledger_id',
    });
  }
  if (body.signer_set_hash !== setHash) {
    throw new RonError('Stale', 'the statement was made under another signer set', { field: 'signer_set_hash' });
  }
  const keys = keysOf(body, set);
  demandSignatures(crypto, envelope, [{ id: body.signer, keys }], `${body.purpose} by ${body.signer}`);
  return { body, envelope, digest: envelopeDigest(envelope) } as VerifiedStatement;
}

function keysOf(body: Statement, set: SignerSet) {
  if (body.role === AUDITOR_ROLE) {
    if (set.auditor?.id === body.signer) return set.auditor.keys;
    throw new RonError('PolicyRefused', `${body.signer} is not the auditor of this set`, { field: 'signer' });
  }
  const member = findMember(set, body.signer);
  if (member === null)
    throw new RonError('PolicyRefused', `${body.signer} is no member of the signer set`, { field: 'signer' });
  if (member.role !== body.role) {
    throw new RonError('PolicyRefused', `${body.signer} is ${member.role} in the signer set, not ${body.role}`, {
      field: 'role',
    });
  }
  return member.keys;
}
