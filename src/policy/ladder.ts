// The way from one PQ state of a scope to a phase as a sequence of proposals (I-49): one phase at a time; raises to phases 2
// and 3 in stages of the percentage, because they change what is accepted; everything else in one step. Refuses what
// rollout/transitions.ts refuses.

import { type Phase, type PqState, settled } from '../rollout/phases.ts';
import { applyChanges } from './apply.ts';
import type { Changeset } from './change.ts';
import type { Profile } from './profile.ts';
import { defaultRollback } from './rollback.ts';
import { approvedValue, type PolicyState, pqOf, type Scope } from './state.ts';

export interface Rung {
  readonly from: PqState;
  readonly to: PqState;
  readonly changeset: Changeset;
  readonly rollback: Changeset | null;
  readonly before: PolicyState;
  readonly after: PolicyState;
}

export const DEFAULT_STAGES: readonly number[] = [10, 50, 100];

function nextTargets(current: PqState, target: Phase, stages: readonly number[]): PqState {
  if (target < current.phase) return settled((current.phase - 1) as Phase);
  if (current.percent < 100) {
    const percent = stages.find((one) => one > current.percent) ?? 100;
    return percent === 100 ? settled(current.phase) : { ...current, percent };
  }
  const phase = (current.phase + 1) as Phase;
  const percent = phase >= 2 ? stages[0]! : 100;
  return percent === 100 ? settled(phase) : { phase, base_phase: current.phase, percent };
}

/** The rungs in order; empty when the scope already stands at the phase for all keys. `stages` ascend and end in 100. */
export function ladder(of: {
  readonly state: PolicyState;
  readonly scope: Scope;
  readonly target: Phase;
  readonly profile: Profile;
  readonly stages?: readonly number[];
}): Rung[] {
  const stages = of.stages ?? DEFAULT_STAGES;
  const rungs: Rung[] = [];
  let before = of.state;
  for (;;) {
    const from = pqOf(before, of.scope);
    if (from.phase === of.target && from.percent === 100) return rungs;
    const to = nextTargets(from, of.target, stages);
    const changes = [
      { key: 'pq.phase', to: to.phase },
      { key: 'pq.rollout_percent', to: to.percent },
    ];
    const changeset = changes
      .map(({ key, to: value }) => ({ key, from: approvedValue(before, of.scope, key), to: value }))
      .filter((entry) => entry.from !== entry.to);
    const after = applyChanges(before, of.scope, changeset, of.profile);
    const rollback = defaultRollback(changeset, before, of.scope);
    rungs.push({ from, to, changeset, rollback, before, after });
    before = after;
  }
}
