// Requests of the last 24 hours by their operation id (R-31, GAP-58): the log is the store, this is where to look in it. Made
// from the records themselves, never from an index file, where a removed hint would repeat a rotation. At most 100,000 are
// kept, shared among the active tenants; a request beyond its tenant's share is refused (429), no earlier one is forgotten.
// Attack: in a global table one tenant evicts another's entry, and the retry rotates twice.

import type { AuditRecord } from '../../audit/draft.ts';
import { fromTime } from '../../bytes/time.ts';
import { fail, RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';

export const RETENTION_MS = 24 * 3600 * 1000;
const CAPACITY = 100_000;
/** The instance is one tenant among the others. */
const NO_TENANT = '';

interface Place {
  readonly seq: number;
  readonly tenant: string;
  readonly atMs: Millis;
  readonly opId: string;
}

/** What the table reads the log through. */
export interface OperationLog {
  readonly logSize: number;
  record(seq: number): AuditRecord;
  records(fromSeq: number): Iterable<AuditRecord>;
}

/** Requests, and effects of plans, have an id that may be asked for; other records have one that nobody knows. */
const isAsked = (record: AuditRecord): boolean => record.req !== undefined || record.op_id[14] === '8';

export class RecentOperations {
  readonly #byId = new Map<string, Place[]>();
  /** In the order of the log. */
  #places: Place[] = [];
  readonly #perTenant = new Map<string, number>();

  /** Reads the records of the last 24 hours. */
  static read(log: OperationLog, nowMs: Millis): RecentOperations {
    const made = new RecentOperations();
    for (const record of log.records(firstSince(log, nowMs - RETENTION_MS))) made.add(record);
    return made;
  }

  get size(): number {
    return this.#places.length;
  }

  add(record: AuditRecord): void {
    if (!isAsked(record)) return;
    const place: Place = {
      seq: record.seq,
      tenant: record.tenant ?? NO_TENANT,
      atMs: fromTime(record.ts),
      opId: record.op_id,
    };
    this.#places.push(place);
    const known = this.#byId.get(place.opId);
    if (known === undefined) this.#byId.set(place.opId, [place]);
    else known.push(place);
    this.#perTenant.set(place.tenant, (this.#perTenant.get(place.tenant) ?? 0) + 1);
  }

  /** Seqs of records with this id, newest first. */
  seqsOf(opId: string): number[] {
    return (this.#byId.get(opId) ?? []).map((one) => one.seq).reverse();
  }

  /** Forgets what is over 24 hours old. */
  forget(nowMs: Millis): void {
    const keep = this.#places.findIndex((one) => one.atMs >= nowMs - RETENTION_MS);
    const old = keep < 0 ? this.#places : this.#places.slice(0, keep);
    if (old.length === 0) return;
    this.#places = keep < 0 ? [] : this.#places.slice(keep);
    for (const { opId, seq, tenant } of old) {
      const rest = (this.#byId.get(opId) ?? []).filter((one) => one.seq !== seq);
      if (rest.length === 0) this.#byId.delete(opId);
      else this.#byId.set(opId, rest);
      const left = (this.#perTenant.get(tenant) ?? 1) - 1;
      if (left === 0) this.#perTenant.delete(tenant);
      else this.#perTenant.set(tenant, left);
    }
  }

  /** Throws LimitReached when the tenant has used its share of the table. */
  demandRoom(tenant: string | null): void {
    const name = tenant ?? NO_TENANT;
    const own = this.#perTenant.get(name) ?? 0;
    const tenants = this.#perTenant.size + (own === 0 ? 1 : 0);
    const share = Math.floor(CAPACITY / tenants);
    if (own < share) return;
    fail('LimitReached', `${own} operations of the last 24 hours are remembered; ${share} is the share of one tenant`);
  }
}

/** Null for a record that was archived: only what is older than this table is. */
function timeOf(log: OperationLog, seq: number): Millis | null {
  try {
    return fromTime(log.record(seq).ts);
  } catch (error) {
    if (error instanceof RonError && error.code === 'Tampered' && error.field === 'missing-records') return null;
    throw error;
  }
}

/** Seq of the first record at or after a time; times that fall in between only make the stretch longer. */
function firstSince(log: OperationLog, sinceMs: Millis): number {
  let low = 0;
  let high = log.logSize;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const atMs = timeOf(log, middle);
    if (atMs === null || atMs < sinceMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
