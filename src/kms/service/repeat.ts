// Repetition by op_id (log page 4.10, I-28): for mutations the log is the store. The same op_id with the same request gives
// the recorded result, with another request Conflict. The request is compared by a keyed digest in the record, so that
// nothing of it can be guessed from the log.

import type { AuditOp, AuditRecord } from '../../audit/draft.ts';
import { canonicalBytes, type JsonObject } from '../../bytes/canonical-json.ts';
import { wipe } from '../../bytes/wipe.ts';
import { fail } from '../../errors.ts';
import { requireKeyId, withVersion } from '../../keys/key-id.ts';
import { openKeyVersion } from '../../keys/key-record.ts';
import { requireKey } from '../../keys/keyring.ts';
import type { PublicKeyEntry } from '../../keys/public-view.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { Call, CreateResult } from '../ports.ts';
import type { OpenHome } from './home.ts';
import { keyInfo } from './key-info.ts';

/** Whose repetitions count: the same operation of the same tenant (GAP-76); another tenant's op_id says nothing here. */
export interface RepeatScope {
  readonly op: AuditOp;
  /** Null for acts of the instance. */
  readonly tenant: string | null;
}

export interface Repeat {
  /** Keyed digest of this request, for the record. */
  readonly req: string;
  /** The record of an earlier, equal request. */
  readonly earlier: AuditRecord | null;
}

/** Looks an earlier call with this op_id up, when the caller named it. Throws Conflict when it was another request. */
export async function repeatOf(
  { store }: { readonly store: Pick<CustodyStore, 'requestDigest' | 'findOperation'> },
  call: Call,
  of: RepeatScope,
  request: JsonObject,
): Promise<Repeat> {
  const req = await store.requestDigest(canonicalBytes(request));
  const isOurs = (record: AuditRecord): boolean =>
    record.op === of.op && (record.tenant ?? null) === of.tenant && record.req !== undefined;
  const earlier = call.repeatable === true ? store.findOperation(call.opId, 0, isOurs) : null;
  if (earlier !== null && earlier.req !== req) {
    fail('Conflict', `the operation id ${call.opId} was already used for another request (${earlier.op})`, {
      field: 'op_id',
      hint: 'Leave --op-id out for a new request.',
    });
  }
  return { req, earlier };
}

/** From the sealed records; a retired version has none any more. */
async function createdTimes(home: OpenHome, key: PublicKeyEntry): Promise<ReadonlyMap<number, string>> {
  const held = new Set(home.store.recordIds());
  const times = new Map<number, string>();
  for (const { n } of key.versions) {
    const id = withVersion(key.kid, n);
    if (!held.has(id)) continue;
    const item = await home.store.read(id);
    const { secrets, created_at } = openKeyVersion(id, item.meta, item.secret);
    wipe(...secrets);
    times.set(n, created_at);
  }
  return times;
}

/** The result that a create or rotate record stands for. */
export async function recordedKey(home: OpenHome, record: AuditRecord, replayed: boolean): Promise<CreateResult> {
  const kid = record.kid ?? fail('Internal', `the ${record.op} record ${record.seq} names no key`);
  const key = requireKey(home.store.view, requireKeyId(kid, 'kid'));
  const created = await createdTimes(home, key);
  return {
    kid,
    key: keyInfo(key, (version) => created.get(version.n) ?? null),
    op_id: record.op_id,
    replayed,
    audit: { origin: home.store.originOf(record), index: record.seq },
  };
}
