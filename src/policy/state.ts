// The policy state (governance page 4): `{v:1, global, tenants:{<tenant>:{...}}, ceilings:{<minter>:{...}}}`, key to value,
// with `pq {phase, base_phase, percent}` as one value. Only approved values stand here: no tune, exception or freeze.
// Refuses: unknown keys, values of another type or out of bounds, a PQ value that no sequence of steps gives.

import type { Json, JsonObject } from '../bytes/canonical-json.ts';
import { array, integer, join, literal, malformed, map, object, string } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';
import { decodePqState, isPhase, type PqState, settled } from '../rollout/phases.ts';
import { tighterPq } from '../rollout/transitions.ts';
import type { Profile } from './profile.ts';
import { type KeyRow, REGISTRY, rowOf } from './registry.ts';
import { checkValue, tighterValue } from './value.ts';

/** Key to value, members in sorted order; `pq` is a PqState. */
export type Values = { readonly [key: string]: Json };

/** A standing right to mint (service page 2), changed by the action `ceiling` only. */
export interface Ceiling {
  readonly tenants: readonly string[];
  readonly scopes: readonly string[];
  readonly max_ttl_s: number;
  readonly max_active: number;
}

export interface PolicyState {
  readonly v: 1;
  readonly global: Values;
  readonly tenants: { readonly [tenant: string]: Values };
  readonly ceilings: { readonly [minter: string]: Ceiling };
}

/** `global` or `tenant:<id>`. */
export type Scope = 'global' | `tenant:${string}`;

export const TENANT = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** The tenant of a scope; null = global. */
export function tenantOf(scope: Scope): string | null {
  return scope === 'global' ? null : scope.slice('tenant:'.length);
}

/** A scope from signed bytes or an operator. */
export function parseScope(text: string, field: string): Scope {
  if (text === 'global') return 'global';
  if (text.startsWith('tenant:') && TENANT.test(text.slice('tenant:'.length))) return text as Scope;
  throw new RonError('InvalidValue', `${field}: not a scope: ${JSON.stringify(text)}`, {
    field,
    hint: 'Write global, or tenant:ID with ID of a-z 0-9 . _ - (at most 64, first a letter or digit).',
  });
}

/** A null-prototype object of entries, sorted by name: tenant and minter names come from outside (R-45 c). */
export function record<T>(entries: Iterable<readonly [string, T]>): { readonly [name: string]: T } {
  const out = Object.create(null) as Record<string, T>;
  for (const [name, value] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) out[name] = value;
  return out;
}

export const sorted = (values: Values): Values => record(Object.entries(values));

export const pqJson = (pq: PqState): JsonObject => ({
  base_phase: pq.base_phase,
  percent: pq.percent,
  phase: pq.phase,
});

/** Start values of a profile: what an ungoverned store has and what the genesis copies. Every key is explicit. */
export function initialPolicy(profile: Profile): PolicyState {
  const values: Record<string, Json> = {};
  for (const row of REGISTRY) {
    if (row.key !== 'pq.phase' && row.key !== 'pq.rollout_percent' && row.start !== undefined) {
      values[row.key] = row.start(profile);
    }
  }
  const phase = rowOf('pq.phase')!.start!(profile);
  values['pq'] = pqJson(settled(isPhase(phase) ? phase : 3));
  return { v: 1, global: sorted(values), tenants: record([]), ceilings: record([]) };
}

const ids = (maxItems: number) => (value: Json, path: string) => {
  const list = array(string({ pattern: TENANT, what: 'a tenant id' }), maxItems, 1)(value, path);
  return sortedUnique(list, path);
};

function sortedUnique(list: string[], path: string): string[] {
  list.forEach((item, index) => {
    if (index > 0 && list[index - 1]! >= item) malformed(`${path}[${index}]`, 'items are sorted and unique');
  });
  return list;
}

/** Scopes that a ceiling may give; kms:admin and kms:govern are never minted (service page 2). */
export const CEILING_SCOPES = [
  'kms:audit',
  'kms:read',
  'kms:rotate',
  'kms:sign',
  'kms:unwrap',
  'kms:verify',
  'kms:wrap',
] as const;

export const decodeCeiling = object({
  tenants: ids(256),
  scopes: (value: Json, path: string) =>
    sortedUnique(array(literal(...CEILING_SCOPES), CEILING_SCOPES.length, 1)(value, path), path),
  max_ttl_s: integer(60, 86_400),
  max_active: integer(1, 10_000),
});

function decodeValue(key: string, value: Json, path: string, tenant: boolean): Json {
  try {
    const row = key === 'pq.phase' || key === 'pq.rollout_percent' ? null : rowOf(key);
    if (row === null) return malformed(path, 'no such governable key');
    if (tenant && row.scope === 'global') return malformed(path, 'this key has no value per tenant');
    return checkValue(row, value);
  } catch (error) {
    if (error instanceof RonError && error.code === 'InvalidValue') return malformed(path, error.message);
    throw error;
  }
}

function decodeValues(tenant: boolean) {
  return (value: Json, path: string): Values => {
    const out: Record<string, Json> = {};
    for (const [key, item] of map(/^[a-z][a-z0-9._]{0,127}$/, (inner: Json) => inner, 1024)(value, path)) {
      const where = join(path, key);
      if (key === 'pq') {
        out[key] = pqJson(decodePqState(item, where));
        continue;
      }
      out[key] = decodeValue(key, item, where, tenant);
    }
    if (!tenant && out['pq'] === undefined) return malformed(join(path, 'pq'), 'missing member');
    if (tenant && Object.keys(out).length === 0) return malformed(path, 'a tenant without an override has no member');
    return sorted(out);
  };
}

const shape = object({
  v: literal(1),
  global: decodeValues(false),
  tenants: map(TENANT, decodeValues(true), 100_000),
  ceilings: map(TENANT, decodeCeiling, 1024),
});

/** Reads a state from parsed canonical JSON; `Malformed` with the path. */
export function decodePolicyState(json: Json, path: string): PolicyState {
  const raw = shape(json, path);
  return { v: 1, global: raw.global, tenants: record(raw.tenants), ceilings: record(raw.ceilings) };
}

/** The state as JSON for a genesis or state file. */
export function policyStateJson(state: PolicyState): JsonObject {
  return { ceilings: ceilingsJson(state), global: state.global, tenants: state.tenants, v: 1 };
}

const ceilingsJson = (state: PolicyState): JsonObject =>
  record(Object.entries(state.ceilings).map(([minter, ceiling]) => [minter, { ...ceiling }] as const));

function ownPq(values: Values | undefined): PqState | null {
  return values?.['pq'] === undefined ? null : decodePqState(values['pq'], 'pq');
}

/** A member that is really there. */
export const own = <T>(source: { readonly [name: string]: T }, name: string | null): T | undefined =>
  name !== null && Object.hasOwn(source, name) ? source[name] : undefined;

/** The approved PQ state of a scope: for a tenant the tighter of its own and the global one. */
export function pqOf(state: PolicyState, scope: Scope): PqState {
  const global = ownPq(state.global)!;
  const tenant = ownPq(own(state.tenants, tenantOf(scope)));
  return tenant === null ? global : tighterPq(global, tenant);
}

/** The PQ value that stands in a scope itself; null for a tenant without an override. */
export function scopePqOf(state: PolicyState, scope: Scope): PqState | null {
  const tenant = tenantOf(scope);
  return tenant === null ? ownPq(state.global) : ownPqOf(state, tenant);
}

/** A tenant's own PQ override, or null. */
export function ownPqOf(state: PolicyState, tenant: string): PqState | null {
  return ownPq(own(state.tenants, tenant));
}

/** A tenant's own value of an ordinary key, or undefined. */
export function ownValueOf(state: PolicyState, tenant: string | null, key: string): Json | undefined {
  return own(own(state.tenants, tenant) ?? {}, key);
}

/** The global value of an ordinary key. A key added to the registry after this state was made has the strictest start value. */
export function globalValueOf(state: PolicyState, row: KeyRow): Json | null {
  return own(state.global, row.key) ?? row.start?.('macronode') ?? null;
}

/**
 * The approved value of a key in a scope: the tighter of global and tenant. `pq.phase` and `pq.rollout_percent` are members
 * of the one PQ value. Null only for a `backends.*` key that is not set. Throws UnknownKey.
 */
export function approvedValue(state: PolicyState, scope: Scope, key: string): Json {
  if (key === 'pq.phase') return pqOf(state, scope).phase;
  if (key === 'pq.rollout_percent') return pqOf(state, scope).percent;
  const row = rowOf(key);
  if (row === null)
    throw new RonError('UnknownKey', `no governable key is called ${JSON.stringify(key)}`, { field: key });
  const global = globalValueOf(state, row);
  const tenant = ownValueOf(state, tenantOf(scope), key);
  return tenant === undefined || global === null ? global : tighterValue(row, global, tenant);
}
