// The floor of a proposal's risk (governance page 6), computed: an author may state more, never less. Without a state the
// floor follows from the changeset alone; with the state it was written against, also from the phase that it moves within.

import { actionRisk, changesetRisk, type RiskLevel } from '../policy/change.ts';
import { initialPolicy, type PolicyState, type Scope } from '../policy/state.ts';
import type { Action } from './actions.ts';
import type { ProposedChange } from './proposal.ts';

export type { RiskLevel };

/** Ascending. */
export const RISK_LEVELS: readonly RiskLevel[] = ['low', 'medium', 'high'];

export function riskFloorOf(
  of: { readonly scope: Scope; readonly changeset: readonly ProposedChange[]; readonly actions: readonly Action[] },
  before: PolicyState = initialPolicy('dev'),
): RiskLevel {
  const action = of.actions[0];
  return action === undefined ? changesetRisk(of.changeset, before, of.scope) : actionRisk(action.name);
}

export function isBelow(level: RiskLevel, floor: RiskLevel): boolean {
  return RISK_LEVELS.indexOf(level) < RISK_LEVELS.indexOf(floor);
}
