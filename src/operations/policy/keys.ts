// `policy keys`: the registry of governable keys, as it is compiled in.

import type { Json } from '../../bytes/canonical-json.ts';
import { PROFILE_NAMES, type Profile } from '../../policy/profile.ts';
import { namesOf, PHASE_INPUTS, REGISTRY } from '../../policy/registry.ts';
import { boundsText } from '../../policy/value.ts';

export interface PolicyKey {
  readonly key: string;
  readonly other_names: readonly string[];
  /** What it takes, in words. */
  readonly takes: string;
  readonly start: Readonly<Record<Profile, Json>>;
  readonly scope: 'global' | 'global-and-tenant';
  readonly tighter: string;
  readonly sensitive: string;
  readonly changed_by: 'proposal' | 'backend-change';
}

export interface PolicyKeysResult {
  readonly keys: readonly PolicyKey[];
}

/** Inputs that are views of `pq.phase` stand among its other names. */
export async function policyKeys(): Promise<PolicyKeysResult> {
  return {
    keys: REGISTRY.map((row) => ({
      key: row.key,
      other_names: [...namesOf(row).slice(1), ...(row.key === 'pq.phase' ? Object.keys(PHASE_INPUTS) : [])],
      takes: boundsText(row),
      start: Object.fromEntries(PROFILE_NAMES.map((profile) => [profile, row.start!(profile)])) as Record<
        Profile,
        Json
      >,
      scope: row.scope,
      tighter: row.tighter,
      sensitive: row.sensitive,
      changed_by: row.byBackendChange === true ? 'backend-change' : 'proposal',
    })),
  };
}
