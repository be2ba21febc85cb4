// What executing a change of the PQ policy would do to the keys of this home (keys page 6): for `pq plan`, `governance show`
// and `approve`. Judged on approved values, so that an exception of today does not hide what is coming.

import { type Impact, impactOf, type KeyFacts, phasesOf } from '../../policy/impact.ts';
import { type PolicyState, pqOf, type Scope, tenantOf } from '../../policy/state.ts';
import { keyFacts, type PolicySource } from '../policy/source.ts';

export interface PolicyStep {
  readonly scope: Scope;
  readonly before: PolicyState;
  readonly after: PolicyState;
}

/** Keys that exist before a raise are placed by the cohort, whatever earlier raise they were made after. */
export function keysAfter(keys: readonly KeyFacts[], { scope, before, after }: PolicyStep): readonly KeyFacts[] {
  if (pqOf(after, scope).phase <= pqOf(before, scope).phase) return keys;
  const layer = scope === 'global' ? 'global' : 'tenant';
  return keys.map((key) => ({ ...key, createdAfterRaise: { ...key.createdAfterRaise, [layer]: false } }));
}

/** `keys`: those of the scope, as `keyFacts` gives them, or as an earlier step leaves them. */
export function impactOfStep(source: PolicySource, step: PolicyStep, keys: readonly KeyFacts[]): Impact {
  const at = (state: PolicyState, facts: readonly KeyFacts[]) =>
    phasesOf(facts, { state, overlays: [], judged: source.judged }, source.policy.genesisNonce);
  return impactOf(keys, at(step.before, keys), at(step.after, keysAfter(keys, step)));
}

export interface ImpactCounts {
  readonly keys_moving: number;
  readonly versions_losing: number;
  readonly missing_tracks: number;
}

/** The numbers that approvers see; null when no key of this home is touched by it. */
export function countImpact(source: PolicySource, step: PolicyStep): ImpactCounts | null {
  const keys = keyFacts(source, tenantOf(step.scope));
  if (keys.length === 0) return null;
  const impact = impactOfStep(source, step, keys);
  return {
    keys_moving: impact.moving.length,
    versions_losing: impact.losing.length,
    missing_tracks: impact.missingTracks.length,
  };
}
