// What the service says of itself (ServiceState): out of memory only, cheap enough for every scrape. Counts of keys are made
// once per view.

import { fromTime } from '../../bytes/time.ts';
import { INSTANCE } from '../../capability/caveats.ts';
import { parseKeyId } from '../../keys/key-id.ts';
import { headOf } from '../../keys/keyring.ts';
import type { PublicView } from '../../keys/public-view.ts';
import { effectivePq } from '../../policy/effective.ts';
import { ownPqOf, pqOf } from '../../policy/state.ts';
import { PHASES } from '../../rollout/phases.ts';
import type { ServiceState } from '../admin-ports.ts';
import type { Backend } from './backend.ts';
import type { GovernanceView } from './governance-view.ts';
import type { GoverningGenesis } from './memory-home.ts';

const KEY_HEADS = 2000;

type KeyPart = Pick<ServiceState, 'keys' | 'keyHeads'>;
type PolicyPart = Pick<ServiceState, 'governed' | 'profile' | 'ledgerSeq' | 'ledgerId' | 'phases'>;

export function keyPart(view: PublicView): KeyPart {
  const counts = new Map<string, { tenant: string; purpose: string; alg: string; count: number }>();
  const keyHeads: { kid: string; version: number }[] = [];
  for (const key of view.keys) {
    const id = parseKeyId(key.kid);
    if (id === null) continue;
    const { tenant, purpose, alg } = id;
    const name = `${tenant}/${purpose}/${alg}`;
    const row = counts.get(name) ?? { tenant, purpose, alg, count: 0 };
    row.count += key.state === 'active' ? 1 : 0;
    counts.set(name, row);
    if (keyHeads.length < KEY_HEADS) keyHeads.push({ kid: key.kid, version: headOf(key).n });
  }
  return { keys: [...counts.values()], keyHeads };
}

/** A server in memory is governed by its genesis also while nobody gave it the ledger: then it only verifies. */
export function policyPart(view: GovernanceView, by: GoverningGenesis | null): PolicyPart {
  const { policy } = view;
  const tenants = Object.keys(policy.tenants).flatMap((tenant) => {
    const own = ownPqOf(policy, tenant);
    return own === null ? [] : [{ tenant, phase: own.phase }];
  });
  return {
    governed: view.governed || by !== null,
    profile: view.profile,
    ledgerSeq: view.ledger?.seq ?? null,
    ledgerId: view.ledgerId ?? by?.ledgerId ?? null,
    phases: [{ tenant: INSTANCE, phase: pqOf(policy, 'global').phase }, ...tenants],
  };
}

/** Wall ms when the oldest proposal that can still be decided was ingested. */
export function oldestPendingAtMs(backend: Backend): number | null {
  const { ledger } = backend;
  if (ledger === null) return null;
  let oldest: number | null = null;
  for (const open of ledger.state.open.values()) {
    const entry = ledger.state.index.get(open.proposal.body.id);
    if (entry === undefined || entry.decision !== 'open') continue;
    const at = fromTime(open.proposal.body.created_at);
    if (oldest === null || at < oldest) oldest = at;
  }
  return oldest;
}

/** The PQ mode of the instance as it is now: grants end by time. */
export function pqNow(backend: Backend): Pick<ServiceState, 'pqMode' | 'rolloutPercent'> {
  const { policy, overlays } = backend.view;
  const { summary } = { summary: effectivePq(policy, null, overlays, backend.judged()).summary };
  return { pqMode: PHASES[summary.phase].verify_mode, rolloutPercent: summary.percent };
}
