// Using a rollback clause (governance page 10, R-15, I-40): one person, no new signatures, once. It gives an exception of at
// most 24 h, one notch looser. Refuses: a clause that has ended (Expired), was used, or was overtaken by a later execution on
// the same key and scope, a second use for one scope within 30 days (PolicyRefused), use during a freeze (Frozen).
// Attack: the clause is fired again and again; whoever can forge classical signatures would be rewarded with OR.

import { RonError } from '../errors.ts';
import type { PqState } from './phases.ts';
import { comparePq, nextPqState, type PqRequest } from './transitions.ts';

export const ROLLBACK_MAX_S = 86_400;
export const ROLLBACK_REST_DAYS = 30;

/** All facts come from the ledger, judged by the caller at one moment. */
export interface ClauseFacts {
  readonly proposalId: string;
  readonly scope: string;
  /** What the clause allows; keys `pq.phase`, `pq.rollout_percent`. */
  readonly request: PqRequest;
  /** How long the clause may still be used, counted from the execution of its proposal. */
  readonly remainingMs: number;
  readonly used: boolean;
  /** Id of a later executed proposal on the same key and scope, or null. */
  readonly overtakenBy: string | null;
  /** Approved PQ state of the scope now. */
  readonly current: PqState;
  /** Rollback lines for this scope within the last 30 days. */
  readonly recentRollbacks: number;
  readonly frozen: boolean;
  /** Wanted length; null = the most that is allowed. */
  readonly durationS: number | null;
}

/** The state that the exception gives and for how long. Throws RonError when the clause does not serve. */
export function evaluateClause(facts: ClauseFacts): { readonly target: PqState; readonly durationS: number } {
  const { proposalId, scope } = facts;
  const propose = `Propose it: ronctl governance propose --scope ${scope} --action exception:JSON --rationale TEXT`;
  if (facts.frozen) throw new RonError('Frozen', 'a freeze is in force; nothing loosens until it ends');
  if (facts.used) {
    throw new RonError('PolicyRefused', `the rollback clause of ${proposalId} was used already`, { hint: propose });
  }
  if (facts.overtakenBy !== null) {
    throw new RonError('PolicyRefused', `the rollback clause of ${proposalId} is void since ${facts.overtakenBy}`, {
      hint: propose,
    });
  }
  if (facts.remainingMs <= 0) {
    throw new RonError('Expired', `the rollback clause of ${proposalId} has ended`, { hint: propose });
  }
  if (facts.recentRollbacks > 0) {
    throw new RonError('PolicyRefused', `${scope} was rolled back within the last ${ROLLBACK_REST_DAYS} days`, {
      hint: `A second time needs a quorum. ${propose}`,
    });
  }
  const durationS = facts.durationS ?? ROLLBACK_MAX_S;
  if (!Number.isInteger(durationS) || durationS < 1 || durationS > ROLLBACK_MAX_S) {
    throw new RonError('InvalidValue', `a rollback lasts 1 s to ${ROLLBACK_MAX_S} s, not ${durationS}`, {
      field: '--for',
    });
  }
  const target = nextPqState(facts.current, facts.request, scope);
  if (comparePq(target, facts.current) >= 0 || target.base_phase < 1) {
    throw new RonError(
      'PolicyRefused',
      `the rollback clause of ${proposalId} would not loosen by one notch above phase 1`,
      {
        field: 'pq.phase',
      },
    );
  }
  return { target, durationS };
}
