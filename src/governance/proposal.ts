// A proposal (governance page 6): gov.proposal.v1, signed by its author with both keys. It names what it was written
// against (`signer_set`, `base_state`), what it changes (`from`, `to`) and what the state will be (`expected_state_hash`).
// `id`, `kind`, `quorum`, `decide_by` and the floor of `risk` are computed from the rest; other values are malformed.
// Attack: a mislabelled kind escapes the rules of its kind. Refuses unknown members, a changeset beside an action, unsorted
// or repeated keys, times outside page 11, authors whose role may not propose this.

import { canonicalBytes, canonicalText, type Json } from '../bytes/canonical-json.ts';
import {
  any,
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
import { fromTime, toTime } from '../bytes/time.ts';
import type { Crypto } from '../crypto/provider.ts';
import { type Envelope, envelopeDigest } from '../envelope/dsse.ts';
import { demandType } from '../envelope/h.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type Scope, tenantOf } from '../policy/state.ts';
import { type Action, action, mayAuthor, scopeOfAction } from './actions.ts';
import {
  computeProposalId,
  ledgerId,
  nonce,
  PROPOSAL_TYPE,
  proposalId,
  SIGNING_ROLES,
  type SigningRole,
  scope,
  signerId,
} from './names.ts';
import { isBelow, RISK_LEVELS, type RiskLevel, riskFloorOf } from './risk.ts';
import { demandSignatures } from './signatures.ts';
import { findMember, MAX_MEMBERS, requiredRoles, type SignerSet, signerSetHash } from './signer-set.ts';

export interface ProposedChange {
  readonly key: string;
  readonly from: Json;
  readonly to: Json;
}

export interface RollbackClause {
  readonly changeset: readonly ProposedChange[];
  readonly valid_for_s: number;
}

export interface Attachment {
  readonly name: string;
  readonly kind: string;
  readonly media_type: string;
  readonly size: number;
  /** Lower hex. */
  readonly sha256: string;
  readonly url?: string;
}

export interface Proposal {
  readonly id: string;
  readonly ledger_id: string;
  readonly kind: string;
  readonly author: string;
  readonly scope: Scope;
  readonly rationale: string;
  /** Sorted by unique key; empty when there is an action. */
  readonly changeset: readonly ProposedChange[];
  /** Exactly one, or empty. */
  readonly actions: readonly Action[];
  readonly risk: { readonly level: RiskLevel; readonly text: string };
  readonly rollback: RollbackClause | 'none';
  readonly quorum: { readonly threshold: number; readonly roles: number };
  readonly signer_set: {
    readonly hash: string;
    readonly epoch: number;
    readonly threshold: number;
    readonly members: readonly { readonly id: string; readonly role: SigningRole }[];
  };
  readonly base_state: { readonly seq: number; readonly hash: string };
  readonly expected_state_hash: string;
  readonly change_window?: { readonly not_before: string; readonly not_after: string };
  readonly created_at: string;
  readonly decide_by: string;
  readonly expires_at: string;
  readonly attachments: readonly Attachment[];
  readonly nonce: string;
  readonly digest_alg: 'sha256';
}

export const MAX_LIFE_MS = 7 * 24 * 3_600_000;
export const MAX_WINDOW_MS = 24 * 3_600_000;
export const MAX_ROLLBACK_S = 604_800;
export const ATTACHMENT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
export const ATTACHMENT_KIND = /^[a-z0-9][a-z0-9-]{0,63}$/;

const key = string({ pattern: /^[a-z][a-z0-9._]{0,127}$/, what: 'a governable key' });
const change: Decoder<ProposedChange> = object({ key, from: any, to: any });

/** Sorted by unique key, each with another value. */
export const changes: Decoder<readonly ProposedChange[]> = (value, path) => {
  const list = array(change, LIMITS.changes)(value, path);
  list.forEach((one, index) => {
    const previous = list[index - 1];
    if (previous !== undefined && previous.key >= one.key)
      malformed(`${path}[${index}].key`, 'keys are not sorted or not unique');
    if (canonicalText(one.from) === canonicalText(one.to))
      malformed(`${path}[${index}].to`, 'the same value as `from`');
  });
  return list;
};

const clause = object({ changeset: changes, valid_for_s: integer(1, MAX_ROLLBACK_S) });
const rollback: Decoder<RollbackClause | 'none'> = (value, path) => (value === 'none' ? 'none' : clause(value, path));

const attachment: Decoder<Attachment> = object(
  {
    name: string({ pattern: ATTACHMENT_NAME, what: 'an attachment name ([A-Za-z0-9][A-Za-z0-9._-]{0,63})' }),
    kind: string({ pattern: ATTACHMENT_KIND, what: 'an attachment kind' }),
    media_type: string({ pattern: /^[a-z0-9.+-]{1,64}\/[a-z0-9.+-]{1,64}$/, what: 'a media type' }),
    size: integer(0, LIMITS.attachmentBytes),
    sha256: string({ pattern: /^[0-9a-f]{64}$/, what: '64 lower-case hex characters' }),
  },
  { url: string({ pattern: /^https:\/\/[\x21-\x7e]{1,1000}$/, what: 'an https URL' }) },
);

const shape: Decoder<Proposal> = object(
  {
    id: proposalId,
    ledger_id: ledgerId,
    kind: string({ maxBytes: 32 }),
    author: signerId,
    scope,
    rationale: string({ maxBytes: LIMITS.rationaleBytes }),
    changeset: changes,
    actions: array(action, 1),
    risk: object({ level: literal(...RISK_LEVELS), text: string({ maxBytes: LIMITS.commentBytes }) }),
    rollback,
    quorum: object({ threshold: integer(1, MAX_MEMBERS), roles: integer(1, MAX_MEMBERS) }),
    signer_set: object({
      hash: sha256Digest,
      epoch: integer(0),
      threshold: integer(1, MAX_MEMBERS),
      members: array(object({ id: signerId, role: literal(...SIGNING_ROLES) }), MAX_MEMBERS, 1),
    }),
    base_state: object({ seq: integer(0), hash: sha256Digest }),
    expected_state_hash: sha256Digest,
    created_at: time,
    decide_by: time,
    expires_at: time,
    attachments: array(attachment, LIMITS.attachments),
    nonce,
    digest_alg: literal('sha256'),
  },
  { change_window: object({ not_before: time, not_after: time }) },
);

/** `pq` if any key starts with `pq.`, else `policy`, else the name of the action. */
export function kindOf(of: Pick<Proposal, 'changeset' | 'actions'>): string {
  const action = of.actions[0];
  if (action !== undefined) return action.name;
  return of.changeset.some((one) => one.key.startsWith('pq.')) ? 'pq' : 'policy';
}

/** min(created_at + 24 h (freeze 1 h), expires_at). */
export function decideBy(of: {
  readonly kind: string;
  readonly created_at: string;
  readonly expires_at: string;
}): string {
  const span = of.kind === 'freeze' ? 3_600_000 : 24 * 3_600_000;
  return toTime(Math.min(fromTime(of.created_at) + span, fromTime(of.expires_at)));
}

function checkTimes(of: Proposal): void {
  const created = fromTime(of.created_at);
  const expires = fromTime(of.expires_at);
  if (expires <= created || expires > created + MAX_LIFE_MS)
    malformed('expires_at', 'after created_at, at most 7 days later');
  if (of.decide_by !== decideBy(of)) malformed('decide_by', `${decideBy(of)} follows from created_at and expires_at`);
  const window = of.change_window;
  if (window === undefined) {
    if (of.kind === 'pq') malformed('change_window', 'missing member: a pq proposal has a change window');
    return;
  }
  const from = fromTime(window.not_before);
  const to = fromTime(window.not_after);
  if (from < created || to > expires || to <= from) malformed('change_window', 'lies inside [created_at, expires_at]');
  if (to - from > MAX_WINDOW_MS) malformed('change_window', 'at most 24 h long');
}

function checkWhat(of: Proposal): void {
  if ((of.changeset.length === 0) === (of.actions.length === 0))
    malformed('changeset', 'a changeset or exactly one action');
  if (of.kind !== kindOf(of)) malformed('kind', `the content is of kind ${kindOf(of)}`);
  const action = of.actions[0];
  if (action !== undefined) {
    const wanted = scopeOfAction(action);
    if (wanted !== 'any' && wanted !== of.scope) malformed('scope', `${action.name} here has scope ${wanted}`);
    if (of.rollback !== 'none') malformed('rollback', 'an action has no rollback clause');
  }
  const floor = riskFloorOf(of);
  if (isBelow(of.risk.level, floor)) malformed('risk.level', `at least ${floor}`);
  if (of.rollback !== 'none') checkClause(of.rollback, of.changeset);
}

/** Keys of the proposal only, each from the proposed value. How loose it may be is judged against the state. */
function checkClause(clause: RollbackClause, changeset: readonly ProposedChange[]): void {
  if (clause.changeset.length === 0) malformed('rollback.changeset', 'empty; write `none`');
  clause.changeset.forEach((one, index) => {
    const proposed = changeset.find((change) => change.key === one.key);
    const path = `rollback.changeset[${index}]`;
    if (proposed === undefined) malformed(`${path}.key`, 'not a key of this proposal');
    if (canonicalText(proposed.to) !== canonicalText(one.from)) malformed(`${path}.from`, 'not the proposed value');
  });
}

function checkWho(of: Proposal): void {
  const set = of.signer_set;
  set.members.forEach((one, index) => {
    const previous = set.members[index - 1];
    if (previous !== undefined && previous.id >= one.id)
      malformed(`signer_set.members[${index}].id`, 'members are not sorted by id');
  });
  const roles = requiredRoles(set);
  if (of.quorum.threshold !== set.threshold)
    malformed('quorum.threshold', `${set.threshold} follows from the signer set`);
  if (of.quorum.roles !== roles) malformed('quorum.roles', `${roles} follows from the signer set`);
  const author = set.members.find((one) => one.id === of.author);
  if (author === undefined) malformed('author', `${of.author} is no member of the signer set`);
  if (!mayAuthor(author.role, of.kind)) malformed('author', `a ${author.role} does not propose ${of.kind}`);
}

function check(of: Proposal): Proposal {
  const { id: stated, ...rest } = of;
  const computed = computeProposalId(rest);
  if (stated !== computed) malformed('id', `the content has the id ${computed}`);
  if (of.rationale.trim() === '') malformed('rationale', 'empty');
  checkWhat(of);
  checkTimes(of);
  checkWho(of);
  const names = of.attachments.map((one) => one.name);
  if (new Set(names).size !== names.length) malformed('attachments', 'a name appears twice');
  return of;
}

/** Adds the computed members; `PolicyRefused` for an author without the right, `Malformed` naming the member that breaks a rule. */
export function buildProposal(content: Omit<Proposal, 'id' | 'kind' | 'quorum' | 'decide_by' | 'digest_alg'>): {
  readonly proposal: Proposal;
  readonly payloadType: string;
  readonly payload: Uint8Array;
} {
  const kind = kindOf(content);
  const author = content.signer_set.members.find((one) => one.id === content.author);
  if (author !== undefined && !mayAuthor(author.role, kind)) {
    throw new RonError('PolicyRefused', `a ${author.role} does not propose ${kind}`, {
      field: '--signer',
      hint: 'A policy-owner or a security-officer proposes it; `ronctl governance signers show` names them.',
    });
  }
  const withoutId: Omit<Proposal, 'id'> = {
    ...content,
    kind,
    quorum: { threshold: content.signer_set.threshold, roles: requiredRoles(content.signer_set) },
    decide_by: decideBy({ ...content, kind }),
    digest_alg: 'sha256',
  };
  const payload = canonicalBytes({ ...withoutId, id: computeProposalId(withoutId) });
  if (payload.length > LIMITS.payloadBytes) {
    throw new RonError('TooLarge', `the proposal has ${payload.length} bytes; ${LIMITS.payloadBytes} are allowed`, {
      hint: 'Shorten the rationale, or split the changes into several proposals.',
    });
  }
  return { proposal: check(decodeCanonical(shape, payload, 'proposal')), payloadType: PROPOSAL_TYPE, payload };
}

/** Form, id and computed members; says nothing about signature or state. */
export function parseProposal(envelope: Envelope): Proposal {
  demandType(envelope.payloadType, PROPOSAL_TYPE);
  if (envelope.payload.length > LIMITS.payloadBytes) {
    throw new RonError('TooLarge', `proposal: ${envelope.payload.length} bytes; ${LIMITS.payloadBytes} are allowed`);
  }
  return check(decodeCanonical(shape, envelope.payload, 'proposal'));
}

/** `signer_set` of a proposal made under this set. */
export function setRef(set: SignerSet): Proposal['signer_set'] {
  return {
    hash: signerSetHash(set),
    epoch: set.epoch,
    threshold: set.threshold,
    members: set.members.map((one) => ({ id: one.id, role: one.role })),
  };
}

declare const verified: unique symbol;

/** A proposal signed by its author, who is a member of the set that it names. Whether it still fits is for execution. */
export interface VerifiedProposal {
  readonly [verified]: true;
  readonly digest: string;
  readonly envelope: Envelope;
  readonly body: Proposal;
}

/** `Conflict` for another ledger, `Stale` for another set, `VerificationFailed` for a wrong signature. */
export function verifyProposal(crypto: Crypto, envelope: Envelope, set: SignerSet): VerifiedProposal {
  const body = parseProposal(envelope);
  if (body.ledger_id !== set.ledger_id) {
    throw new RonError('Conflict', `the proposal is for ledger ${body.ledger_id}, this is ${set.ledger_id}`, {
      field: 'ledger_id',
    });
  }
  const ours = setRef(set);
  if (canonicalText(body.signer_set) !== canonicalText(ours)) {
    throw new RonError(
      'Stale',
      `the proposal was made under signer set epoch ${body.signer_set.epoch}; epoch ${set.epoch} is in force`,
      {
        field: 'signer_set',
        hint: 'Propose again.',
      },
    );
  }
  const author = findMember(set, body.author)!;
  demandSignatures(crypto, envelope, [author], `proposal by ${body.author}`);
  return { body, envelope, digest: envelopeDigest(envelope) } as VerifiedProposal;
}

/** The tenant that a proposal touches, or null. */
export const proposalTenant = (of: Proposal): string | null => tenantOf(of.scope);
