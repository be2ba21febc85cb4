// The rollback clause as a proposal carries it (governance pages 6 and 10, R-15, I-40): which changeset a single command may
// bring back for a time after this proposal was executed. Refuses: keys that the proposal does not change, anything that
// would tighten, more than one notch, a phase below 1, and no clause at all for raises to or within phases 2 and 3.
// What its use asks for is in rollout/rollback-clause.ts.

import { canonicalText } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import { comparePq, nextPqState, type PqRequest } from '../rollout/transitions.ts';
import { applyChanges } from './apply.ts';
import { type ChangeInput, type Changeset, changesAgainst, pqDirectionOf } from './change.ts';
import type { Profile } from './profile.ts';
import { rowOf } from './registry.ts';
import { type PolicyState, pqOf, type Scope } from './state.ts';
import { compare, formatValue } from './value.ts';

export const ROLLBACK_VALID_DEFAULT_S = 86_400;
export const ROLLBACK_VALID_MAX_S = 604_800;

/** A raise to, or more percent within, phase 2 or 3: such a proposal always carries a clause. */
export function rollbackRequired(changeset: Changeset, state: PolicyState, scope: Scope): boolean {
  const direction = pqDirectionOf(changeset);
  const target = changeset.find((entry) => entry.key === 'pq.phase')?.to ?? pqOf(state, scope).phase;
  return (direction === 'raise' || direction === 'percent-up') && Number(target) >= 2;
}

/** One notch back (a percentage: its old value) where a clause is required, else null for `none`. */
export function defaultRollback(changeset: Changeset, state: PolicyState, scope: Scope): Changeset | null {
  if (!rollbackRequired(changeset, state, scope)) return null;
  return changeset
    .filter((entry) => entry.key === 'pq.phase' || entry.key === 'pq.rollout_percent')
    .map((entry) => ({ key: entry.key, from: entry.to, to: entry.from }));
}

function refuse(key: string, why: string): never {
  throw new RonError('InvalidValue', `rollback of ${key}: ${why}`, { field: '--rollback' });
}

function checkPq(clause: Changeset, after: PolicyState, scope: Scope): void {
  const entries = clause.filter((entry) => entry.key === 'pq.phase' || entry.key === 'pq.rollout_percent');
  if (entries.length === 0) return;
  const request: { phase?: NonNullable<PqRequest['phase']>; percent?: number } = {};
  for (const entry of entries) {
    if (entry.key === 'pq.phase') request.phase = entry.to as NonNullable<PqRequest['phase']>;
    else request.percent = Number(entry.to);
  }
  const current = pqOf(after, scope);
  const next = nextPqState(current, request, scope);
  if (comparePq(next, current) >= 0) refuse('pq', 'a rollback clause only loosens');
  if (next.base_phase < 1) refuse('pq', 'no clause goes below phase 1');
}

/** Checks a clause against its proposal; `before` is the state that the proposal was written against. Throws InvalidValue. */
export function checkRollback(
  clause: Changeset,
  proposal: {
    readonly changeset: Changeset;
    readonly scope: Scope;
    readonly before: PolicyState;
    readonly profile: Profile;
  },
): void {
  const { changeset, scope, before, profile } = proposal;
  const after = applyChanges(before, scope, changeset, profile);
  for (const [index, entry] of clause.entries()) {
    const changed = changeset.find((one) => one.key === entry.key);
    if (changed === undefined) refuse(entry.key, 'the proposal does not change this key');
    if (index > 0 && clause[index - 1]!.key >= entry.key) refuse(entry.key, 'keys are sorted and unique');
    if (canonicalText(entry.from) !== canonicalText(changed.to)) {
      refuse(entry.key, `it starts from ${formatValue(changed.to)}, not ${formatValue(entry.from)}`);
    }
    if (entry.key === 'pq.phase' || entry.key === 'pq.rollout_percent') continue;
    const row = rowOf(entry.key)!;
    if (canonicalText(entry.to) !== canonicalText(changed.from)) {
      refuse(entry.key, `only the value before, ${formatValue(changed.from)}, can come back`);
    }
    if (compare(row, entry.from, entry.to) === 'tighter') refuse(entry.key, 'a rollback clause only loosens');
  }
  checkPq(clause, after, scope);
}

/** The clause that `--rollback` means for a proposal: `none`, `KEY=VALUE[,...]`, or the default when it is not given. */
export function rollbackFor(
  inputs: readonly ChangeInput[] | 'none' | null,
  proposal: {
    readonly changeset: Changeset;
    readonly scope: Scope;
    readonly before: PolicyState;
    readonly profile: Profile;
  },
): Changeset | null {
  const { changeset, scope, before, profile } = proposal;
  if (inputs === null) return defaultRollback(changeset, before, scope);
  if (inputs === 'none') {
    if (rollbackRequired(changeset, before, scope)) {
      throw new RonError('InvalidValue', 'a raise to or within phase 2 or 3 always carries a rollback clause', {
        field: '--rollback',
        hint: 'Leave --rollback away for one notch, valid 24 h.',
      });
    }
    return null;
  }
  const clause = changesAgainst(inputs, applyChanges(before, scope, changeset, profile), scope, profile);
  checkRollback(clause, proposal);
  return clause;
}
