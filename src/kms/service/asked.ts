// Which records tenants ask for, and which are authority changes or acts of the system: only the former are refused while
// room or time is short.

import type { AuditDraft, AuditOp } from '../../audit/draft.ts';

/** What tenants ask for; everything else is an authority change or an act of the system. */
export const TENANT_OPS: ReadonlySet<AuditOp> = new Set([
  'sign',
  'wrap',
  'unwrap',
  'create',
  'rotate',
  'attest',
  'mint',
  'verify',
  'reject',
]);

export type AskedDraft = Pick<AuditDraft, 'op' | 'tenant' | 'kid'> & { readonly actor?: string };

/** The operator's own capability is an act of the system: without it a server on a nearly full volume would not start. */
export const isAsked = ({ op, actor }: AskedDraft): boolean =>
  TENANT_OPS.has(op) && !(op === 'mint' && actor === 'system');

/** Waits for its turn behind others; authority changes, and what the service records of itself, never do. */
export const isQueued = (draft: AskedDraft): boolean => isAsked(draft) && draft.actor !== 'system';
