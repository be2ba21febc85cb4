// The Policy port in-process: the policy in force for a tenant, or globally (governance page 5). Reading needs nobody to
// unseal. Asked for by kms:read of that tenant, or of the instance for the global scope.

import { fail } from '../../errors.ts';
import { effective } from '../../policy/effective.ts';
import type { Judged } from '../../policy/overlay.ts';
import { TENANT } from '../../policy/state.ts';
import { formatValue } from '../../policy/value.ts';
import { PHASES, producesHybrid } from '../../rollout/phases.ts';
import type { Policy } from '../admin-ports.ts';
import type { Trust } from '../ports.ts';
import { authorise, authoriseInstance } from './authorise.ts';
import type { GovernanceView } from './governance-view.ts';

export interface PolicyReading {
  readonly policy: Pick<GovernanceView, 'governed' | 'policy' | 'overlays' | 'ledger'>;
  readonly judged: Judged;
  readonly trust: Trust;
}

export function policyService(read: () => Promise<PolicyReading>): Policy {
  return {
    effective: async ({ tenant }, call) => {
      if (tenant === null) authoriseInstance(call, 'kms:read');
      else {
        if (!TENANT.test(tenant)) fail('InvalidValue', `${JSON.stringify(tenant)} is no tenant`, { field: 'tenant' });
        authorise(call, 'kms:read', { tenant });
      }
      const { policy, judged, trust } = await read();
      const inForce = effective(policy.policy, tenant, policy.overlays, judged);
      const pq = inForce.pq.summary;
      return {
        scope: tenant === null ? 'global' : `tenant:${tenant}`,
        governed: policy.governed,
        phase: pq.phase,
        verify_mode: PHASES[pq.phase].verify_mode,
        produce_hybrid: producesHybrid(pq.phase),
        rollout_percent: pq.percent,
        base_phase: pq.base_phase,
        values: Object.fromEntries([...inForce.values].map(([key, one]) => [key, formatValue(one.value)])),
        ledger_seq: policy.ledger?.seq ?? null,
        trust,
      };
    },
  };
}
