// Who may mint what (service page 2, R-28, X-05). The holder of the unsealed root: anything. A token with kms:admin: a subset
// of its own tenants and scopes, or, under the ceiling of its `sub`, of what the ceiling gives; its keys, algorithms, purposes
// and rate go over to the new token, and its exp bounds it. kms:admin and kms:govern are never minted by a token.
// Attack: kms:admin for tenant A mints kms:govern or tenant B. Refuses with Denied.

import { toTime } from '../../bytes/time.ts';
import { INSTANCE } from '../../capability/caveats.ts';
import { type EffectiveCaveats, inheritedCaveats } from '../../capability/effective.ts';
import { fail } from '../../errors.ts';
import { CEILING_SCOPES, type Ceiling, own, TENANT } from '../../policy/state.ts';
import type { Call, Narrowed } from '../ports.ts';
import { authoriseAdmin, type Bearer } from './authorise.ts';
import type { PolicyInForce } from './key-policy.ts';

export const OPERATOR = 'operator';

/** What an ungoverned server allows its operator: with backend inmem nobody else can unseal the root (decided here). */
const IMPLIED = { scopes: CEILING_SCOPES as readonly string[], max_ttl_s: 900, max_active: 100 };

export interface MintAuthority {
  /** Caveats that stand before the requested ones. */
  readonly inherited: readonly string[];
  readonly ceiling: { readonly minter: string; readonly rule: Ceiling } | null;
}

const within = (items: readonly string[], all: readonly string[]): boolean => items.every((item) => all.includes(item));

/** The ceiling of a minter for these tenants; null when there is none. */
function ceilingOf(policy: PolicyInForce, caller: Bearer, wanted: EffectiveCaveats): Ceiling | null {
  const { sub } = caller;
  if (sub === undefined) return null;
  if (policy.governed) return own(policy.policy.ceilings, sub) ?? null;
  return sub === OPERATOR ? { ...IMPLIED, tenants: wanted.tenants.filter((tenant) => TENANT.test(tenant)) } : null;
}

/** A bearer for the instance may name any tenant of its ceiling; a bearer for tenants stays within them. */
function tenantsOf(caller: Bearer, rule: Ceiling): readonly string[] {
  if (caller.tenants.includes(INSTANCE)) return rule.tenants;
  return rule.tenants.filter((tenant) => caller.tenants.includes(tenant));
}

const deny = (why: string): never =>
  fail('Denied', why, { hint: 'See `ronctl policy inspect` for ceilings; whoever can unseal the store may mint it.' });

const callerNarrowing = (narrowed: Narrowed | undefined): Parameters<typeof inheritedCaveats>[0] => ({
  algs: narrowed?.algs ?? null,
  purposes: narrowed?.purposes ?? null,
  kid: narrowed?.kid ?? null,
  rps: narrowed?.rps ?? null,
});

/** Throws Denied. */
export function mintAuthority(policy: PolicyInForce, call: Call, wanted: EffectiveCaveats): MintAuthority {
  const caller = authoriseAdmin(call);
  if (caller === null) return { inherited: [], ceiling: null };
  for (const scope of ['kms:admin', 'kms:govern']) {
    if (wanted.scopes.includes(scope)) deny(`${scope} is never minted by a token`);
  }
  const { narrowed } = caller;
  if (narrowed !== undefined && toTime(wanted.expiresMs) > narrowed.expiresAt) {
    deny(`the capability would outlive the one that mints it, which ends ${narrowed.expiresAt}`);
  }
  const inherited = inheritedCaveats(callerNarrowing(narrowed));
  if (within(wanted.tenants, caller.tenants) && within(wanted.scopes, caller.scopes))
    return { inherited, ceiling: null };
  const rule = ceilingOf(policy, caller, wanted);
  if (rule === null) return deny('tenants and scopes beyond the own capability need a ceiling, and there is none');
  if (!within(wanted.tenants, tenantsOf(caller, rule))) deny('a tenant beyond the ceiling of the minter');
  if (!within(wanted.scopes, rule.scopes)) deny('a scope beyond the ceiling of the minter');
  return { inherited, ceiling: { minter: caller.sub!, rule } };
}

/** Of revoking and listing: the instance, or the tenants of the bearer. Throws Denied without kms:admin. */
export function administers(call: Call, tenants: readonly string[], leavesRecord = true): boolean {
  const caller = authoriseAdmin(call, leavesRecord);
  return caller === null || caller.tenants.includes(INSTANCE) || within(tenants, caller.tenants);
}
