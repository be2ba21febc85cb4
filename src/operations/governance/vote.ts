// `governance approve | reject | retract | withdraw` (governance page 7, 12): everything that is shown is recomputed from the
// pin, the request and the own store; the statement is made for exactly the digest that was confirmed; the signer's memory
// is committed before the file leaves. Nothing is unsealed but the signer's own store; `--ingest` opens the custody store.

import { toBase64Url } from '../../bytes/base64.ts';
import { fromTime, toTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import { newIdentities } from '../../governance/actions.ts';
import { buildPossession } from '../../governance/possession.ts';
import type { Proposal } from '../../governance/proposal.ts';
import type { VerifiedRequest } from '../../governance/request.ts';
import { findMember } from '../../governance/signer-set.ts';
import { buildStatement, type CheckpointRef, type Purpose } from '../../governance/statement.ts';
import { readGovernance } from '../../kms/service/governance-reader.ts';
import { type OpenSigner, openSigner } from '../../storage/signer-store.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { submittedTo } from './deliver.ts';
import { describeProposal, type ProposalDescription, summariseVotes, type VoteSummary } from './describe.ts';
import { findSigner } from './find-signer.ts';
import { type IngestWish, ingestWritten } from './ingest.ts';
import { type Released, readMemory, release } from './release.ts';
import { tenantsHere } from './show.ts';
import { keepChain, type LoadedRequest, loadTarget, type Target } from './target.ts';

export type VotePurpose = Extract<Purpose, 'approve' | 'reject' | 'retract' | 'withdraw'>;

export interface VoteRequest extends IngestWish {
  readonly purpose: VotePurpose;
  readonly target: Target;
  readonly signer: string | null;
  readonly role: string | null;
  readonly comment: string | null;
  /** What was confirmed: the digest of the proposal. */
  readonly digest: string;
  readonly unsafeSignAnyway: boolean;
}

export interface VoteResult {
  readonly proposal_id: string;
  readonly proposal_digest: string;
  readonly purpose: string;
  readonly signer: string;
  readonly role: string;
  readonly statement_digest: string;
  /** `inbox/<name>` in this home. */
  readonly file: string;
  /** Proof of possession of new keys of this signer, beside the vote. */
  readonly possession_file: string | null;
  readonly counts_until: string;
  readonly seconds_left: number;
  readonly ingested: boolean;
  /** The server that it was handed to. */
  readonly submitted_to?: string;
  /** Before this statement is ingested. */
  readonly votes: VoteSummary;
  readonly next: string;
}

export interface ReviewResult extends ProposalDescription {
  readonly ledger_seq: number;
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string };
}

/** What the approver is shown before the confirmation. */
export async function review(request: { readonly target: Target }, deps: OperationDeps): Promise<ReviewResult> {
  const ctx = await storeContext(deps);
  return reviewOf(ctx, loadTarget(ctx, request.target));
}

/** Whether the tenant of a request is new, by what a server publishes, verified from the pin. Throws what reading it throws. */
export async function isNewThere({ scope }: Pick<ReviewResult, 'scope'>, reading: OperationDeps): Promise<boolean> {
  return !tenantsHere(readGovernance(await storeContext(reading))).includes(scope.slice('tenant:'.length));
}

function reviewOf(ctx: StoreContext, { verified, knownTenants, source }: LoadedRequest): ReviewResult {
  const nowMs = ctx.clock.now();
  const { body, digest } = verified.proposal;
  const description = describeProposal({
    body,
    digest,
    profile: verified.before.profile,
    set: verified.authority.set,
    votes: verified.votes,
    status: { status: verified.votes.reached ? 'approved' : 'open', reason: null },
    nowMs,
    wall: toTime(nowMs),
    states: { before: verified.before, after: verified.after },
    knownTenants,
    source,
  });
  return { ...description, ledger_seq: verified.head.seq, checkpoint: verified.checkpoint };
}

export interface VoteOutcome {
  readonly result: VoteResult;
  /** The signed file, to be carried. */
  readonly file: Uint8Array;
  /** Of the ingest: the statement is signed and waits, but it does not count yet. */
  readonly error: RonError | undefined;
}

export async function vote(request: VoteRequest, deps: OperationDeps): Promise<VoteOutcome> {
  const ctx = await storeContext(deps);
  const loaded = loadTarget(ctx, request.target);
  const { verified } = loaded;
  if (verified.proposal.digest !== request.digest) {
    throw new RonError(
      'VerificationFailed',
      `the proposal has the digest ${verified.proposal.digest}, not the one that was confirmed`,
      { field: '--expect-digest' },
    );
  }
  const now = ctx.clock.now();
  demandOpen(verified, now);
  const outcome = isNewcomer(verified, request)
    ? await proveAlone(ctx, verified, request.signer!, deps, now)
    : await sign(ctx, loaded, request, deps, now);
  if (!deps.dryRun) await keepChain(ctx, loaded);
  const { result } = outcome;
  const written = [result.file, ...(result.possession_file === null ? [] : [result.possession_file])].map((one) =>
    one.slice('inbox/'.length),
  );
  const { ingested, error } = await ingestWritten(request, written, deps);
  return { ...outcome, result: { ...result, ingested: ingested || result.ingested, ...submittedTo(deps) }, error };
}

function demandOpen(verified: VerifiedRequest, now: number): void {
  const { body } = verified.proposal;
  if (now > fromTime(body.decide_by)) {
    throw new RonError('Expired', `the decision was due at ${body.decide_by}; it is ${toTime(now)}`, {
      field: 'decide_by',
      hint: 'Propose again.',
    });
  }
  if (verified.votes.withdrawn) throw new RonError('Rejected', `${body.id} was withdrawn by its author`);
}

/** A restore-accept names the newest checkpoint of a log whose end is lost. */
export function acceptedBy({ actions }: Pick<Proposal, 'actions'>): { readonly accepts?: CheckpointRef } {
  return actions[0]?.name === 'restore-accept' ? { accepts: actions[0].prev_checkpoint } : {};
}

type NewIdentity = ReturnType<typeof newIdentities>[number];

/** The new keys that a signer-set change brings for this id, or null. */
function newKeysOf(verified: VerifiedRequest, id: string): NewIdentity | null {
  const action = verified.proposal.body.actions[0];
  if (action?.name !== 'signer-set-change') return null;
  return newIdentities(verified.authority.set, action.new_set).find((one) => one.id === id) ?? null;
}

/** A signer that the proposal brings in, and that has no vote yet, proves possession instead of voting. */
function isNewcomer(verified: VerifiedRequest, { signer, purpose }: VoteRequest): boolean {
  return (
    signer !== null &&
    purpose === 'approve' &&
    findMember(verified.authority.set, signer) === null &&
    newKeysOf(verified, signer) !== null
  );
}

async function sign(
  ctx: StoreContext,
  { verified }: LoadedRequest,
  request: VoteRequest,
  deps: OperationDeps,
  now: number,
): Promise<VoteOutcome> {
  const { set } = verified.authority;
  const { body, digest } = verified.proposal;
  const wish = {
    signer: request.signer ?? (request.purpose === 'withdraw' && request.role === null ? body.author : null),
    role: request.role,
  };
  const member = findSigner(ctx, set, wish);
  if (request.purpose === 'withdraw' && member.id !== body.author) {
    throw new RonError('PolicyRefused', `only the author, ${body.author}, withdraws this proposal`, {
      field: '--signer',
      hint: `Vote against it: ronctl governance reject ${body.id}`,
    });
  }
  const signer = await openSigner(deps, member.id);
  try {
    const refs = request.purpose === 'retract' ? [ownVote(signer, verified, member.id)] : [];
    const built = buildStatement({
      purpose: request.purpose,
      refs,
      proposal_id: body.id,
      proposal_digest: digest,
      ledger_id: body.ledger_id,
      signer_set_hash: body.signer_set.hash,
      role: member.role,
      signer: member.id,
      signed_at: toTime(now),
      nonce: toBase64Url(ctx.random.bytes(16)),
      seen: { ledger_seq: verified.head.seq, ledger_hash: verified.head.hash, checkpoint: verified.checkpoint },
      ...(request.comment === null ? {} : { comment: request.comment }),
    });
    const released = await release(
      ctx,
      signer,
      {
        ledgerId: body.ledger_id,
        built,
        id: member.id,
        keys: member.keys,
        newest: { ledger_seq: verified.head.seq, epoch: set.epoch, checkpoint: verified.checkpoint },
        purpose: request.purpose,
        proposalDigest: digest,
        baseState: body.base_state.hash,
        changedKeys: body.changeset.map((one) => one.key),
        at: toTime(now),
        ...(refs[0] === undefined ? {} : { retracts: refs[0] }),
        ...acceptedBy(body),
        unsafe: request.unsafeSignAnyway,
        dryRun: deps.dryRun,
      },
      deps,
    );
    const fresh = request.purpose === 'approve' ? newKeysOf(verified, member.id) : null;
    const proof = fresh === null ? null : await releaseProof(ctx, signer, verified, fresh, deps, now);
    return outcomeOf(verified, request.purpose, member, released, proof, now);
  } finally {
    signer.close();
  }
}

/** The vote that a retract cancels: remembered by this signer, or in the ledger. */
function ownVote(signer: OpenSigner, verified: VerifiedRequest, id: string): string {
  const { digest, body } = verified.proposal;
  const own = readMemory(signer, body.ledger_id).statements.filter((one) => one.proposal_digest === digest);
  const gone = new Set(own.flatMap((one) => (one.retracts === undefined ? [] : [one.retracts])));
  const remembered = own
    .filter((one) => (one.purpose === 'approve' || one.purpose === 'reject') && !gone.has(one.digest))
    .at(-1);
  const stated = verified.statements.find(
    (one) =>
      one.body.signer === id &&
      (one.body.purpose === 'approve' || one.body.purpose === 'reject') &&
      !gone.has(one.digest),
  );
  const found = remembered?.digest ?? stated?.digest;
  if (found !== undefined) return found;
  throw new RonError('NotFound', `${id} has no vote on ${body.id} that could be retracted`, {
    field: 'ID',
    hint: `See the votes: ronctl governance show ${body.id}`,
  });
}

async function proveAlone(
  ctx: StoreContext,
  verified: VerifiedRequest,
  id: string,
  deps: OperationDeps,
  now: number,
): Promise<VoteOutcome> {
  const wanted = newKeysOf(verified, id)!;
  const signer = await openSigner(deps, id);
  try {
    const released = await releaseProof(ctx, signer, verified, wanted, deps, now);
    return outcomeOf(verified, 'possession', wanted, released, released, now);
  } finally {
    signer.close();
  }
}

/** Signed by the new keys; never a vote. */
function releaseProof(
  ctx: StoreContext,
  signer: OpenSigner,
  verified: VerifiedRequest,
  wanted: NewIdentity,
  deps: OperationDeps,
  now: number,
): Promise<Released> {
  const { body, digest } = verified.proposal;
  return release(
    ctx,
    signer,
    {
      ledgerId: body.ledger_id,
      built: buildPossession({ ledger_id: body.ledger_id, proposal_digest: digest, member: wanted }),
      id: wanted.id,
      keys: wanted.keys,
      newest: { ledger_seq: verified.head.seq, epoch: verified.authority.set.epoch, checkpoint: verified.checkpoint },
      purpose: 'possession',
      proposalDigest: digest,
      baseState: body.base_state.hash,
      changedKeys: [],
      at: toTime(now),
      unsafe: false,
      dryRun: deps.dryRun,
    },
    deps,
  );
}

function outcomeOf(
  verified: VerifiedRequest,
  purpose: string,
  by: { readonly id: string; readonly role: string },
  released: Released,
  proof: Released | null,
  now: number,
): VoteOutcome {
  const { body, digest } = verified.proposal;
  const result: VoteResult = {
    proposal_id: body.id,
    proposal_digest: digest,
    purpose,
    signer: by.id,
    role: by.role,
    statement_digest: released.digest,
    file: `inbox/${released.file}`,
    possession_file: proof === null ? null : `inbox/${proof.file}`,
    counts_until: body.decide_by,
    seconds_left: Math.max(0, Math.ceil((fromTime(body.decide_by) - now) / 1000)),
    ingested: released.ingested && (proof?.ingested ?? true),
    votes: summariseVotes(verified.authority.set, verified.votes),
    next: purpose === 'approve' ? `ronctl governance execute ${body.id}` : 'ronctl governance ingest',
  };
  return { result, file: released.bytes, error: undefined };
}
