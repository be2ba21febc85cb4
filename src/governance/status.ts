// Where a proposal stands for a reader now (governance page 10): the decision of the votes, overtaken by time and by what has
// changed since. Judged at each read, never stored.

import { fromTime } from '../bytes/time.ts';
import { RonError } from '../errors.ts';
import type { Decision, Execution, IndexEntry } from './index-entry.ts';
import { demandCurrent } from './ledger-admit.ts';
import type { LedgerState, OpenProposal } from './ledger-state.ts';

export type Status =
  | Exclude<Decision, 'open'>
  | 'open'
  | 'expired'
  | 'stale'
  | 'not-ingested'
  | Exclude<Execution, 'none'>;

export interface StatusNow {
  readonly status: Status;
  /** Why, when it cannot go on; names the member for `stale`. */
  readonly reason: string | null;
}

const plain = (status: Status, reason: string | null = null): StatusNow => ({ status, reason });

/** `nowMs` = the wall clock, never earlier than the newest time seen. `open` is null when it is closed or long over. */
export function statusNow(state: LedgerState, entry: IndexEntry, open: OpenProposal | null, nowMs: number): StatusNow {
  if (entry.execution !== 'none') return plain(entry.execution);
  if (entry.decision === 'withdrawn' || entry.decision === 'suspended') return plain(entry.decision);
  if (entry.decision !== 'approved' && nowMs >= fromTime(entry.decide_by)) {
    return plain('rejected', `no quorum by ${entry.decide_by}`);
  }
  if (nowMs >= fromTime(entry.expires_at)) return plain('expired', `expired at ${entry.expires_at}`);
  const window = open?.proposal.body.change_window;
  if (entry.decision === 'approved' && window !== undefined && nowMs >= fromTime(window.not_after)) {
    return plain('expired', `the change window ended at ${window.not_after}`);
  }
  const stale = open === null ? null : staleness(state, open);
  if (stale !== null) return plain('stale', stale);
  return plain(entry.decision, entry.decision === 'rejected' ? 'the votes cast make a quorum impossible' : null);
}

/** The first member that no longer fits, or null. A missing proof of possession may still come. */
export function staleness(state: LedgerState, open: OpenProposal): string | null {
  try {
    demandCurrent(state, open);
    return null;
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    if (error.field === 'actions[0].new_set' && error.code === 'Stale') return null;
    return error.code === 'Stale' ? `${error.field}: ${error.message}` : error.message;
  }
}
