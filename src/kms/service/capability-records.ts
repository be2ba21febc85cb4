// The `mint` records of the log (log page 4.4): which capabilities exist. A token without one is refused everywhere but at
// `register`, and one that was used is known by the actor of a later record: the log is the used-set.

import type { AuditDraft, AuditRecord } from '../../audit/draft.ts';
import { array, boolean, integer, object, string, time } from '../../bytes/decode.ts';
import { fromTime } from '../../bytes/time.ts';
import { type EffectiveCaveats, effectiveCaveats } from '../../capability/effective.ts';
import type { CapabilityIdentifier } from '../../capability/identifier.ts';
import { ownBytes } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';

/** A capability as its mint record names it. */
export interface RecordedCapability {
  readonly identifier: CapabilityIdentifier;
  readonly caveats: readonly string[];
  readonly effective: EffectiveCaveats;
  /** The minter under whose ceiling it was minted. */
  readonly ceiling: string | null;
  /** Time and place of the record. */
  readonly recordedMs: Millis;
  readonly seq: number;
}

const text = string({ maxBytes: LIMITS.capabilityCaveatBytes });
const shape = object(
  {
    cap: object({ root: integer(1), id: string() }),
    by: string(),
    caveats: array(text, LIMITS.capabilityCaveats),
    once: boolean,
  },
  { minted_at: time, sub: string(), ceiling: string(), governed: boolean },
);

/** `detail` of a mint record. */
export function mintDetail(
  identifier: CapabilityIdentifier,
  caveats: readonly string[],
  ceiling: string | null,
): NonNullable<AuditDraft['detail']> {
  const { root, id, once, minted_at, minted_by, sub } = identifier;
  return {
    cap: { root, id },
    by: minted_by,
    caveats: [...caveats],
    once,
    minted_at,
    ...(sub === undefined ? {} : { sub }),
    ...(ceiling === null ? {} : { ceiling }),
  };
}

/** Null for another record. Throws Tampered for a mint record that this version would not have written. */
export function capabilityOf(record: AuditRecord): RecordedCapability | null {
  if (record.op !== 'mint' || record.result !== 'ok') return null;
  const { detail } = record;
  return ownBytes(() => {
    const { cap, by, caveats, once, minted_at, sub, ceiling } = shape(detail ?? {}, 'detail');
    const identifier: CapabilityIdentifier = {
      v: 1,
      ...cap,
      once,
      minted_at: minted_at ?? record.ts,
      minted_by: by,
      ...(sub === undefined ? {} : { sub }),
    };
    const effective = effectiveCaveats(caveats);
    return {
      identifier,
      caveats,
      effective,
      ceiling: ceiling ?? null,
      recordedMs: fromTime(record.ts),
      seq: record.seq,
    };
  });
}

/** `<root>:<id>` of the capability that an act was recorded for; null for another actor. */
export function usedBy(record: AuditRecord): string | null {
  return record.actor.startsWith('cap:') && record.op !== 'reject' ? record.actor.slice('cap:'.length) : null;
}

/** Tenants that a capability still names: they exist (governance page 4). */
export function capabilityTenants(
  store: Pick<CustodyStore, 'record' | 'records' | 'logSize'>,
  nowMs: Millis,
): ReadonlySet<string> {
  const tenants = new Set<string>();
  for (const record of recordsSince(store, nowMs - LIMITS.capabilityLifeMs)) {
    const effective = capabilityOf(record)?.effective;
    if (effective !== undefined && effective.expiresMs > nowMs) for (const one of effective.tenants) tenants.add(one);
  }
  return tenants;
}

/** Clocks may be set back: a record may carry an earlier time than one before it. */
const SLACK_MS = 3_600_000;

/** Records of this epoch from a time on, found by halving. */
export function* recordsSince(
  store: Pick<CustodyStore, 'record' | 'records' | 'logSize'>,
  sinceMs: Millis,
): Generator<AuditRecord> {
  let low = 0;
  for (let high = store.logSize; low < high; ) {
    const middle = Math.floor((low + high) / 2);
    if (fromTime(store.record(middle).ts) < sinceMs - SLACK_MS) low = middle + 1;
    else high = middle;
  }
  yield* store.records(low);
}
