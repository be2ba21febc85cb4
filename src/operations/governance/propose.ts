// `governance propose` (governance page 6): from flags, a change file, an action or a draft to a proposal signed by its author,
// written to the inbox. Defaults are filled in, stored and shown. Nothing is unsealed but the author's store, except for
// rotations of service and log keys: the custody store makes the next pair, whose public halves are proposed.
// Refuses: an unknown tenant without --new-tenant, actions that this version does not carry out (Unsupported), what the
// policy refuses. Where the profile demands evidence that is missing, the result is a draft and nothing is signed.

import { fromBase64Url, toBase64Url } from '../../bytes/base64.ts';
import { within } from '../../bytes/decode.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromTime, toTime } from '../../bytes/time.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import { envelopeDigest } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import type { Action, RestoreAccept } from '../../governance/actions.ts';
import { type LogKeys, PROPOSAL_TYPE, type PublicKeys } from '../../governance/names.ts';
import { encodeDraft, recogniseFile } from '../../governance/object-file.ts';
import { demandFits } from '../../governance/outcome.ts';
import { type Attachment, buildProposal, type Proposal, parseProposal } from '../../governance/proposal.ts';
import {
  draftProposal,
  missingEvidence,
  type ProposalWish,
  staysDraft,
  wishOfDraft,
} from '../../governance/proposal-draft.ts';
import { tally } from '../../governance/quorum.ts';
import type { Member } from '../../governance/signer-set.ts';
import type { StatusNow } from '../../governance/status.ts';
import { nextKeys } from '../../kms/service/governance-effects.ts';
import { demandState, type GovernanceReading, readGovernance } from '../../kms/service/governance-reader.ts';
import { requestHead } from '../../kms/service/governance-request.ts';
import { stageLost } from '../../kms/service/restore-keys.ts';
import { withSession } from '../../kms/service/session.ts';
import { LIMITS } from '../../limits.ts';
import { tenantOf } from '../../policy/state.ts';
import { demandTenant } from '../../policy/tenant.ts';
import { openCustodyStore } from '../../storage/custody-open.ts';
import { ensureDirectory, writeFile } from '../../storage/durable-file.ts';
import { openSigner } from '../../storage/signer-store.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { sourceOf } from '../policy/source.ts';
import { submittedTo } from './deliver.ts';
import { describeProposal, type ProposalDescription } from './describe.ts';
import { findSigner } from './find-signer.ts';
import { type IngestWish, ingestWritten } from './ingest.ts';
import { release } from './release.ts';
import { restoreAction } from './restore-action.ts';
import { judgedMs, tenantsHere } from './show.ts';
import { acceptedBy } from './vote.ts';

export interface AttachedFile {
  readonly kind: string;
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

export type Wish = Omit<ProposalWish, 'author' | 'attachments' | 'nowMs' | 'nonce' | 'window' | 'lifeMs'>;

export interface ProposeRequest extends IngestWish {
  /** What is wanted, or a draft whose wish is taken up again. */
  readonly what:
    | {
        readonly kind: 'wish';
        readonly wish: Wish;
        readonly expires: (nowMs: number) => number;
        readonly window: ((nowMs: number) => ProposalWish['window']) | null;
      }
    | { readonly kind: 'draft'; readonly name: string; readonly bytes: Uint8Array };
  readonly attachments: readonly AttachedFile[];
  readonly signer: string | null;
  readonly role: string | null;
  readonly newTenant: boolean;
}

export interface ProposeResult {
  readonly status: 'proposed' | 'draft';
  readonly proposal: ProposalDescription;
  /** `inbox/<name>`; null for a draft. */
  readonly file: string | null;
  readonly ingested: boolean;
  /** The server that it was handed to. */
  readonly submitted_to?: string;
  /** Members of a draft that were recomputed and differ now. */
  readonly recomputed: readonly string[];
  readonly next: string;
}

export interface ProposeOutcome {
  readonly result: ProposeResult;
  /** The signed proposal, or the draft file. */
  readonly bytes: Uint8Array;
  /** Of the ingest: the proposal is signed and waits, but it does not count yet. */
  readonly error: RonError | undefined;
}

export async function propose(request: ProposeRequest, deps: OperationDeps): Promise<ProposeOutcome> {
  const ctx = await storeContext(deps);
  const draft = request.what.kind === 'draft' ? readDraft(request.what.bytes, request.what.name) : null;
  const wanted = request.what.kind === 'wish' ? request.what.wish.action : (draft!.actions[0] ?? null);
  const options = { mayBeOld: wanted?.name === 'restore-accept' };
  demandState(readGovernance(ctx, options));
  const action = await withNewKeys(wanted, request.confirmTime === true, deps);
  const reading = readGovernance(ctx, options);
  const state = demandState(reading);
  const named =
    action?.name === 'restore-accept' ? await withLostKeys(restoreAction(ctx, reading, action), reading, deps) : action;
  const nowMs = ctx.clock.now();
  const author = findSigner(ctx, state.governed.set, {
    signer: request.signer ?? draft?.author ?? null,
    role: request.role,
  });
  const attachments = request.attachments.map(attachmentOf);
  const nonce = toBase64Url(ctx.random.bytes(16));
  const wish = { ...wishOf(request, draft, author, attachments, nowMs, nonce), action: named };
  demandKnown(reading, wish, request.newTenant);
  const content = draftProposal(state, wish);
  const built = buildProposal(content);
  const { proposal } = built;
  const recomputed = draft === null ? [] : differences(draft, proposal);
  const waiting: StatusNow = { status: 'not-ingested', reason: 'it counts once it is ingested' };
  const common = { proposal: describe(reading, proposal, author, built, waiting), recomputed };
  if (staysDraft(state, proposal)) {
    const missing = missingEvidence(proposal);
    const next = `ronctl governance propose --from FILE ${missing.map((kind) => `--attach ${kind}=FILE`).join(' ')}`;
    return {
      result: { status: 'draft', ...common, file: null, ingested: false, next },
      bytes: encodeDraft(built.payload),
      error: undefined,
    };
  }
  const released = await signProposal(ctx, reading, author, built, proposal, deps);
  if (!deps.dryRun) await keepAttachments(ctx, request.attachments);
  const written = await ingestWritten(request, [released.file], deps);
  const ingested = written.ingested || released.ingested;
  const result: ProposeResult = {
    status: 'proposed',
    ...common,
    ...(ingested ? { proposal: describe(reading, proposal, author, built, { status: 'open', reason: null }) } : {}),
    file: `inbox/${released.file}`,
    ingested,
    ...submittedTo(deps),
    next: `ronctl governance show ${proposal.id}`,
  };
  return { result, bytes: released.bytes, error: written.error };
}

function readDraft(bytes: Uint8Array, name: string): Proposal {
  const file = recogniseFile(bytes, name);
  if (file.kind !== 'draft') throw new RonError('Malformed', `${name} is no draft of a proposal`, { field: '--from' });
  return within(name, () => parseProposal({ payloadType: PROPOSAL_TYPE, payload: file.payload, signatures: [] }));
}

function attachmentOf(file: AttachedFile): Attachment {
  if (file.bytes.length > LIMITS.attachmentBytes) {
    throw new RonError(
      'TooLarge',
      `${file.name}: ${file.bytes.length} bytes; an attachment has at most ${LIMITS.attachmentBytes}`,
      { field: '--attach' },
    );
  }
  return {
    name: file.name,
    kind: file.kind,
    media_type: file.mediaType,
    size: file.bytes.length,
    sha256: sha256Hex(file.bytes),
  };
}

function wishOf(
  request: ProposeRequest,
  draft: Proposal | null,
  author: Member,
  attachments: readonly Attachment[],
  nowMs: number,
  nonce: string,
): ProposalWish {
  if (request.what.kind === 'draft') return { ...wishOfDraft(draft!, nowMs, nonce, attachments), author: author.id };
  const { wish, expires, window } = request.what;
  const lifeMs = expires(nowMs) - nowMs;
  const sorted = [...attachments].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    ...wish,
    author: author.id,
    attachments: sorted,
    lifeMs,
    window: window === null ? null : window(nowMs),
    nowMs,
    nonce,
  };
}

function demandKnown(reading: GovernanceReading, wish: ProposalWish, newTenant: boolean): void {
  const tenant = tenantOf(wish.scope);
  if (tenant !== null && !newTenant) demandTenant(tenant, tenantsHere(reading));
  const { action } = wish;
  if (action?.name !== 'key-retire' && action?.name !== 'key-compromised') return;
  const kid = action.kid.split('#')[0];
  if (!reading.home.view.keys.some((one) => one.kid === kid)) {
    throw new RonError('NotFound', `there is no key ${kid} in this store`, {
      field: '--action',
      hint: 'See `ronctl kms list`.',
    });
  }
}

const KEY_ROTATIONS = { 'service-key-rotate': 'service-keys', 'log-key-rotate': 'log-keys' } as const;

/** `new_keys` of a key rotation are made by the custody store now, and wait there for the execution. */
async function withNewKeys(action: Action | null, confirmTime: boolean, deps: OperationDeps): Promise<Action | null> {
  if (action?.name !== 'service-key-rotate' && action?.name !== 'log-key-rotate') return action;
  const which = KEY_ROTATIONS[action.name];
  if (deps.online !== null) {
    throw madeInHome(action.name);
  }
  const { result } = await withSession(deps, { dryRun: deps.dryRun, confirmTime }, async (session) => {
    const { put, keys } = await nextKeys(session.store, session.crypto, which);
    if (!deps.dryRun) {
      const pub = Object.fromEntries(
        Object.entries(keys).map(([member, key]) => [member, sha256Hex(fromBase64Url(key)!)]),
      );
      await session.store.mutate({
        puts: [put],
        audit: {
          op: 'create',
          actor: session.actor,
          purpose: which,
          result: 'ok',
          detail: { tracks: which === 'service-keys' ? ['ed25519', 'ml-dsa'] : ['ed25519', 'ml-dsa-44'], pub },
        },
      });
    }
    return keys;
  });
  return action.name === 'service-key-rotate'
    ? { name: 'service-key-rotate', new_keys: result as PublicKeys }
    : { name: 'log-key-rotate', new_keys: result as LogKeys };
}

/** What was rotated after the backup: the restored store holds new pairs ready, beside what counts. */
async function withLostKeys(
  action: RestoreAccept,
  { lostKeys }: GovernanceReading,
  deps: OperationDeps,
): Promise<Action> {
  if (!lostKeys.service && !lostKeys.log) return action;
  if (deps.online !== null) throw madeInHome(action.name);
  const store = await openCustodyStore(deps, { dryRun: deps.dryRun });
  try {
    return { ...action, new_keys: await stageLost(store, await deps.crypto(), lostKeys, deps.dryRun) };
  } finally {
    await store.close();
  }
}

const madeInHome = (name: Action['name']): RonError =>
  new RonError('Unsupported', `the new keys of ${name} are made in the home of the server only`, {
    field: '--kms',
    hint: 'Stop the server, propose in its home with --kms none, start it again.',
  });

/** Members that a draft had with another value; identity, times and nonce always differ. */
function differences(draft: Proposal, now: Proposal): string[] {
  const fresh = ['id', 'nonce', 'created_at', 'decide_by', 'expires_at', 'change_window', 'attachments'];
  return Object.keys(now).filter((name) => {
    const member = name as keyof Proposal;
    return !fresh.includes(name) && JSON.stringify(draft[member]) !== JSON.stringify(now[member]);
  });
}

function describe(
  reading: GovernanceReading,
  proposal: Proposal,
  author: Member,
  built: { readonly payloadType: string; readonly payload: Uint8Array },
  status: StatusNow,
): ProposalDescription {
  const state = demandState(reading);
  const { set } = state.governed;
  return describeProposal({
    body: proposal,
    digest: envelopeDigest(built),
    profile: state.governed.profile,
    set,
    votes: tally([], set, author.id),
    status,
    nowMs: judgedMs(reading),
    wall: reading.judged.now.wall,
    states: { before: state.governed, after: demandFits(state.governed, proposal) },
    knownTenants: tenantsHere(reading),
    source: sourceOf(reading),
  });
}

async function signProposal(
  ctx: StoreContext,
  reading: GovernanceReading,
  author: Member,
  built: { readonly payloadType: string; readonly payload: Uint8Array },
  proposal: Proposal,
  deps: OperationDeps,
) {
  const state = demandState(reading);
  const head = requestHead(reading);
  const { origin, size, root } = reading.home.checkpoint!;
  const signer = await openSigner(deps, author.id);
  try {
    return await release(
      ctx,
      signer,
      {
        ledgerId: state.ledgerId,
        built,
        id: author.id,
        keys: author.keys,
        newest: {
          ledger_seq: head.seq,
          epoch: state.governed.set.epoch,
          checkpoint: { origin, size, root: toHex(root) },
        },
        purpose: 'author',
        proposalDigest: envelopeDigest(built),
        baseState: proposal.base_state.hash,
        changedKeys: proposal.changeset.map((one) => one.key),
        at: toTime(fromTime(proposal.created_at)),
        ...acceptedBy(proposal),
        unsafe: false,
        dryRun: deps.dryRun,
      },
      deps,
    );
  } finally {
    signer.close();
  }
}

/** ledger/attachments/<sha256>: named by content, so that anybody may write them and nobody can swap them. */
async function keepAttachments(ctx: StoreContext, files: readonly AttachedFile[]): Promise<void> {
  if (files.length === 0) return;
  const directory = `${ctx.paths.ledger}/attachments`;
  ensureDirectory(ctx.files, ctx.paths.ledger);
  ensureDirectory(ctx.files, directory);
  for (const file of files) await writeFile(ctx, `${directory}/${sha256Hex(file.bytes)}`, file.bytes);
}
