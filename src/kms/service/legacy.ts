// Legacy acceptance (keys page 6, R-11): a classical-only version that the table refuses is accepted, labelled `legacy`, if
// the log holds a successful `sign` record with a place before the audit record of the raise, and now is before
// judged_at of that raise + pq.legacy_grace_days. "The raise" is the newest execution that took this key from accepted to
// refused in the approved policy; exceptions and rollback overlays do not move it. An ungoverned store has no legacy.

import { epochNumber } from '../../governance/key-chain.ts';
import { isBefore, type LogPlace, type LookUp, type Question } from '../../keys/acceptance.ts';
import type { KeyId } from '../../keys/key-id.ts';
import type { PublicKeyEntry, PublicVersion } from '../../keys/public-view.ts';
import { type Judged, remainingMs } from '../../policy/overlay.ts';
import { ownPqOf, pqOf, type Scope } from '../../policy/state.ts';
import { bucketOf, effectivePhase } from '../../rollout/cohort.ts';
import type { PqState } from '../../rollout/phases.ts';
import { integerInForce, isCreatedAfter, type PolicyInForce, type PqChange } from './key-policy.ts';
import type { ProvenLog } from './reader.ts';

const DAY_S = 86_400;

interface Layer {
  readonly scope: Scope;
  pq: PqState | null;
  /** The newest raise so far. */
  raisedAt: PqChange | null;
}

/** The newest execution after which this key stood at phase 2 or higher and before which it did not. */
export function raiseOfKey(policy: PolicyInForce, id: KeyId, key: PublicKeyEntry): PqChange | null {
  const tenant: Scope = `tenant:${id.tenant}`;
  const changes = policy.pqChanges.filter((one) => one.scope === 'global' || one.scope === tenant);
  const [first] = key.versions;
  const start = (scope: Scope, now: PqState | null): Layer => {
    const first = changes.find((one) => one.scope === scope);
    return { scope, pq: first === undefined ? now : first.from, raisedAt: null };
  };
  const global = start('global', pqOf(policy.policy, 'global'));
  const layers = [global, start(tenant, ownPqOf(policy.policy, id.tenant))];
  const refuses = (): boolean =>
    layers.some(({ pq, raisedAt }) => {
      if (pq === null) return false;
      const nonce = policy.genesisNonce;
      const inCohort = pq.percent === 100 || (nonce !== null && bucketOf(nonce, id.tenant, id.uuid) < pq.percent);
      const createdAfterRaise = raisedAt !== null && first !== undefined && isCreatedAfter(first, raisedAt);
      return effectivePhase({ pq, inCohort, createdAfterRaise }) >= 2;
    });
  let raise: PqChange | null = null;
  for (const change of changes) {
    const layer = change.scope === 'global' ? global : layers[1]!;
    const before = refuses();
    if (change.to !== null && change.to.phase > (layer.pq?.phase ?? -1)) layer.raisedAt = change;
    layer.pq = change.to;
    const after = refuses();
    if (!before && after) raise = change;
    if (!after) raise = null;
  }
  return raise;
}

/** `legacyBefore` of the acceptance question. */
export function legacyBefore(
  policy: PolicyInForce,
  id: KeyId,
  key: PublicKeyEntry,
  judged: Judged,
): Question['legacyBefore'] {
  if (!policy.governed) return 'unknown';
  const raise = raiseOfKey(policy, id, key);
  if (raise === null) return null;
  const graceDays = integerInForce(policy, id.tenant, 'pq.legacy_grace_days', judged);
  if (graceDays === 0) return null;
  if (remainingMs({ judged_at: raise.judgedAt, duration_s: graceDays * DAY_S }, judged) === 0) return null;
  const epoch = epochNumber(raise.origin);
  return epoch === null ? 'unknown' : { epoch, seq: raise.auditSeq };
}

/** From where on signatures of a compromised version are refused; `unknown` when the epoch cannot be told here. */
export function compromisedFrom(log: ProvenLog | null, id: KeyId, version: PublicVersion): LogPlace | 'unknown' | null {
  const seq = version.from_seq;
  if (seq === undefined) return null;
  if (log === null) return 'unknown';
  if (log.epoch === 0) return { epoch: 0, seq };
  for (const { record } of log.find('compromised')) {
    const epoch = record.detail?.['epoch'];
    if (record.kid?.split('#')[0] !== id.kid || record.detail?.['from_seq'] !== seq) continue;
    if (typeof epoch === 'number') return { epoch, seq };
  }
  return 'unknown';
}

/** Looks a (kid#v, payload) up in the log. Without a reachable log, or ungoverned, it is `unavailable`, never found. */
export function lookUpIn(
  log: ProvenLog | null,
  governed: boolean,
  kidWithVersion: string,
  inputHash: string,
  extra: readonly LogPlace[] = [],
): LookUp {
  return async (before) => {
    if (extra.some((place) => isBefore(place, before))) return 'found';
    if (log === null || !governed) return 'unavailable';
    const places = log.signRecords(kidWithVersion, inputHash);
    if (places === 'unavailable') return 'unavailable';
    return places.some((place) => isBefore(place, before)) ? 'found' : 'absent';
  };
}
