// The policy view V(scope) (governance page 4, R-05): what a proposal for this scope was written against and what execution
// compares.
//
//   {v:1, ledger_id, scope, global, tenant|null, ceilings, baselines, signer_set_hash}
//
// `tenant`: the overrides of the scope's tenant (`{}` when it has none), null for global. `ceilings`: those that name the
// tenant; all for global. `baselines`: the approved values of the scope's tunable keys. No tuned value, exception, freeze or
// time stands here. Attack: a tune, or another tenant's change, would make every proposal stale. Refuses a view whose
// baselines do not follow from its values.

import { canonicalBytes, canonicalText, type Json, type JsonObject } from '../bytes/canonical-json.ts';
import { any, literal, malformed, nullable, object, sha256Digest, string } from '../bytes/decode.ts';
import { digestH, payloadType } from '../envelope/h.ts';
import { REGISTRY } from './registry.ts';
import {
  approvedValue,
  type Ceiling,
  decodePolicyState,
  own,
  type PolicyState,
  parseScope,
  policyStateJson,
  record,
  type Scope,
  tenantOf,
  type Values,
} from './state.ts';

export const POLICY_VIEW_TYPE = payloadType('gov.policy-view.v1');

export interface PolicyView {
  readonly v: 1;
  readonly ledger_id: string;
  readonly scope: Scope;
  readonly global: Values;
  readonly tenant: Values | null;
  readonly ceilings: { readonly [minter: string]: Ceiling };
  readonly baselines: Values;
  readonly signer_set_hash: string;
}

/** Only keys that stand in the state: a key that a later version adds leaves every older view as it was. */
function baselinesOf(state: PolicyState, scope: Scope): Values {
  const rows = REGISTRY.filter(
    (row) =>
      row.sensitive === 'tunable' &&
      own(state.global, row.key) !== undefined &&
      (scope === 'global' || row.scope === 'global-and-tenant'),
  );
  return record(rows.map((row) => [row.key, approvedValue(state, scope, row.key)] as const));
}

export function viewOf(of: {
  readonly ledgerId: string;
  readonly scope: Scope;
  readonly state: PolicyState;
  readonly signerSetHash: string;
}): PolicyView {
  const tenant = tenantOf(of.scope);
  const ceilings = Object.entries(of.state.ceilings).filter(
    ([, ceiling]) => tenant === null || ceiling.tenants.includes(tenant),
  );
  return {
    v: 1,
    ledger_id: of.ledgerId,
    scope: of.scope,
    global: of.state.global,
    tenant: tenant === null ? null : (own(of.state.tenants, tenant) ?? record([])),
    ceilings: record(ceilings),
    baselines: baselinesOf(of.state, of.scope),
    signer_set_hash: of.signerSetHash,
  };
}

export function policyViewJson(view: PolicyView): JsonObject {
  const ceilings = Object.entries(view.ceilings).map(([minter, ceiling]) => [minter, { ...ceiling }] as const);
  return { ...view, ceilings: record<JsonObject>(ceilings) };
}

/** H of V: `base_state.hash` and `expected_state_hash`. */
export function viewHash(view: PolicyView): string {
  return digestH(POLICY_VIEW_TYPE, canonicalBytes(policyViewJson(view)));
}

/** The part of the policy state that a view shows; enough to apply a proposal of the same scope to it. */
export function stateOfView(view: PolicyView): PolicyState {
  const tenant = tenantOf(view.scope);
  const hasValues = view.tenant !== null && Object.keys(view.tenant).length > 0;
  return {
    v: 1,
    global: view.global,
    tenants: record(tenant !== null && hasValues ? [[tenant, view.tenant] as const] : []),
    ceilings: view.ceilings,
  };
}

const shape = object({
  v: literal(1),
  ledger_id: string({ pattern: /^(?:gl|drill)-[a-z2-7]{32}$/, what: 'a ledger id' }),
  scope: string({ pattern: /^(?:global|tenant:[a-z0-9][a-z0-9._-]{0,63})$/, what: 'a scope' }),
  global: any,
  tenant: nullable(any),
  ceilings: any,
  baselines: any,
  signer_set_hash: sha256Digest,
});

/** Reads a view from parsed canonical JSON; `Malformed` with the path. Says nothing about who vouches for it. */
export function decodePolicyView(json: Json, path: string): PolicyView {
  const raw = shape(json, path);
  const scope = parseScope(raw.scope, `${path}.scope`);
  const tenant = tenantOf(scope);
  if ((raw.tenant === null) !== (tenant === null)) malformed(`${path}.tenant`, 'an object for a tenant, else null');
  const overrides =
    tenant !== null && canonicalText(raw.tenant) !== '{}' ? record([[tenant, raw.tenant] as const]) : {};
  const state = decodePolicyState({ ceilings: raw.ceilings, global: raw.global, tenants: overrides, v: 1 }, path);
  const view = viewOf({ ledgerId: raw.ledger_id, scope, state, signerSetHash: raw.signer_set_hash });
  if (canonicalText(view.baselines) !== canonicalText(raw.baselines)) {
    malformed(`${path}.baselines`, 'not the approved values of the tunable keys');
  }
  if (canonicalText(policyViewJson(view)['ceilings']) !== canonicalText(policyStateJson(state)['ceilings'])) {
    malformed(`${path}.ceilings`, 'a ceiling that does not touch the scope');
  }
  return view;
}
