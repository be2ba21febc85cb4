// Tenants as operators type them (governance page 4, I-47): upper case is folded, a tenant that nothing knows is refused
// with the nearest names, so that a misspelt id does not become a new tenant.

import { nearest } from '../bytes/nearest.ts';
import { RonError } from '../errors.ts';
import { type PolicyState, parseScope, type Scope, TENANT } from './state.ts';

/** The tenant id in lower case; `InvalidValue` for another form. The caller tells the operator when it differs. */
export function foldTenant(text: string, field: string): string {
  const folded = text.toLowerCase();
  if (TENANT.test(folded)) return folded;
  throw new RonError('InvalidValue', `${field}: not a tenant id: ${JSON.stringify(text)}`, {
    field,
    hint: 'A tenant id is a-z 0-9 . _ - (at most 64, first a letter or digit).',
  });
}

/** `global` or `tenant:ID` as typed, the id folded. */
export function foldScope(text: string, field: string): Scope {
  if (!/^tenant:/i.test(text)) return parseScope(text, field);
  return `tenant:${foldTenant(text.slice('tenant:'.length), field)}`;
}

/** Tenants with an override, a ceiling or a key, sorted. `keyTenants` are the tenants of the store's keys. */
export function knownTenants(state: PolicyState, keyTenants: Iterable<string>): string[] {
  const ceilings = Object.values(state.ceilings).flatMap((ceiling) => [...ceiling.tenants]);
  return [...new Set([...Object.keys(state.tenants), ...ceilings, ...keyTenants])].sort();
}

/** Throws `UnknownTenant` (4) with the nearest names, unless the tenant is known. */
export function demandTenant(tenant: string, known: readonly string[]): void {
  if (known.includes(tenant)) return;
  const near = nearest(tenant, known);
  throw new RonError('UnknownTenant', `there is no tenant ${tenant}`, {
    field: '--tenant',
    hint: `${near.length === 0 ? '' : `Nearest: ${near.join(', ')}. `}Give --new-tenant to make it.`,
  });
}
