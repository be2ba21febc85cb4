// `governance show`: one proposal of this home, in the ledger or still in the inbox, or one in a request file. Nothing is
// unsealed; a proposal that waits in the inbox is shown as `not-ingested` and its votes there are not counted.

import { fromTime } from '../../bytes/time.ts';
import { envelopeDigest } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import { demandCurrent } from '../../governance/ledger-admit.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import type { Governed } from '../../governance/outcome.ts';
import { demandFits } from '../../governance/outcome.ts';
import { verifyProposal } from '../../governance/proposal.ts';
import { tally } from '../../governance/quorum.ts';
import { signerSetHash } from '../../governance/signer-set.ts';
import { parseStatement, verifyStatement } from '../../governance/statement.ts';
import { type StatusNow, statusNow } from '../../governance/status.ts';
import { parseKeyId } from '../../keys/key-id.ts';
import { demandState, type GovernanceReading, readGovernance } from '../../kms/service/governance-reader.ts';
import {
  type LocatedProposal,
  ledgerStatements,
  locateProposal,
  waitingSubmissions,
} from '../../kms/service/governance-request.ts';
import { knownTenants } from '../../policy/tenant.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { sourceOf } from '../policy/source.ts';
import { describeProposal, type ProposalDescription } from './describe.ts';

export interface ShowRequest {
  /** A full id, or a unique beginning of 10 characters or more. */
  readonly id: string;
}

export interface WaitingStatement {
  readonly purpose: string;
  readonly by: string;
  readonly digest: string;
  readonly file: string;
}

export interface ShowResult extends ProposalDescription {
  readonly trust: string;
  readonly ingested: boolean;
  readonly ledger_seq: number | null;
  /** Files about this proposal in the inbox: they do not count yet. */
  readonly waiting: readonly WaitingStatement[];
}

/** Tenants that have a key or a value here. */
export function tenantsHere(reading: GovernanceReading): string[] {
  const keys = reading.home.view.keys.flatMap((key) => parseKeyId(key.kid)?.tenant ?? []);
  return knownTenants(reading.governance.policy, keys);
}

/** The wall clock, never earlier than the newest time seen. */
export const judgedMs = (reading: GovernanceReading): number =>
  Math.max(fromTime(reading.judged.now.wall), reading.judged.highWaterMs);

export async function show(request: ShowRequest, deps: OperationDeps): Promise<ShowResult> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  return showIn(ctx, reading, locateProposal(ctx, reading, request.id, true));
}

export function showIn(ctx: StoreContext, reading: GovernanceReading, located: LocatedProposal): ShowResult {
  const state = demandState(reading);
  const { body, envelope, entry, open } = located;
  const set = state.sets[body.signer_set.epoch];
  if (set === undefined || signerSetHash(set) !== body.signer_set.hash) {
    throw new RonError('Stale', `${located.id} names a signer set that was never in force here`, {
      field: 'signer_set',
    });
  }
  verifyProposal(ctx.crypto, envelope, set);
  const counted = ledgerStatements(reading, entry).filter((one) => parseStatement(one).proposal_id === located.id);
  const votes = tally(
    open?.statements ?? counted.map((one) => verifyStatement(ctx.crypto, one, set, body.signer_set.hash)),
    set,
    body.author,
  );
  const nowMs = judgedMs(reading);
  const digest = envelopeDigest(envelope);
  const description = describeProposal({
    body,
    digest,
    profile: state.governed.profile,
    set,
    votes,
    status: statusOf(state, located, nowMs),
    nowMs,
    wall: reading.judged.now.wall,
    states: statesOf(state, located),
    knownTenants: tenantsHere(reading),
    source: sourceOf(reading),
  });
  const waiting = waitingSubmissions(ctx)
    .filter(({ submission }) => submission.type !== 'proposal' && submission.proposalDigest === digest)
    .map(({ name, submission }) => ({
      purpose: submission.purpose,
      by: submission.by,
      digest: submission.digest,
      file: name,
    }));
  return { ...description, trust: reading.trust, ingested: entry !== null, ledger_seq: entry?.seq ?? null, waiting };
}

function statusOf(state: LedgerState, { entry, open, body }: LocatedProposal, nowMs: number): StatusNow {
  if (entry !== null) return statusNow(state, entry, open, nowMs);
  const late = nowMs >= fromTime(body.expires_at);
  return { status: 'not-ingested', reason: late ? `expired at ${body.expires_at}` : 'it counts once it is ingested' };
}

/** Before and after, while the proposal still fits the state. */
function statesOf(
  state: LedgerState,
  { open, entry, body }: LocatedProposal,
): { before: Governed; after: Governed } | null {
  if (entry !== null && open === null) return null;
  try {
    const after = open === null ? demandFits(state.governed, body) : demandCurrent(state, open);
    return { before: state.governed, after };
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    try {
      return { before: state.governed, after: demandFits(state.governed, body) };
    } catch (again) {
      if (again instanceof RonError) return null;
      throw again;
    }
  }
}
