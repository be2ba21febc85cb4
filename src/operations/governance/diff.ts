// `governance diff ID`: the policy of the proposal's scope before and after, recomputed from the state of this home, and
// whether the proposal still fits it.

import type { Json } from '../../bytes/canonical-json.ts';
import { canonicalText } from '../../bytes/canonical-json.ts';
import { RonError } from '../../errors.ts';
import { demandFits, outcome, viewHashOf } from '../../governance/outcome.ts';
import { demandState, readGovernance } from '../../kms/service/governance-reader.ts';
import { locateProposal } from '../../kms/service/governance-request.ts';
import { REGISTRY } from '../../policy/registry.ts';
import { approvedValue } from '../../policy/state.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { type DescribedSet, describedSet } from './describe.ts';

export interface DiffResult {
  readonly id: string;
  readonly scope: string;
  readonly trust: string;
  readonly changes: readonly { readonly key: string; readonly before: Json; readonly after: Json }[];
  readonly signer_set: { readonly before: DescribedSet; readonly after: DescribedSet } | null;
  readonly action: string | null;
  readonly state_before: string;
  readonly state_after: string | null;
  readonly expected_state_hash: string;
  /** The proposal still starts from the present state and leads where it says. */
  readonly fits: boolean;
  readonly reason: string | null;
}

export async function diff(request: { readonly id: string }, deps: OperationDeps): Promise<DiffResult> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  const state = demandState(reading);
  const { body } = locateProposal(ctx, reading, request.id, true);
  const before = state.governed;
  const { after, reason } = attempt(() => outcome(before, body));
  const fit = attempt(() => demandFits(before, body));
  const keys = [
    ...REGISTRY.map((row) => row.key),
    ...Object.keys(before.policy.global).filter((key) => key.startsWith('backends.')),
  ];
  const changes = keys.flatMap((key) => {
    const from = approvedValue(before.policy, body.scope, key);
    const to = after === null ? from : approvedValue(after.policy, body.scope, key);
    return canonicalText(from) === canonicalText(to) ? [] : [{ key, before: from, after: to }];
  });
  return {
    id: body.id,
    scope: body.scope,
    trust: reading.trust,
    changes,
    signer_set:
      after === null || after.set === before.set
        ? null
        : { before: describedSet(before.set), after: describedSet(after.set) },
    action: body.actions[0]?.name ?? null,
    state_before: viewHashOf(before, body.scope),
    state_after: after === null ? null : viewHashOf(after, body.scope),
    expected_state_hash: body.expected_state_hash,
    fits: fit.after !== null,
    reason: fit.reason ?? reason,
  };
}

function attempt<T>(act: () => T): { readonly after: T | null; readonly reason: string | null } {
  try {
    return { after: act(), reason: null };
  } catch (error) {
    if (error instanceof RonError) return { after: null, reason: error.message };
    throw error;
  }
}
