// `policy inspect`: the policy in force for a tenant, or globally, with the origin of every value.

import type { Json } from '../../bytes/canonical-json.ts';
import { effective } from '../../policy/effective.ts';
import { PHASES, type PqState, producesHybrid } from '../../rollout/phases.ts';
import { keyFacts, type PolicyDeps, type PolicySource, tenantsOf } from './source.ts';

export interface InspectRequest {
  /** Lower case; null = the global scope. */
  readonly tenant: string | null;
}

export interface PqInspection {
  readonly phase: number;
  readonly base_phase: number;
  readonly percent: number;
  readonly mode: string;
  readonly verify_mode: string;
  readonly produce_hybrid: boolean;
}

export interface InspectedValue {
  readonly key: string;
  readonly value: Json;
  readonly origin: string;
  /** The approved value, where a tune, exception or rollback stands over it. */
  readonly approved?: Json;
  /** Seconds until the exception or rollback ends. */
  readonly ends_in_s?: number;
}

export interface InspectResult {
  readonly scope: string;
  readonly tenant_known: boolean;
  readonly governed: boolean;
  readonly profile: string;
  readonly ledger_id: string | null;
  readonly trust: string;
  readonly pq: PqInspection;
  readonly approved_pq: PqInspection;
  readonly values: readonly InspectedValue[];
  readonly keys: number;
}

export function inspectPq(pq: PqState): PqInspection {
  const row = PHASES[pq.phase];
  return {
    phase: pq.phase,
    base_phase: pq.base_phase,
    percent: pq.percent,
    mode: row.mode,
    verify_mode: row.verify_mode,
    produce_hybrid: producesHybrid(pq.phase),
  };
}

function inspectIn(source: PolicySource, tenant: string | null): InspectResult {
  const { policy, overlays, governed, profile, ledgerId } = source.policy;
  const inForce = effective(policy, tenant, overlays, source.judged);
  const values = [...inForce.values].map(([key, one]) => ({
    key,
    value: one.value,
    origin: one.origin,
    ...(one.approved === undefined ? {} : { approved: one.approved }),
    ...(one.remainingMs === undefined ? {} : { ends_in_s: Math.ceil(one.remainingMs / 1000) }),
  }));
  return {
    scope: tenant === null ? 'global' : `tenant:${tenant}`,
    tenant_known: tenant === null || tenantsOf(source).includes(tenant),
    governed,
    profile,
    ledger_id: ledgerId,
    trust: source.trust,
    pq: inspectPq(inForce.pq.summary),
    approved_pq: inspectPq(inForce.pq.approved),
    values,
    keys: keyFacts(source, tenant).length,
  };
}

export async function inspect(request: InspectRequest, deps: PolicyDeps): Promise<InspectResult> {
  return inspectIn(await deps.source(), request.tenant);
}
