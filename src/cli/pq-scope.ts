// Flags of the pq commands: `--tenant ID` or `--scope global|tenant:ID`, exactly one of them; `--to` and `--percent` as
// changes of governable keys.

import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import { parsePhase } from '../operations/pq/plan.ts';
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

/** Throws Usage when neither is given, InvalidValue for another phase. */
export function pqChanges(flags: {
  readonly to?: string | undefined;
  readonly percent?: string | undefined;
}): string[] {
  const changes = [
    ...(flags.to === undefined ? [] : [`pq.phase=${parsePhase(flags.to, '--to')}`]),
    ...(flags.percent === undefined ? [] : [`pq.rollout_percent=${flags.percent}`]),
  ];
  if (changes.length > 0) return changes;
  throw new RonError('Usage', 'what is proposed?', { field: '--to', hint: 'Give --to PHASE, --percent N, or both.' });
}
