// `pq status`: where the rollout stands, per scope: phase, percentage, how many keys are inside, which keys do not meet the
// mode in force. With `check` it is a predicate: every active key's newest version meets the mode that applies to it.

import { RonError } from '../../errors.ts';
import { effectivePq } from '../../policy/effective.ts';
import { isAccepted, type KeyFacts, phasesOf } from '../../policy/impact.ts';
import { isLive, remainingMs } from '../../policy/overlay.ts';
import { formatValue } from '../../policy/value.ts';
import type { Phase } from '../../rollout/phases.ts';
import { inspectPq, type PqInspection } from '../policy/inspect.ts';
import { keyFacts, type PolicyDeps, type PolicySource, tenantsOf } from '../policy/source.ts';

export interface StatusRequest {
  /** null = the global scope and every tenant. */
  readonly tenant: string | null;
  readonly check: boolean;
}

export interface ScopeStatus {
  readonly scope: string;
  readonly pq: PqInspection;
  readonly origin: string;
  readonly keys: {
    readonly active: number;
    /** Active keys by the phase in force for them, phases 0 to 3. */
    readonly by_phase: readonly number[];
    /** Active keys whose newest version the mode in force refuses. */
    readonly refused: readonly string[];
    /** Versions without a post-quantum track that the mode in force refuses. */
    readonly versions_refused: number;
  };
}

export interface PqGrant {
  readonly scope: string;
  readonly kind: string;
  readonly changes: readonly string[];
  readonly ends_in_s: number;
}

export interface StatusResult {
  readonly governed: boolean;
  readonly profile: string;
  readonly trust: string;
  readonly scopes: readonly ScopeStatus[];
  readonly grants: readonly PqGrant[];
  /** Every active key meets the mode in force. */
  readonly ready: boolean;
}

function scopeStatus(
  source: PolicySource,
  tenant: string | null,
  keys: readonly KeyFacts[],
  phases: ReadonlyMap<string, Phase>,
): ScopeStatus {
  const { policy, overlays } = source.policy;
  const pq = effectivePq(policy, tenant, overlays, source.judged);
  const active = keys.filter((key) => key.active);
  const phase = (key: KeyFacts): Phase => phases.get(key.kid)!;
  const refused = active.filter((key) => {
    const head = key.versions.at(-1);
    return head !== undefined && !isAccepted(head.tracks, phase(key));
  });
  const versions = keys.flatMap((key) => key.versions.filter((one) => !isAccepted(one.tracks, phase(key))));
  return {
    scope: tenant === null ? 'global' : `tenant:${tenant}`,
    pq: inspectPq(pq.summary),
    origin: pq.origin,
    keys: {
      active: active.length,
      by_phase: [0, 1, 2, 3].map((one) => active.filter((key) => phase(key) === one).length),
      refused: refused.map((key) => key.kid),
      versions_refused: versions.length,
    },
  };
}

function grantsOf(source: PolicySource, tenant: string | null): PqGrant[] {
  const out: PqGrant[] = [];
  for (const one of source.policy.overlays) {
    if (one.kind !== 'exception' && one.kind !== 'rollback') continue;
    if (
      !isLive(one, source.judged) ||
      (tenant !== null && one.scope !== 'global' && one.scope !== `tenant:${tenant}`)
    ) {
      continue;
    }
    const changes = one.changes.filter((change) => change.key.startsWith('pq.'));
    if (changes.length === 0) continue;
    out.push({
      scope: one.scope,
      kind: one.kind,
      changes: changes.map((change) => `${change.key}=${formatValue(change.to)}`),
      ends_in_s: Math.ceil(remainingMs(one, source.judged) / 1000),
    });
  }
  return out;
}

/** The result, and with `check` the error that says no (5) or that nobody can tell (11). */
export async function status(
  request: StatusRequest,
  deps: PolicyDeps,
): Promise<{ readonly result: StatusResult; readonly error?: RonError }> {
  const source = await deps.source();
  const { policy, overlays, genesisNonce } = source.policy;
  const keys = keyFacts(source, request.tenant);
  const phases = phasesOf(keys, { state: policy, overlays, judged: source.judged }, genesisNonce);
  const byTenant = Map.groupBy(keys, (key) => key.tenant);
  const tenants = request.tenant === null ? [null, ...tenantsOf(source)] : [request.tenant];
  const scopes = tenants.map((tenant) =>
    scopeStatus(source, tenant, tenant === null ? keys : (byTenant.get(tenant) ?? []), phases),
  );
  const refused = new Set(scopes.flatMap((scope) => scope.keys.refused));
  const result: StatusResult = {
    governed: source.policy.governed,
    profile: source.policy.profile,
    trust: source.trust,
    scopes,
    grants: grantsOf(source, request.tenant),
    ready: refused.size === 0,
  };
  if (!request.check) return { result };
  if (source.trust === 'not-authenticated') {
    return { result, error: new RonError('NotAuthenticated', 'the head is not covered by a verified checkpoint') };
  }
  if (result.ready) return { result };
  const first = [...refused][0]!;
  const error = new RonError('PredicateFalse', `${refused.size} active keys do not meet the mode in force`, {
    hint: `Rotate them, for example: ronctl kms rotate ${first}`,
  });
  return { result, error };
}
