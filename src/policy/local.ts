// What one process holds beside the approved policy, from its configuration (service page 6, R-34): in a governed store only
// what is tighter counts, so that a later ledger line that is tighter still wins; before adoption the configured values stand
// in the place of the start values. Nothing here is signed, hashed or written.

import type { PqState } from '../rollout/phases.ts';
import { comparePq, tighterPq } from '../rollout/transitions.ts';
import type { Overlay } from './overlay.ts';
import { rowOf } from './registry.ts';
import { own, type PolicyState, pqJson, pqOf, sorted, type Values } from './state.ts';
import { tighterValue } from './value.ts';

export interface LocalPolicy {
  /** The PQ state that every scope has at least; null = the ledger alone decides. */
  readonly pq: PqState | null;
  /** Registry key to configured value, `pq.phase` and `pq.rollout_percent` aside. */
  readonly values: Values;
}

export const NO_LOCAL_POLICY: LocalPolicy = { pq: null, values: {} };

interface Governing {
  readonly governed: boolean;
  readonly policy: PolicyState;
  readonly overlays: readonly Overlay[];
}

function localValues(policy: PolicyState, governed: boolean, { pq, values }: LocalPolicy): Values {
  const global: Record<string, Values[string]> = { ...policy.global };
  for (const [key, value] of Object.entries(values)) {
    const row = rowOf(key);
    if (row === null) continue;
    const approved = own(policy.global, key);
    global[key] = governed && approved !== undefined ? tighterValue(row, approved, value) : value;
  }
  const approvedPq = pqOf(policy, 'global');
  if (pq !== null && comparePq(pq, approvedPq) > 0) global['pq'] = pqJson(tighterPq(pq, approvedPq));
  return sorted(global);
}

/** A tune replaces the approved value, and must not loosen what stands here. */
function localTune(overlay: Overlay, values: Values): Overlay {
  if (overlay.kind !== 'tune') return overlay;
  const value = own(values, overlay.key);
  const row = rowOf(overlay.key);
  if (typeof value !== 'number' || row === null) return overlay;
  return { ...overlay, to: Number(tighterValue(row, overlay.to, value)) };
}

/** The same view with what this process holds. */
export function withLocal<T extends Governing>(view: T, local: LocalPolicy): T {
  return {
    ...view,
    policy: { ...view.policy, global: localValues(view.policy, view.governed, local) },
    overlays: view.overlays.map((one) => localTune(one, local.values)),
  };
}
