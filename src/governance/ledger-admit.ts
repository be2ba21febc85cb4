// What the ledger takes (governance pages 2, 6, 7, 9, 11): signatures, the set in force, limits and times of one entry
// against the state before it. Used when the inbox is ingested and again at every replay. Refuses with the exact code:
// Malformed 3, VerificationFailed 10, TooLate 13, Stale or Conflict 15, PolicyRefused and LimitReached 16.

import { canonicalText } from '../bytes/canonical-json.ts';
import { fromTime } from '../bytes/time.ts';
import type { Crypto } from '../crypto/provider.ts';
import { type Envelope, envelopeDigest } from '../envelope/dsse.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { newIdentities, RESERVED_ACTIONS, unheardMembers } from './actions.ts';
import { planFor } from './execution-plan.ts';
import type { Failed, Intent } from './ledger.ts';
import { baseSeq, findByDigest, type LedgerState, type OpenProposal, type VerifiedPossession } from './ledger-state.ts';
import { demandFits, type Governed, viewHashOf } from './outcome.ts';
import { parsePossession } from './possession.ts';
import { type Proposal, type VerifiedProposal, verifyProposal } from './proposal.ts';
import { type Tally, tally } from './quorum.ts';
import { type Receipt, verifyReceipt } from './receipt.ts';
import { isBelow, riskFloorOf } from './risk.ts';
import { demandSignatures } from './signatures.ts';
import { signerSetHash } from './signer-set.ts';
import { parseStatement, type VerifiedStatement, verifyStatement } from './statement.ts';

const SKEW_MS = 5 * 60_000;
const DAY_MS = 24 * 3_600_000;

function tooLate(what: string, field: string): never {
  throw new RonError('TooLate', what, { field });
}

/** A new proposal; its own times against `ts`, the writer's clock. */
export function admitProposal(state: LedgerState, envelope: Envelope, ts: string, crypto: Crypto): VerifiedProposal {
  const verified = verifyProposal(crypto, envelope, state.governed.set);
  const { body } = verified;
  const created = fromTime(body.created_at);
  const now = fromTime(ts);
  if (created > now + SKEW_MS) tooLate(`created_at ${body.created_at} is in the future of ${ts}`, 'created_at');
  if (created < now - DAY_MS) tooLate(`created_at ${body.created_at} is more than 24 h before ${ts}`, 'created_at');
  if (fromTime(body.expires_at) <= now) tooLate(`the proposal expired at ${body.expires_at}`, 'expires_at');
  demandRoom(state, body, now);
  return verified;
}

/** 100 open proposals, 20 per author, 10 kept for incident actions. */
function demandRoom(state: LedgerState, body: Proposal, now: number): void {
  const open = [...state.open.values()].map((one) => one.proposal.body).filter((one) => isOpen(state, one, now));
  const reserved = (RESERVED_ACTIONS as readonly string[]).includes(body.kind);
  const room = reserved ? LIMITS.openProposals : LIMITS.openProposals - LIMITS.reservedProposals;
  if (open.length >= room) {
    throw new RonError('LimitReached', `${open.length} proposals are open; ${room} is the limit for ${body.kind}`);
  }
  if (open.filter((one) => one.author === body.author).length >= LIMITS.openProposalsPerAuthor) {
    throw new RonError(
      'LimitReached',
      `${body.author} has ${LIMITS.openProposalsPerAuthor} open proposals, the limit`,
      { field: 'author' },
    );
  }
}

function isOpen(state: LedgerState, body: Proposal, now: number): boolean {
  const entry = state.index.get(body.id);
  if (entry === undefined || entry.execution !== 'none' || entry.decision === 'withdrawn') return false;
  return fromTime(entry.decision === 'approved' ? body.expires_at : body.decide_by) > now;
}

/** Before the look-up: what is for another ledger never waits for its proposal. */
function demandLedger(stated: string, state: LedgerState, what: string): void {
  if (stated === state.ledgerId) return;
  throw new RonError('Conflict', `the ${what} is for ledger ${stated}, this is ${state.ledgerId}`, {
    field: 'ledger_id',
  });
}

export interface AdmittedStatement {
  readonly statement: VerifiedStatement;
  readonly id: string;
  /** After decide_by, or after the intent: evidence without effect. */
  readonly late: boolean;
}

/** `NotFound` while its proposal is unknown: the file waits. */
export function admitStatement(state: LedgerState, envelope: Envelope, ts: string, crypto: Crypto): AdmittedStatement {
  const raw = parseStatement(envelope);
  demandLedger(raw.ledger_id, state, 'statement');
  const entry = state.index.get(raw.proposal_id);
  const set = state.sets.find((one) => signerSetHash(one) === raw.signer_set_hash);
  if (entry === undefined) {
    // Attack: unsigned files about proposals that never come fill the inbox for good.
    if (set !== undefined) verifyStatement(crypto, envelope, set, raw.signer_set_hash);
    throw new RonError('NotFound', `the proposal ${raw.proposal_id} is not in the ledger`);
  }
  if (entry.digest !== raw.proposal_digest) {
    throw new RonError('VerificationFailed', `the statement names ${raw.proposal_id} with another digest`, {
      field: 'proposal_digest',
    });
  }
  if (set === undefined)
    throw new RonError('Stale', 'the statement names a signer set that was never in force', {
      field: 'signer_set_hash',
    });
  const open = state.open.get(entry.id);
  if (open !== undefined && open.proposal.body.signer_set.hash !== raw.signer_set_hash) {
    throw new RonError('Stale', 'the statement names another signer set than the proposal', {
      field: 'signer_set_hash',
    });
  }
  const statement = verifyStatement(crypto, envelope, set, raw.signer_set_hash);
  if (open !== undefined) demandTime(open.proposal.body, statement);
  if (open !== undefined && statement.body.purpose === 'retract') demandOwnVote(open, statement);
  if (
    open !== undefined &&
    statement.body.purpose === 'withdraw' &&
    statement.body.signer !== open.proposal.body.author
  ) {
    throw new RonError('PolicyRefused', `only the author, ${open.proposal.body.author}, withdraws this proposal`, {
      field: 'signer',
    });
  }
  const late = open === undefined || entry.execution !== 'none' || fromTime(ts) > fromTime(entry.decide_by);
  return { statement, id: entry.id, late };
}

function demandTime(body: Proposal, statement: VerifiedStatement): void {
  const at = fromTime(statement.body.signed_at);
  if (at < fromTime(body.created_at) - SKEW_MS || at > fromTime(body.decide_by)) {
    tooLate(`signed_at ${statement.body.signed_at} is outside ${body.created_at} .. ${body.decide_by}`, 'signed_at');
  }
}

/** A retract that names somebody else's vote, or something that is no vote, is refused; one that comes first may wait. */
function demandOwnVote(open: OpenProposal, statement: VerifiedStatement): void {
  const target = open.statements.find((one) => one.digest === statement.body.refs[0]);
  if (target === undefined) return;
  if (
    target.body.signer !== statement.body.signer ||
    (target.body.purpose !== 'approve' && target.body.purpose !== 'reject')
  ) {
    throw new RonError('PolicyRefused', 'a retract names exactly one own vote', { field: 'refs' });
  }
}

export function admitPossession(
  state: LedgerState,
  envelope: Envelope,
  crypto: Crypto,
): { readonly possession: VerifiedPossession; readonly id: string } {
  const body = parsePossession(envelope);
  demandLedger(body.ledger_id, state, 'proof of possession');
  const open = findByDigest(state, body.proposal_digest);
  if (open === null) throw new RonError('NotFound', 'the proposal of this proof of possession is not in the ledger');
  const action = open.proposal.body.actions[0];
  const wanted = action?.name === 'signer-set-change' ? newIdentities(state.governed.set, action.new_set) : [];
  const match = wanted.find((one) => canonicalText(one) === canonicalText(body.member));
  if (match === undefined) {
    throw new RonError('PolicyRefused', `the proposal brings no new keys of ${body.member.id}`, { field: 'member' });
  }
  demandSignatures(crypto, envelope, [body.member], `possession of ${body.member.id}`);
  return { possession: { digest: envelopeDigest(envelope), envelope, body }, id: open.proposal.body.id };
}

export function tallyOf(state: LedgerState, open: OpenProposal): Tally {
  const set = state.sets[open.proposal.body.signer_set.epoch]!;
  return tally(open.statements, set, open.proposal.body.author);
}

/** Identities of the new set that have not yet proved possession of their keys. */
export function missingPossessions(state: LedgerState, open: OpenProposal): string[] {
  const action = open.proposal.body.actions[0];
  if (action?.name !== 'signer-set-change') return [];
  return newIdentities(state.governed.set, action.new_set)
    .filter((one) => !open.possessions.some((proof) => canonicalText(proof.body.member) === canonicalText(one)))
    .map((one) => one.id);
}

/**
 * The state rules of an execution, without the clock: set, base, `from`, expected hash, risk floor, possessions,
 * micronode 1-of-2. Returns the state after it.
 */
export function demandCurrent(state: LedgerState, open: OpenProposal): Governed {
  const { body } = open.proposal;
  const after = demandFits(state.governed, body);
  const base = baseSeq(state, body.scope);
  if (body.base_state.seq !== base) {
    throw new RonError(
      'Stale',
      `${body.scope} was last changed at ledger line ${base}, the proposal names line ${body.base_state.seq}`,
      {
        field: 'base_state.seq',
      },
    );
  }
  if (isBelow(body.risk.level, riskFloorOf(body, state.governed.policy))) {
    throw new RonError('Stale', `the risk is understated: at least ${riskFloorOf(body, state.governed.policy)}`, {
      field: 'risk.level',
    });
  }
  const missing = missingPossessions(state, open);
  if (missing.length > 0) {
    throw new RonError('Stale', `no proof of possession of the new keys of ${missing.join(', ')}`, {
      field: 'actions[0].new_set',
      hint: 'The new signer makes it: `ronctl governance approve FILE --signer ID`, then `ronctl governance import`.',
    });
  }
  demandOldKey(state, open);
  return after;
}

/** in micronode 1-of-2 one signer must not replace the other by claiming a loss. */
function demandOldKey(state: LedgerState, open: OpenProposal): void {
  const action = open.proposal.body.actions[0];
  if (action?.name !== 'signer-set-change') return;
  const unheard = unheardMembers(state.governed.set, action.new_set, tallyOf(state, open).approvals);
  if (unheard.length === 0) return;
  throw new RonError(
    'PolicyRefused',
    `in a 1-of-2 set ${unheard.join(', ')} must approve this change of the set with the old key`,
    {
      field: 'actions[0].new_set',
      hint: 'Without that key: a new genesis with --supersedes.',
    },
  );
}

/** An intent must be what the votes in the ledger allow, and carry the plan that follows from the proposal. */
export function admitIntent(
  state: LedgerState,
  intent: Intent,
): { readonly open: OpenProposal; readonly after: Governed } {
  if (state.executing !== null) throw new RonError('Conflict', 'another execution is unfinished');
  const open = findByDigest(state, intent.proposal_digest);
  if (open === null) throw new RonError('Conflict', 'the intent names a proposal that is not open');
  const { body, digest } = open.proposal;
  const votes = tallyOf(state, open);
  if (votes.withdrawn || !votes.reached) throw new RonError('QuorumPending', `${body.id} has no quorum`);
  if (canonicalText(votes.approvalDigests) !== canonicalText(intent.statements)) {
    throw new RonError('Conflict', 'the intent does not list the live approvals', { field: 'statements' });
  }
  const plan = planFor(digest, body.actions[0] ?? null);
  if (canonicalText(plan) !== canonicalText(intent.plan)) {
    throw new RonError('Conflict', 'the plan does not follow from the proposal', { field: 'plan' });
  }
  demandWindow(body, intent.judged_at.wall);
  return { open, after: demandCurrent(state, open) };
}

/** `Expired` or `OutsideWindow`; exactly at the end = ended. A clock-reset is judged without the clock. */
export function demandWindow(body: Proposal, wall: string): void {
  if (body.kind === 'clock-reset') return;
  const now = fromTime(wall);
  if (now >= fromTime(body.expires_at)) {
    throw new RonError('Expired', `the proposal expired at ${body.expires_at}; it is ${wall}`, { field: 'expires_at' });
  }
  const window = body.change_window;
  if (window === undefined) return;
  if (now < fromTime(window.not_before) || now >= fromTime(window.not_after)) {
    throw new RonError(
      'OutsideWindow',
      `the change window is ${window.not_before} to ${window.not_after}; it is ${wall}`,
      {
        field: 'change_window',
      },
    );
  }
}

/** The receipt of the execution that is under way, signed by the service keys that were in force before it. */
export function admitExecution(state: LedgerState, envelope: Envelope, crypto: Crypto): Receipt {
  const executing = state.executing;
  if (executing === null) throw new RonError('Conflict', 'an execution without an intent');
  const { intent } = executing;
  const { scope, kind } = state.open.get(executing.id)!.proposal.body;
  // After a restore the keys in force may be lost; the accepted ones, where there are new ones, sign.
  const signedBy = kind === 'restore-accept' ? executing.after : state.governed;
  const { receipt } = verifyReceipt(crypto, envelope, signedBy.serviceKeys);
  const planned = receipt.effects.map(({ n, effect, op_id }) => ({ n, effect, op_id }));
  const same =
    receipt.ledger_id === state.ledgerId &&
    receipt.proposal_digest === intent.proposal_digest &&
    canonicalText(receipt.statements) === canonicalText(intent.statements) &&
    canonicalText(receipt.judged_at) === canonicalText(intent.judged_at) &&
    canonicalText(planned) === canonicalText(intent.plan) &&
    receipt.state_before === viewHashOf(state.governed, scope) &&
    receipt.state_after === viewHashOf(executing.after, scope);
  if (!same) throw new RonError('VerificationFailed', 'the receipt does not follow from its intent');
  return receipt;
}

export function admitFailed(state: LedgerState, failed: Failed): void {
  if (state.executing === null || state.executing.intent.proposal_digest !== failed.proposal_digest) {
    throw new RonError('Conflict', 'a failure without its intent');
  }
}
