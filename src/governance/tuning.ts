// Acts without a quorum (governance page 10): a tune of a tunable key within 20 % of its approved value (no ratchet), wider
// only inside a live envelope; and the one use of a pre-authorised rollback clause. Both are ledger lines that every replay
// judges again. Refuses: keys that are not tunable, values outside the bounds, clauses that ended, were used or overtaken.

import { canonicalText } from '../bytes/canonical-json.ts';
import { fromTime } from '../bytes/time.ts';
import { RonError } from '../errors.ts';
import type { Moment } from '../host.ts';
import {
  type Grant,
  type Judged,
  remainingMs,
  type TuneEnvelope,
  type Tune as TuneOverlay,
} from '../policy/overlay.ts';
import { rowOf } from '../policy/registry.ts';
import { approvedValue, pqOf, type Scope, tenantOf } from '../policy/state.ts';
import { checkValue, tuneBounds } from '../policy/value.ts';
import { isPhase } from '../rollout/phases.ts';
import { evaluateClause, ROLLBACK_REST_DAYS } from '../rollout/rollback-clause.ts';
import type { Rollback, Tune } from './ledger.ts';
import type { Clause, LedgerState } from './ledger-state.ts';

/** The value in force of a tunable key: the tuned one, else the approved one. */
export function tunedValue(state: LedgerState, scope: Scope, key: string): number {
  const tuned = state.overlays.findLast((one) => one.kind === 'tune' && one.scope === scope && one.key === key);
  return tuned?.kind === 'tune' ? tuned.to : Number(approvedValue(state.governed.policy, scope, key));
}

/** As a replay judges: by the moment in the line and the times of the lines before it. */
const replayed = (state: LedgerState, now: Moment): Judged => ({ now, highWaterMs: fromTime(state.mark) });

export interface TuneRoom {
  readonly baseline: number;
  readonly min: number;
  readonly max: number;
  /** The live envelope that widens the room, by the ledger line that gave it. */
  readonly envelope: number | null;
}

/**
 * How far a key may be tuned now; throws when it may not be tuned at all. `judged`: the writer also knows the times of the
 * log; a replay knows those of the ledger.
 */
export function tuneRoom(state: LedgerState, scope: Scope, key: string, judged: Judged): TuneRoom {
  const row = rowOf(key);
  if (row === null)
    throw new RonError('UnknownKey', `no governable key is called ${JSON.stringify(key)}`, { field: key });
  if (row.sensitive !== 'tunable') {
    throw new RonError('PolicyRefused', `${key} is not tunable; a change of it needs a quorum`, {
      field: key,
      hint: `ronctl governance propose --scope ${scope} --change ${key}=VALUE --rationale TEXT`,
    });
  }
  if (tenantOf(scope) !== null && row.scope === 'global') {
    throw new RonError('InvalidValue', `${key} has no value per tenant`, { field: '--tenant' });
  }
  const baseline = Number(approvedValue(state.governed.policy, scope, key));
  const bounds = tuneBounds(baseline);
  const wide = state.overlays.find(
    (one): one is TuneEnvelope =>
      one.kind === 'envelope' && one.scope === scope && one.bounds.has(key) && remainingMs(one, judged) > 0,
  );
  const bound = wide?.bounds.get(key);
  if (wide === undefined || bound === undefined) return { baseline, ...bounds, envelope: null };
  return { baseline, min: Math.min(bounds.min, bound.min), max: Math.max(bounds.max, bound.max), envelope: wide.seq };
}

/** Checks a wanted value; `PolicyRefused` naming the room. */
export function demandTune(state: LedgerState, scope: Scope, key: string, to: number, judged: Judged): TuneRoom {
  const room = tuneRoom(state, scope, key, judged);
  checkValue(rowOf(key)!, to, state.governed.profile);
  if (to === tunedValue(state, scope, key))
    throw new RonError('NoChange', `${scope}: ${key} is already ${to}`, { field: key });
  if (to < room.min || to > room.max) {
    throw new RonError(
      'PolicyRefused',
      `${key}=${to} is outside ${room.min}..${room.max} (20 % of the approved ${room.baseline})`,
      {
        field: key,
        hint: `ronctl governance propose --scope ${scope} --change ${key}=${to} --rationale TEXT`,
      },
    );
  }
  return room;
}

export function admitTune(state: LedgerState, tune: Tune, seq: number): TuneOverlay {
  const room = demandTune(state, tune.scope, tune.key, tune.to, replayed(state, tune.judged_at));
  if (tune.baseline !== room.baseline || tune.from !== tunedValue(state, tune.scope, tune.key)) {
    throw new RonError('Conflict', `the tune of ${tune.key} does not start from the value in force`, { field: 'from' });
  }
  return { kind: 'tune', seq, scope: tune.scope, key: tune.key, to: tune.to, baseline: tune.baseline };
}

/** The clause of a scope that the next `pq rollback` would use, newest first; null when there is none. */
export function clauseOf(state: LedgerState, scope: Scope): Clause | null {
  return state.clauses.findLast((one) => one.scope === scope) ?? null;
}

/** Rollbacks of a scope within the last 30 days. */
function recentRollbacks(state: LedgerState, scope: Scope, now: Moment): number {
  const restMs = ROLLBACK_REST_DAYS * 24 * 3_600_000;
  return state.overlays.filter(
    (one) =>
      one.kind === 'rollback' && one.scope === scope && fromTime(now.wall) - fromTime(one.judged_at.wall) < restMs,
  ).length;
}

/** The clause of a scope; without one NotFound, or PolicyRefused when it was used within the last 30 days. */
export function demandClause(state: LedgerState, scope: Scope, now: Moment): Clause {
  const clause = clauseOf(state, scope);
  if (clause !== null) return clause;
  const hint = `A quorum can allow an exception: ronctl governance propose --scope ${scope} --action exception:JSON --rationale TEXT`;
  if (recentRollbacks(state, scope, now) > 0) {
    const message = `${scope} was rolled back within the last ${ROLLBACK_REST_DAYS} days; a second time needs a quorum`;
    throw new RonError('PolicyRefused', message, { field: '--tenant', hint });
  }
  throw new RonError('NotFound', `${scope} has no unused rollback clause`, { field: '--tenant', hint });
}

/** Judges the use of a clause now; throws what rollout/rollback-clause.ts refuses. */
export function demandRollback(
  state: LedgerState,
  clause: Clause,
  judged: Judged,
  durationS: number | null,
): { readonly durationS: number } {
  const phase = clause.changeset.find((one) => one.key === 'pq.phase')?.to;
  const percent = clause.changeset.find((one) => one.key === 'pq.rollout_percent')?.to;
  const verdict = evaluateClause({
    proposalId: clause.id,
    scope: clause.scope,
    request: { ...(isPhase(phase) ? { phase } : {}), ...(typeof percent === 'number' ? { percent } : {}) },
    remainingMs: remainingMs({ judged_at: clause.judged_at, duration_s: clause.valid_for_s }, judged),
    used: false,
    overtakenBy: null,
    current: pqOf(state.governed.policy, clause.scope),
    recentRollbacks: recentRollbacks(state, clause.scope, judged.now),
    frozen: false,
    durationS,
  });
  return { durationS: verdict.durationS };
}

export function admitRollback(
  state: LedgerState,
  rollback: Rollback,
  seq: number,
): { readonly overlay: Grant; readonly clause: Clause } {
  const clause = state.clauses.find((one) => one.proposal_digest === rollback.proposal_digest);
  if (clause === undefined || clause.scope !== rollback.scope) {
    throw new RonError('PolicyRefused', 'no unused rollback clause of this proposal', { field: 'proposal_digest' });
  }
  if (canonicalText(clause.changeset) !== canonicalText(rollback.changes)) {
    throw new RonError('Conflict', 'the changes are not those of the clause', { field: 'changes' });
  }
  demandRollback(state, clause, replayed(state, rollback.judged_at), rollback.duration_s);
  const changes = clause.changeset.map(({ key, to }) => ({ key, to }));
  const timed = { seq, scope: clause.scope, judged_at: rollback.judged_at, duration_s: rollback.duration_s };
  return { overlay: { kind: 'rollback', ...timed, changes }, clause };
}
