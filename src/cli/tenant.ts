// Tenants and scopes as typed: upper case is folded with a notice (documented line `--scope tenant:ACME`).

import type { Host } from '../host.ts';
import type { Scope } from '../policy/state.ts';
import { foldScope, foldTenant } from '../policy/tenant.ts';

/** Throws InvalidValue naming `field`. */
export function tenantGiven(host: Pick<Host, 'log'>, text: string, field = '--tenant'): string {
  const tenant = foldTenant(text, field);
  if (tenant !== text) host.log.notice(`${field}: ${text} is read as ${tenant}`);
  return tenant;
}

export function scopeGiven(host: Pick<Host, 'log'>, text: string, field = '--scope'): Scope {
  const scope = foldScope(text, field);
  if (scope !== text) host.log.notice(`${field}: ${text} is read as ${scope}`);
  return scope;
}
