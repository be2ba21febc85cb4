// What a change of the PQ state does to the keys that exist (keys page 6, I-49): which move to another phase, which versions
// lose acceptance by the table, which heads could no longer sign or wrap. Judged on the approved policy, without overlays;
// shown by `pq plan`, `pq status` and before an approval.

import { isClassical } from '../keys/tracks.ts';
import type { Phase } from '../rollout/phases.ts';
import { effectivePq, type KeyPlace, phaseOf } from './effective.ts';
import type { Judged, Overlay } from './overlay.ts';
import type { PolicyState } from './state.ts';

/** A key as far as the rollout cares. */
export interface KeyFacts extends KeyPlace {
  /** Without version. */
  readonly kid: string;
  readonly active: boolean;
  /** Ascending; the last one is the head. */
  readonly versions: readonly { readonly n: number; readonly tracks: readonly string[] }[];
}

/** The table of keys page 6: a version without a post-quantum track is accepted in phases 0 and 1 only. */
export function isAccepted(tracks: readonly string[], phase: Phase): boolean {
  return phase < 2 || !isClassical(tracks);
}

/** The phase of each key. `null` tenant values, cohorts and grants are all considered. */
export function phasesOf(
  keys: readonly KeyFacts[],
  at: { readonly state: PolicyState; readonly overlays: readonly Overlay[]; readonly judged: Judged },
  genesisNonce: Uint8Array | null,
): Map<string, Phase> {
  const byTenant = new Map<string, ReturnType<typeof effectivePq>>();
  const out = new Map<string, Phase>();
  for (const key of keys) {
    const pq = byTenant.get(key.tenant) ?? effectivePq(at.state, key.tenant, at.overlays, at.judged);
    byTenant.set(key.tenant, pq);
    out.set(key.kid, phaseOf(pq, key, genesisNonce));
  }
  return out;
}

export interface Impact {
  /** Keys whose phase changes. */
  readonly moving: readonly string[];
  /** `<kid>#v<N>` accepted before and refused after (signatures made before stay legacy for the days of grace). */
  readonly losing: readonly string[];
  /** Active keys whose head has no post-quantum track and would be refused: rotate them first. */
  readonly missingTracks: readonly string[];
}

export function impactOf(
  keys: readonly KeyFacts[],
  before: ReadonlyMap<string, Phase>,
  after: ReadonlyMap<string, Phase>,
): Impact {
  const moving: string[] = [];
  const losing: string[] = [];
  const missingTracks: string[] = [];
  for (const key of keys) {
    const from = before.get(key.kid)!;
    const to = after.get(key.kid)!;
    if (from !== to) moving.push(key.kid);
    for (const version of key.versions) {
      if (isAccepted(version.tracks, from) && !isAccepted(version.tracks, to)) losing.push(`${key.kid}#v${version.n}`);
    }
    const head = key.versions.at(-1);
    if (key.active && head !== undefined && !isAccepted(head.tracks, to)) missingTracks.push(key.kid);
  }
  return { moving, losing, missingTracks };
}
