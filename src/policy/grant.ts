// What an `exception` and an `envelope` may say (governance pages 6, 10), judged against the approved policy of their scope.
// An exception loosens one key for a time; for PQ by one notch, never below phase 1. An envelope widens the bounds of tunes.
// Refuses: keys without a looser direction, values that are not looser, two notches, keys that are not tunable.

import type { Json } from '../bytes/canonical-json.ts';
import { RonError } from '../errors.ts';
import type { PqState } from '../rollout/phases.ts';
import { changeableRow } from './apply.ts';
import type { Profile } from './profile.ts';
import { approvedValue, type PolicyState, pqOf, type Scope } from './state.ts';
import { checkValue, compare, formatValue } from './value.ts';

function refuseNotch(key: string, current: PqState, to: Json): never {
  throw new RonError(
    'PolicyRefused',
    `an exception of ${key} to ${formatValue(to)}: from phase ${current.phase} only one notch, never below phase 1`,
    { field: key },
  );
}

/** Throws InvalidValue or PolicyRefused. */
export function checkException(
  state: PolicyState,
  scope: Scope,
  exception: { readonly key: string; readonly to: Json },
  profile: Profile,
): void {
  const { key, to } = exception;
  const row = changeableRow(key, scope);
  checkValue(row, to, profile);
  const approved = approvedValue(state, scope, key);
  const way = compare(row, approved, to);
  if (way !== 'looser') {
    const why =
      way === 'different' ? 'this key has no looser direction' : `the approved value is ${formatValue(approved)}`;
    throw new RonError('InvalidValue', `an exception only loosens: ${key}=${formatValue(to)}; ${why}`, { field: key });
  }
  const current = pqOf(state, scope);
  if (key === 'pq.phase' && (Number(to) < 1 || Number(to) < current.phase - 1)) refuseNotch(key, current, to);
  if (key === 'pq.rollout_percent' && current.phase < 2) refuseNotch(key, current, to);
}

/** Throws InvalidValue. */
export function checkEnvelope(
  scope: Scope,
  envelope: {
    readonly keys: readonly string[];
    readonly bounds: Readonly<Record<string, { readonly min: number; readonly max: number }>>;
  },
  profile: Profile,
): void {
  if (envelope.keys.join() !== Object.keys(envelope.bounds).sort().join()) {
    throw new RonError('InvalidValue', 'an envelope has bounds for exactly its keys', { field: 'bounds' });
  }
  for (const [key, { min, max }] of Object.entries(envelope.bounds)) {
    const row = changeableRow(key, scope);
    if (row.sensitive !== 'tunable') {
      throw new RonError('InvalidValue', `${key} is not tunable, so no envelope holds it`, { field: key });
    }
    checkValue(row, min, profile);
    checkValue(row, max, profile);
    if (min > max) throw new RonError('InvalidValue', `${key}: min ${min} is over max ${max}`, { field: key });
  }
}
