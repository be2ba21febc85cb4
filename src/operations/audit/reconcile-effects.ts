// Whether a record is that of one effect of a plan (governance page 10), and whether the record that ends an execution carries
// the receipt that follows from intent and records.

import type { AuditRecord } from '../../audit/draft.ts';
import { canonicalBytes, canonicalText } from '../../bytes/canonical-json.ts';
import { sha256Hex } from '../../crypto/hash.ts';
import type { Action } from '../../governance/actions.ts';
import { POLICY_EFFECT } from '../../governance/execution-plan.ts';
import type { ReceiptCore } from '../../governance/receipt.ts';

/** Record of an effect; other effects have the name of their record. */
const RECORD_OF: Readonly<Record<string, string>> = {
  'key-retire': 'retire',
  'key-compromised': 'compromised',
  'restore-accept': 'epoch.open',
  [POLICY_EFFECT]: 'governance.execute',
};
/** Records without the digest of the action's members: they carry these instead. */
const WITHOUT_ARGS: readonly string[] = ['retire', 'compromised', 'epoch.open', 'governance.execute'];

/** The op of the record that commits an effect. */
export const recordOf = (effect: string): string => RECORD_OF[effect] ?? effect;

/** Why the record is not that of the effect; null when it is. */
export function difference(record: AuditRecord, n: number, action: Action | null): string | null {
  if (record.result !== 'ok') return `its result is ${record.result}`;
  if (record.op === 'governance.execute') return null;
  if (record.op !== 'epoch.open' && record.detail?.['n'] !== n)
    return `it says that it is effect ${said(record.detail?.['n'])}`;
  if (action === null) return 'the proposal has no action';
  if (action.name === 'key-retire' || action.name === 'key-compromised') {
    const kid = record.kid ?? '';
    const without = (text: string): string => text.replace(/#v\d+$/, '');
    const same = action.kid.includes('#v') ? kid === action.kid : without(kid) === action.kid;
    if (!same) return `it is of ${kid}, decided was ${action.kid}`;
  }
  if (action.name === 'key-compromised') {
    const { from_seq, epoch } = record.detail ?? {};
    return from_seq === action.from_seq && epoch === action.epoch ? null : 'it counts from another record';
  }
  if (WITHOUT_ARGS.includes(record.op)) return null;
  const args = `sha256:${sha256Hex(canonicalBytes(action))}`;
  return record.detail?.['args'] === args ? null : 'its args are not those of the action that was decided';
}

/** As text, for comparing and for messages. */
export const said = (value: unknown): string => canonicalText(value ?? null);

/** True when the detail of a `governance.execute` record is exactly that of this receipt. */
export function carries({ detail }: AuditRecord, core: ReceiptCore): boolean {
  const { governed: _governed, ...rest } = detail ?? {};
  const { proposal_digest, statements, state_before, state_after } = core;
  return said(rest) === said({ proposal_digest, statements, state_before, state_after, receipt: core });
}
