// `governance list`: open proposals, what waits in the inbox, and the newest closed ones. From the authenticated state; only
// the lines that are shown are read from the ledger.

import { fromTime } from '../../bytes/time.ts';
import type { IndexEntry } from '../../governance/index-entry.ts';
import { proposalLine } from '../../governance/ledger-load.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import { type Proposal, parseProposal } from '../../governance/proposal.ts';
import { requiredRoles } from '../../governance/signer-set.ts';
import { statusNow } from '../../governance/status.ts';
import { demandState, type GovernanceReading, readGovernance } from '../../kms/service/governance-reader.ts';
import { waitingSubmissions } from '../../kms/service/governance-request.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { judgedMs } from './show.ts';

export interface ListRequest {
  /** Every closed proposal too, not only the newest. */
  readonly all: boolean;
}

export interface ListedProposal {
  readonly id: string;
  readonly status: string;
  readonly kind: string;
  readonly scope: string;
  readonly author: string;
  readonly approvals: number;
  readonly threshold: number;
  readonly rejects: number;
  readonly roles: number;
  readonly decide_by: string;
  readonly expires_at: string;
  readonly seconds_left: number;
  readonly ingested: boolean;
}

export interface ListResult {
  readonly ledger_id: string;
  readonly trust: string;
  readonly judged_at: string;
  readonly proposals: readonly ListedProposal[];
  /** In the ledger, shown or not. */
  readonly total: number;
  /** Statements and possessions in the inbox. */
  readonly waiting: number;
}

const NEWEST_CLOSED = 20;

export async function listProposals(request: ListRequest, deps: OperationDeps): Promise<ListResult> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  const state = demandState(reading);
  const nowMs = judgedMs(reading);
  const entries = [...state.index.values()];
  const isLive = (one: IndexEntry): boolean => state.open.has(one.id) && fromTime(one.expires_at) > nowMs;
  const closed = entries.filter((one) => !isLive(one)).sort((a, b) => b.seq - a.seq);
  const shown = [
    ...entries.filter(isLive).sort((a, b) => b.seq - a.seq),
    ...(request.all ? closed : closed.slice(0, NEWEST_CLOSED)),
  ];
  const waiting = waitingSubmissions(ctx).map(({ submission }) => submission);
  const fresh = waiting.filter((one) => one.type === 'proposal' && !state.index.has(one.proposalId!));
  return {
    ledger_id: state.ledgerId,
    trust: reading.trust,
    judged_at: reading.judged.now.wall,
    proposals: [
      ...fresh.map((one) => listed(state, one.proposal!, null, nowMs)),
      ...shown.map((one) => listed(state, bodyOf(reading, state, one), one, nowMs)),
    ],
    total: entries.length,
    waiting: waiting.length - waiting.filter((one) => one.type === 'proposal').length,
  };
}

function bodyOf(reading: GovernanceReading, state: LedgerState, entry: IndexEntry): Proposal {
  const open = state.open.get(entry.id);
  if (open !== undefined) return open.proposal.body;
  return parseProposal(proposalLine(entry, reading.line));
}

function listed(state: LedgerState, body: Proposal, entry: IndexEntry | null, nowMs: number): ListedProposal {
  const roleOf = (id: string): string => body.signer_set.members.find((one) => one.id === id)?.role ?? id;
  const approvals = entry?.approvals ?? [];
  const status =
    entry === null ? 'not-ingested' : statusNow(state, entry, state.open.get(entry.id) ?? null, nowMs).status;
  const end = status === 'open' || status === 'not-ingested' ? body.decide_by : body.expires_at;
  return {
    id: body.id,
    status,
    kind: body.kind,
    scope: body.scope,
    author: body.author,
    approvals: approvals.length,
    threshold: body.signer_set.threshold,
    rejects: entry?.rejects.length ?? 0,
    roles: Math.min(new Set(approvals.map(roleOf)).size, requiredRoles(body.signer_set)),
    decide_by: body.decide_by,
    expires_at: body.expires_at,
    seconds_left:
      entry !== null && entry.execution !== 'none' ? 0 : Math.max(0, Math.ceil((fromTime(end) - nowMs) / 1000)),
    ingested: entry !== null,
  };
}
