// May this proposal be executed now? (governance page 10, step 2). Judged once, at `judged_at`, in the order of the page:
// quorum (12), rejected or withdrawn (16), too late (13), window (13), signer set, V, `from`, possessions (15), `seen` (11),
// post-quantum tracks and key states (16, 15). The clock is the wall clock, and never earlier than the newest time seen:
// a clock set back does not revive an expired proposal.

import { fromTime, toTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import { demandCurrent, demandWindow, tallyOf } from '../../governance/ledger-admit.ts';
import { ownLine } from '../../governance/ledger-load.ts';
import type { OpenProposal } from '../../governance/ledger-state.ts';
import type { Tally } from '../../governance/quorum.ts';
import type { Statement } from '../../governance/statement.ts';
import type { Moment } from '../../host.ts';
import type { PublicView } from '../../keys/public-view.ts';
import { pqOf, type Scope, tenantOf } from '../../policy/state.ts';
import { refuseBelowTracks } from '../../rollout/transitions.ts';
import type { LedgerWriter } from './governance-ledger.ts';

export interface VoteStatus {
  readonly approvals: readonly string[];
  readonly rejects: readonly string[];
  readonly waiting: readonly string[];
  readonly threshold: number;
  readonly required_roles: number;
  readonly approved_roles: readonly string[];
}

export function voteStatus(votes: Tally): VoteStatus {
  return {
    approvals: votes.approvals,
    rejects: votes.rejects,
    waiting: votes.waiting,
    threshold: votes.threshold,
    required_roles: votes.requiredRoles,
    approved_roles: votes.approvedRoles,
  };
}

/** Throws the first thing that stands in the way. `here`: how far ledger and log are known. */
export function judgeExecution(
  writer: LedgerWriter,
  open: OpenProposal,
  judgedAt: Moment,
  here: Pick<LedgerWriter, 'place' | 'line'> = writer,
): void {
  const { state, store } = writer;
  const { body } = open.proposal;
  const wall = Math.max(fromTime(judgedAt.wall), body.kind === 'clock-reset' ? 0 : writer.highWaterMs());
  judgeVotes(writer, open, wall);
  demandWindow(body, judgedAt.wall);
  demandWindow(body, toTime(Math.max(wall, fromTime(judgedAt.wall))));
  const after = demandCurrent(state, open);
  for (const { body: statement } of open.statements) demandSeenHere(statement, here);
  const scope = body.scope;
  if (body.actions.length === 0) {
    refuseBelowTracks(
      pqOf(state.governed.policy, scope),
      pqOf(after.policy, scope),
      hasPqTracks(store.view, scope),
      scope,
    );
  }
}

function judgeVotes(writer: LedgerWriter, open: OpenProposal, wall: number): void {
  const { body } = open.proposal;
  const votes = tallyOf(writer.state, open);
  const data = { id: body.id, votes: voteStatus(votes), decide_by: body.decide_by, expires_at: body.expires_at };
  if (votes.withdrawn) throw new RonError('Rejected', `${body.id} was withdrawn by its author`);
  if (votes.reached) return;
  if (votes.unreachable) {
    throw new RonError('Rejected', `${body.id} was rejected by ${[...votes.rejects, ...votes.voided].join(', ')}`);
  }
  if (wall >= fromTime(body.decide_by)) {
    throw new RonError('Expired', `${body.id} had no quorum at ${body.decide_by} and is rejected`, {
      field: 'decide_by',
    });
  }
  const roleOf = (id: string): string => body.signer_set.members.find((one) => one.id === id)?.role ?? '?';
  const waiting = votes.waiting.map((id) => `${id} (${roleOf(id)})`).join(', ');
  throw new RonError(
    'QuorumPending',
    `${body.id} has members ${votes.approvals.length}/${votes.threshold}, roles ${votes.approvedRoles.length}/${votes.requiredRoles}; waiting for ${waiting}`,
    { data, hint: `One of them: ronctl governance approve ${body.id}` },
  );
}

/** LedgerBehind when the signer has verified a longer ledger or log than is here; Tampered when it was another one. */
export function demandSeenHere(
  { seen, signer }: Pick<Statement, 'seen' | 'signer'>,
  here: Pick<LedgerWriter, 'place' | 'line'>,
): void {
  const { ledgerSeq, logSize, origin } = here.place();
  const hint = 'Import the missing ledger lines, or find out why this home is older.';
  if (seen.ledger_seq > ledgerSeq) {
    throw new RonError(
      'LedgerBehind',
      `${signer} has seen ledger line ${seen.ledger_seq}; this ledger ends at ${ledgerSeq}`,
      { field: 'seen.ledger_seq', hint },
    );
  }
  if (ownLine(here.line(seen.ledger_seq)).hash !== seen.ledger_hash) {
    throw new RonError(
      'Tampered',
      `${signer} has seen another ledger line ${seen.ledger_seq} than stands here: a fork`,
      {
        field: 'seen.ledger_hash',
      },
    );
  }
  if (seen.checkpoint.origin === origin && seen.checkpoint.size > logSize) {
    throw new RonError(
      'LedgerBehind',
      `${signer} has seen an audit log of ${seen.checkpoint.size} records; this one has ${logSize}`,
      { field: 'seen.checkpoint', hint },
    );
  }
}

const PQ_TRACKS: readonly string[] = ['ml-dsa', 'slh-dsa', 'ml-kem', 'x-wing'];

/** True when a live key of the scope has a post-quantum track. */
export function hasPqTracks(view: PublicView, scope: Scope): boolean {
  const tenant = tenantOf(scope);
  return view.keys.some(
    (key) =>
      (tenant === null || key.kid.startsWith(`${tenant}/`)) &&
      key.state === 'active' &&
      key.versions.some((version) => version.tracks.some((track) => PQ_TRACKS.includes(track))),
  );
}
