// The policy in force for a tenant (governance pages 4, 5, 10): per key the tighter of the global and the tenant value;
// tunes replace tunable values; only a live exception or rollback clause is looser. For PQ keys the phase is that of one
// key: per scope its cohort decides between `phase` and `base_phase`, then the higher of the scopes counts.
// Pure: the caller brings the overlays and the clock. Refuses nothing; a grant that would tighten, or loosen by more than
// one phase or below phase 1, counts only as far as the rule allows.

import type { Json } from '../bytes/canonical-json.ts';
import { bucketOf, effectivePhase } from '../rollout/cohort.ts';
import { isPhase, type Phase, type PqState, settled, type VerifyMode, verifyModeOf } from '../rollout/phases.ts';
import { comparePq, looserPq, tighterPq } from '../rollout/transitions.ts';
import { type Grant, isLive, type Judged, type Overlay, remainingMs } from './overlay.ts';
import { type KeyRow, REGISTRY } from './registry.ts';
import { globalValueOf, own, ownPqOf, ownValueOf, type PolicyState, pqOf, type Scope } from './state.ts';
import { checkValue, compare, tighterValue } from './value.ts';

export type Origin = 'global' | 'tenant' | 'exception' | 'rollback' | 'tune';

export interface InForce {
  readonly value: Json;
  readonly origin: Origin;
  /** Approved value, where something stands over it. */
  readonly approved?: Json;
  /** How long the exception or rollback still runs. */
  readonly remainingMs?: number;
}

/** One scope's PQ state as it applies: the approved one, or what a live grant makes of it. */
export interface PqLayer {
  readonly scope: 'global' | 'tenant';
  readonly pq: PqState;
}

export interface EffectivePq {
  /** Every key stands at the highest of these. */
  readonly layers: readonly PqLayer[];
  /** A grant for the tenant: no key stands above this. */
  readonly cap: PqState | null;
  /** For people: the state that describes the tenant as a whole. */
  readonly summary: PqState;
  readonly approved: PqState;
  readonly origin: Origin;
  readonly remainingMs?: number;
}

export interface EffectivePolicy {
  /** null = the global scope itself. */
  readonly tenant: string | null;
  readonly pq: EffectivePq;
  /** Canonical key to value; `pq.phase` and `pq.rollout_percent` are those of `pq.summary`. */
  readonly values: ReadonlyMap<string, InForce>;
}

/** The newest live grant of a scope that names one of these keys. */
function grantFor(overlays: readonly Overlay[], scope: Scope, keys: readonly string[], judged: Judged): Grant | null {
  let newest: Grant | null = null;
  for (const one of overlays) {
    if (one.kind !== 'exception' && one.kind !== 'rollback') continue;
    if (one.scope !== scope || !isLive(one, judged) || !one.changes.some((change) => keys.includes(change.key)))
      continue;
    if (newest === null || one.seq > newest.seq) newest = one;
  }
  return newest;
}

/** What a grant makes of an approved PQ state: never tighter, one notch at most, no key below phase 1 because of it. */
export function grantedPq(approved: PqState, changes: Grant['changes']): PqState {
  const phaseTo = changes.find((change) => change.key === 'pq.phase')?.to;
  const percentTo = changes.find((change) => change.key === 'pq.rollout_percent')?.to;
  let target = approved;
  if (isPhase(phaseTo) && phaseTo < approved.phase) {
    target = settled(Math.max(phaseTo, approved.phase - 1, Math.min(1, approved.phase)) as Phase);
  } else if (typeof percentTo === 'number' && percentTo < approved.percent && approved.phase >= 2) {
    target = { phase: approved.phase, base_phase: (approved.phase - 1) as Phase, percent: Math.max(0, percentTo) };
  }
  return looserPq(approved, target);
}

const PQ_KEYS = ['pq.phase', 'pq.rollout_percent'];

/** The PQ policy in force for a tenant (null: for the global scope). */
export function effectivePq(
  state: PolicyState,
  tenant: string | null,
  overlays: readonly Overlay[],
  judged: Judged,
): EffectivePq {
  const approvedGlobal = pqOf(state, 'global');
  const globalGrant = grantFor(overlays, 'global', PQ_KEYS, judged);
  const global = globalGrant === null ? approvedGlobal : grantedPq(approvedGlobal, globalGrant.changes);
  const ownPq = tenant === null ? null : ownPqOf(state, tenant);
  const layers: PqLayer[] = [{ scope: 'global', pq: global }];
  if (ownPq !== null) layers.push({ scope: 'tenant', pq: ownPq });
  const approved = ownPq === null ? approvedGlobal : tighterPq(approvedGlobal, ownPq);
  const before = ownPq === null ? global : tighterPq(global, ownPq);

  const tenantGrant = tenant === null ? null : grantFor(overlays, `tenant:${tenant}`, PQ_KEYS, judged);
  const cap = tenantGrant === null ? null : grantedPq(approved, tenantGrant.changes);
  const summary = cap === null ? before : looserPq(before, cap);
  const grant = cap !== null && comparePq(summary, before) < 0 ? tenantGrant : globalGrant;
  if (grant !== null && comparePq(summary, approved) < 0) {
    return { layers, cap, summary, approved, origin: grant.kind, remainingMs: remainingMs(grant, judged) };
  }
  const origin = ownPq !== null && comparePq(ownPq, approvedGlobal) > 0 ? 'tenant' : 'global';
  return { layers, cap, summary, approved, origin };
}

/** What decides about one key: who it is, and whether its version 1 came after the last raise of each scope. */
export interface KeyPlace {
  readonly tenant: string;
  /** Lower case with hyphens. */
  readonly uuid: string;
  readonly createdAfterRaise: { readonly global: boolean; readonly tenant: boolean };
}

/** The phase in force for one key. `genesisNonce` is null only while ungoverned, where every percentage is 100. */
export function phaseOf(pq: EffectivePq, key: KeyPlace, genesisNonce: Uint8Array | null): Phase {
  let bucket: number | null = null;
  const at = (one: PqState, scope: 'global' | 'tenant'): Phase => {
    if (one.percent === 100) return one.phase;
    if (genesisNonce === null) throw new TypeError('phaseOf: a percentage below 100 needs the nonce of the genesis');
    bucket ??= bucketOf(genesisNonce, key.tenant, key.uuid);
    return effectivePhase({ pq: one, inCohort: bucket < one.percent, createdAfterRaise: key.createdAfterRaise[scope] });
  };
  const highest = Math.max(...pq.layers.map((layer) => at(layer.pq, layer.scope))) as Phase;
  return pq.cap === null ? highest : (Math.min(highest, at(pq.cap, 'tenant')) as Phase);
}

export function modeFor(pq: EffectivePq, key: KeyPlace, genesisNonce: Uint8Array | null): VerifyMode {
  return verifyModeOf(phaseOf(pq, key, genesisNonce));
}

/** Applies a live grant for one ordinary key; only ever looser. */
function granted(row: KeyRow, base: InForce, grant: Grant | null, judged: Judged): InForce {
  const change = grant?.changes.find((one) => one.key === row.key);
  if (grant === null || change === undefined) return base;
  const to = checkValue(row, change.to);
  if (compare(row, base.value, to) !== 'looser') return base;
  return { value: to, origin: grant.kind, approved: base.value, remainingMs: remainingMs(grant, judged) };
}

function tuned(row: KeyRow, base: InForce, overlays: readonly Overlay[], scope: Scope): InForce {
  if (row.sensitive !== 'tunable') return base;
  let newest: Extract<Overlay, { kind: 'tune' }> | null = null;
  for (const one of overlays) {
    if (one.kind !== 'tune' || one.scope !== scope || one.key !== row.key) continue;
    if (newest === null || one.seq > newest.seq) newest = one;
  }
  return newest === null ? base : { value: newest.to, origin: 'tune', approved: base.value };
}

function inForce(
  row: KeyRow,
  state: PolicyState,
  tenant: string | null,
  overlays: readonly Overlay[],
  judged: Judged,
): InForce | null {
  const approved = globalValueOf(state, row);
  if (approved === null) return null;
  const start: InForce = { value: approved, origin: 'global' };
  const global = granted(
    row,
    tuned(row, start, overlays, 'global'),
    grantFor(overlays, 'global', [row.key], judged),
    judged,
  );
  if (tenant === null || row.scope === 'global') return global;
  const override = ownValueOf(state, tenant, row.key);
  const tighter = override !== undefined && tighterValue(row, global.value, override) !== global.value;
  const base: InForce = tighter ? { value: override, origin: 'tenant' } : global;
  const scope: Scope = `tenant:${tenant}`;
  return granted(row, tuned(row, base, overlays, scope), grantFor(overlays, scope, [row.key], judged), judged);
}

/** Everything in force for a tenant, or for the global scope with tenant null. */
export function effective(
  state: PolicyState,
  tenant: string | null,
  overlays: readonly Overlay[],
  judged: Judged,
): EffectivePolicy {
  const pq = effectivePq(state, tenant, overlays, judged);
  const values = new Map<string, InForce>();
  for (const row of REGISTRY) {
    if (row.key === 'pq.phase' || row.key === 'pq.rollout_percent') {
      const pick = (of: PqState): number => (row.key === 'pq.phase' ? of.phase : of.percent);
      const over = comparePq(pq.summary, pq.approved) === 0 ? {} : { approved: pick(pq.approved) };
      const left = pq.remainingMs === undefined ? {} : { remainingMs: pq.remainingMs };
      values.set(row.key, { value: pick(pq.summary), origin: pq.origin, ...over, ...left });
      continue;
    }
    const value = inForce(row, state, tenant, overlays, judged);
    if (value !== null) values.set(row.key, value);
  }
  for (const key of Object.keys(state.global)) {
    if (key.startsWith('backends.')) values.set(key, { value: own(state.global, key)!, origin: 'global' });
  }
  return { tenant, pq, values };
}
