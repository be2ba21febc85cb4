// `--tenant ID` or `--scope global|tenant:ID`, exactly one of them.

import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { Scope } from '../policy/state.ts';
import { scopeGiven, tenantGiven } from './tenant.ts';

/** Throws Usage when none or both are given. */
export function pqScope(
  host: Pick<Host, 'log'>,
  flags: { readonly tenant?: string | undefined; readonly scope?: string | undefined },
): Scope {
  if (flags.tenant !== undefined && flags.scope === undefined) return `tenant:${tenantGiven(host, flags.tenant)}`;
  if (flags.scope !== undefined && flags.tenant === undefined) return scopeGiven(host, flags.scope);
  const both = flags.tenant !== undefined;
  throw new RonError('Usage', both ? '--tenant and --scope exclude each other' : 'which scope is meant?', {
    field: '--tenant',
    hint: 'Give --tenant ID, or --scope global.',
  });
}
