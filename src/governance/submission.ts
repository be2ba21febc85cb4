// What travels through the inbox (governance page 9): proposals, statements, proofs of possession, disputes, as
// envelope files. This
// module says what a file claims to be; nothing is verified. Refuses every other type.

import { within } from '../bytes/decode.ts';
import { type Envelope, envelopeDigest, parseEnvelope } from '../envelope/dsse.ts';
import { demandType, laterVersionOf } from '../envelope/h.ts';
import { RonError } from '../errors.ts';
import { parseDispute } from './dispute.ts';
import { DISPUTE_TYPE, EXECUTION_TYPE, GENESIS_TYPE, POSSESSION_TYPE, PROPOSAL_TYPE, STATEMENT_TYPE } from './names.ts';
import { parsePossession } from './possession.ts';
import { type Proposal, parseProposal } from './proposal.ts';
import { parseStatement, type Statement } from './statement.ts';

export interface Submission {
  readonly type: 'proposal' | 'statement' | 'possession' | 'dispute';
  readonly digest: string;
  readonly envelope: Envelope;
  readonly ledgerId: string;
  /** Null for a possession, which names its proposal by digest only, and for a dispute, which has none. */
  readonly proposalId: string | null;
  /** Empty for a dispute. */
  readonly proposalDigest: string;
  readonly by: string;
  readonly purpose: string;
  /** Own time: created_at or signed_at; empty for a possession. */
  readonly time: string;
  readonly proposal?: Proposal;
  readonly statement?: Statement;
}

export function describeSubmission(bytes: Uint8Array, what: string): Submission {
  return describeEnvelope(parseEnvelope(bytes, what), what);
}

export function describeEnvelope(envelope: Envelope, what: string): Submission {
  const digest = envelopeDigest(envelope);
  switch (envelope.payloadType) {
    case PROPOSAL_TYPE: {
      const body = parseProposal(envelope);
      const { id, author: by, created_at: time, ledger_id: ledgerId } = body;
      return {
        type: 'proposal',
        digest,
        envelope,
        ledgerId,
        proposalId: id,
        proposalDigest: digest,
        by,
        purpose: 'propose',
        time,
        proposal: body,
      };
    }
    case STATEMENT_TYPE: {
      const body = parseStatement(envelope);
      const {
        signer: by,
        purpose,
        signed_at: time,
        ledger_id: ledgerId,
        proposal_id: proposalId,
        proposal_digest: proposalDigest,
      } = body;
      return {
        type: 'statement',
        digest,
        envelope,
        ledgerId,
        proposalId,
        proposalDigest,
        by,
        purpose,
        time,
        statement: body,
      };
    }
    case POSSESSION_TYPE: {
      const body = parsePossession(envelope);
      return {
        type: 'possession',
        digest,
        envelope,
        ledgerId: body.ledger_id,
        proposalId: null,
        proposalDigest: body.proposal_digest,
        by: body.member.id,
        purpose: 'possession',
        time: '',
      };
    }
    case DISPUTE_TYPE: {
      const { claimant: by, at: time, ledger_id: ledgerId } = parseDispute(envelope);
      const about = { proposalId: null, proposalDigest: '' };
      return { type: 'dispute', digest, envelope, ledgerId, ...about, by, purpose: 'dispute', time };
    }
    default:
      for (const known of [
        PROPOSAL_TYPE,
        STATEMENT_TYPE,
        POSSESSION_TYPE,
        DISPUTE_TYPE,
        GENESIS_TYPE,
        EXECUTION_TYPE,
      ]) {
        if (laterVersionOf(envelope.payloadType, known)) within(what, () => demandType(envelope.payloadType, known));
      }
      throw new RonError('Malformed', `${what}: ${envelope.payloadType} does not go through the inbox`, {
        field: 'payloadType',
      });
  }
}
