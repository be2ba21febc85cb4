// What an execution does to the policy state (governance pages 4 and 5): a changeset, `ceiling`, `backend-change`. Refuses:
// unknown keys, values out of bounds, a tenant value looser than the global one (PolicyRefused, use `exception`), changes
// that change nothing, PQ steps that rollout/transitions.ts refuses.

import { canonicalText, type Json } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import { isPhase, type Phase, type PqState } from '../rollout/phases.ts';
import { comparePq, nextPqState } from '../rollout/transitions.ts';
import type { Profile } from './profile.ts';
import { type KeyRow, rowOf } from './registry.ts';
import {
  approvedValue,
  type Ceiling,
  globalValueOf,
  own,
  type PolicyState,
  policyStateJson,
  pqJson,
  pqOf,
  record,
  type Scope,
  sorted,
  tenantOf,
} from './state.ts';
import { checkValue, compare, formatValue } from './value.ts';

export interface Change {
  readonly key: string;
  readonly to: Json;
}

function withValues(state: PolicyState, scope: Scope, changed: Readonly<Record<string, Json>>): PolicyState {
  const tenant = tenantOf(scope);
  if (tenant === null) return { ...state, global: sorted({ ...state.global, ...changed }) };
  const values = sorted({ ...own(state.tenants, tenant), ...changed });
  const others = Object.entries(state.tenants).filter(([name]) => name !== tenant);
  return { ...state, tenants: record([...others, [tenant, values]]) };
}

function refuseLooser(scope: Scope, key: string, global: Json, to: Json): never {
  throw new RonError(
    'PolicyRefused',
    `${scope}: ${key}=${formatValue(to)} is looser than the global value ${formatValue(global)}`,
    {
      field: key,
      hint: `Only a timed exception is looser: ronctl governance propose --scope ${scope} --action exception:JSON`,
    },
  );
}

function nextPq(state: PolicyState, scope: Scope, changes: readonly Change[]): PqState {
  const request: { phase?: Phase; percent?: number } = {};
  for (const { key, to } of changes) {
    const value = checkValue(rowOf(key)!, to);
    if (key === 'pq.phase' && isPhase(value)) request.phase = value;
    else request.percent = Number(value);
  }
  const current = pqOf(state, scope);
  const next = nextPqState(current, request, scope);
  if (next.phase === current.phase && request.phase !== undefined) noChange(scope, 'pq.phase', next.phase);
  if (next.percent === current.percent && request.percent !== undefined) {
    noChange(scope, 'pq.rollout_percent', next.percent);
  }
  if (next.percent !== current.percent && request.percent === undefined) {
    throw new RonError(
      'InvalidValue',
      `pq.rollout_percent: the step also sets ${next.percent}; the changeset must say so`,
      {
        field: 'pq.rollout_percent',
      },
    );
  }
  const global = pqOf(state, 'global');
  if (scope !== 'global' && comparePq(next, global) < 0) {
    const key = next.phase < global.phase ? 'pq.phase' : 'pq.rollout_percent';
    refuseLooser(
      scope,
      key,
      key === 'pq.phase' ? global.phase : global.percent,
      key === 'pq.phase' ? next.phase : next.percent,
    );
  }
  return next;
}

function noChange(scope: Scope, key: string, value: Json): never {
  throw new RonError('NoChange', `${scope}: ${key} is already ${formatValue(value)}`, { field: key });
}

/** The row of a key that a changeset may change in this scope; throws. */
export function changeableRow(key: string, scope: Scope): KeyRow {
  const row = rowOf(key);
  if (row === null)
    throw new RonError('UnknownKey', `no governable key is called ${JSON.stringify(key)}`, { field: key });
  if (row.byBackendChange === true) {
    throw new RonError('InvalidValue', `${key} changes by the action backend-change only`, {
      field: key,
      hint: 'ronctl governance propose --action backend-change:JSON',
    });
  }
  if (scope !== 'global' && row.scope === 'global') {
    throw new RonError('InvalidValue', `${key} has no value per tenant`, { field: key, hint: 'Use --scope global.' });
  }
  return row;
}

/**
 * The state after a changeset. Checks every key, bound, direction and PQ step; the changes must be complete (a phase that
 * is lowered out of an unfinished rollout also names the percentage). Throws RonError; never returns the state unchanged.
 */
export function applyChanges(
  state: PolicyState,
  scope: Scope,
  changes: readonly Change[],
  profile: Profile,
): PolicyState {
  if (changes.length === 0) throw new RonError('NoChange', 'the changeset is empty', { field: 'changeset' });
  const changed: Record<string, Json> = {};
  const pqChanges: Change[] = [];
  for (const [index, change] of changes.entries()) {
    const row = changeableRow(change.key, scope);
    if (changes.findIndex((one) => one.key === change.key) !== index) {
      throw new RonError('InvalidValue', `${change.key} stands in the changeset twice`, { field: change.key });
    }
    if (change.key === 'pq.phase' || change.key === 'pq.rollout_percent') {
      pqChanges.push(change);
      continue;
    }
    const to = checkValue(row, change.to, profile);
    if (canonicalText(approvedValue(state, scope, row.key)) === canonicalText(to)) noChange(scope, row.key, to);
    const global = globalValueOf(state, row);
    if (scope !== 'global' && global !== null && compare(row, global, to) === 'looser') {
      refuseLooser(scope, row.key, global, to);
    }
    changed[row.key] = to;
  }
  if (pqChanges.length > 0) changed['pq'] = pqJson(nextPq(state, scope, pqChanges));
  return withValues(state, scope, changed);
}

/** The state after `ceiling`; null removes the minter's. */
export function applyCeiling(state: PolicyState, minter: string, ceiling: Ceiling | null): PolicyState {
  const rest = Object.entries(state.ceilings).filter(([name]) => name !== minter);
  const entries = ceiling === null ? rest : [...rest, [minter, ceiling] as const];
  if (ceiling === null && own(state.ceilings, minter) === undefined) noChange('global', `ceilings.${minter}`, 'absent');
  return { ...state, ceilings: record(entries) };
}

/** The state after `backend-change`: the backend and exactly these `backends.<backend>.*` settings. */
export function applyBackend(
  state: PolicyState,
  backend: string,
  settings: Readonly<Record<string, Json>>,
): PolicyState {
  const kept = Object.entries(state.global).filter(([key]) => !key.startsWith('backends.'));
  const values: Record<string, Json> = Object.fromEntries(kept);
  values['service.backend'] = checkValue(rowOf('service.backend')!, backend);
  for (const [name, value] of Object.entries(settings)) {
    const key = `backends.${backend}.${name}`;
    const row = rowOf(key);
    if (row === null)
      throw new RonError('UnknownKey', `no such backend setting: ${JSON.stringify(key)}`, { field: key });
    values[key] = checkValue(row, value);
  }
  const next = { ...state, global: sorted(values) };
  if (canonicalText(policyStateJson(next)) === canonicalText(policyStateJson(state)))
    noChange('global', 'service.backend', backend);
  return next;
}
