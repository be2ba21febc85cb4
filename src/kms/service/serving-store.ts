// The custody store of a server (C-03, R-32): the store that stands now behind one object that outlives it. Every write is
// told to the service when it is durable; a wait of more than 200 ms for the log, or a lost backend, is StoreUnavailable and
// nothing is released. After the first storage error nothing more is written until another open; what is public, and the
// records that were read, can still be read. Refuses every write of a service that only verifies.

import type { AuditDraft, AuditRecord } from '../../audit/draft.ts';
import { fromTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import type { PublicView } from '../../keys/public-view.ts';
import { LIMITS } from '../../limits.ts';
import type {
  CheckpointInfo,
  CustodyStore,
  EpochOpening,
  LedgerBatch,
  Mutation,
  SealedItem,
  VerifyOnly,
} from '../../storage/custody-port.ts';
import { isQueued } from './asked.ts';
import type { Deadlines } from './deadlines.ts';
import { RETENTION_MS, RecentOperations } from './recent-operations.ts';

export interface ServingHooks {
  /** Records that are durable now. */
  committed(records: readonly AuditRecord[]): void;
  /** A write failed; `records` were to be written. */
  failed(error: RonError, records: number): void;
  /** The store that stood until now has ended. */
  lost(error: RonError): void;
  /** Space and quotas, before anything is written. Throws StoreUnavailable, LimitReached. */
  admit(drafts: readonly (Pick<AuditDraft, 'op' | 'tenant' | 'kid'> & { readonly actor?: string })[]): void;
}

export const APPEND_WAIT_MS = 200;

export function unavailable(why: string): RonError {
  return new RonError('StoreUnavailable', why, { hint: 'Try again later; `ronctl kms status` says more.' });
}

export class ServingStore implements CustodyStore {
  readonly #deadlines: Deadlines;
  readonly #hooks: ServingHooks;
  #inner: CustodyStore;
  #lost: RonError | null = null;
  #refusal: string | null = null;
  #recent: RecentOperations;
  #newest: AuditRecord | null = null;
  /** The newest one that this process wrote; for its time alone. */
  #latest: AuditRecord | null = null;
  #pending = 0;
  #lateAtMs: Millis | null = null;
  #queueRecords: number = LIMITS.auditQueueRecords;
  /** An unfinished execution of an earlier process is looked up in the whole log. */
  #deepLookUps = false;

  constructor(inner: CustodyStore, recent: RecentOperations, deadlines: Deadlines, hooks: ServingHooks) {
    this.#inner = inner;
    this.#recent = recent;
    this.#deadlines = deadlines;
    this.#hooks = hooks;
  }

  /** Another open of the same store takes over. */
  replace(next: CustodyStore, recent: RecentOperations): void {
    this.#inner = next;
    this.#recent = recent;
    this.#newest = null;
    this.#latest = null;
    this.#lost = null;
  }

  /** The store that stands cannot be used after all. */
  lose(error: RonError): void {
    this.#lost ??= error;
  }

  /** From now on nothing is written, and this is why; null takes it back. */
  refuseWrites(why: string | null): void {
    this.#refusal = why;
  }

  /** Runs `act` with look-ups of operation ids that go through the whole log. */
  async deep<T>(act: () => Promise<T>): Promise<T> {
    this.#deepLookUps = true;
    try {
      return await act();
    } finally {
      this.#deepLookUps = false;
    }
  }

  /** Why nothing can be written now; null when it can. */
  get unavailableWhy(): string | null {
    if (this.#refusal !== null) return this.#refusal;
    return this.#lost === null ? null : `the custody backend is lost: ${this.#lost.message}`;
  }

  /** How many records may wait for the log (`limits.audit_queue`); more of what is asked for is Busy. */
  limitQueue(records: number): void {
    this.#queueRecords = records;
  }

  /** Monotonic ms of the last record that was not durable in time; null when there was none. */
  get lateAtMs(): Millis | null {
    return this.#lateAtMs;
  }

  /** Records that wait for the log. */
  get pending(): number {
    return this.#pending;
  }

  get recent(): RecentOperations {
    return this.#recent;
  }

  get storeId(): string {
    return this.#inner.storeId;
  }

  get profile(): string {
    return this.#inner.profile;
  }

  get origin(): string {
    return this.#inner.origin;
  }

  get genesisDigest(): string | null {
    return this.#inner.genesisDigest;
  }

  get verifyOnly(): VerifyOnly | null {
    return this.#inner.verifyOnly;
  }

  get broken(): RonError | null {
    return this.#lost;
  }

  get view(): PublicView {
    return this.#inner.view;
  }

  get logSize(): number {
    return this.#inner.logSize;
  }

  async read(id: string): Promise<SealedItem> {
    this.#demandThere();
    return this.#inner.read(id);
  }

  recordIds(): readonly string[] {
    return this.#inner.recordIds();
  }

  keyFile(name: string): Uint8Array | null {
    return this.#inner.keyFile(name);
  }

  writeKeyFiles(files: NonNullable<Mutation['keyFiles']>): Promise<void> {
    return this.#write(0, (inner) => inner.writeKeyFiles(files));
  }

  async serviceKeys(): ReturnType<CustodyStore['serviceKeys']> {
    this.#demandThere();
    return this.#inner.serviceKeys();
  }

  logVkeys(): { readonly ed25519: string; readonly mlDsa44: string } {
    return this.#inner.logVkeys();
  }

  requestDigest(canonicalRequest: Uint8Array): Promise<string> {
    return this.#inner.requestDigest(canonicalRequest);
  }

  async mutate(mutation: Mutation): Promise<AuditRecord> {
    if (typeof mutation.audit !== 'function') this.#admit([mutation.audit]);
    const record = await this.#write(1, (inner) => inner.mutate(mutation));
    this.#took([record]);
    return record;
  }

  async append(drafts: readonly AuditDraft[]): Promise<readonly AuditRecord[]> {
    this.#admit(drafts);
    const written = this.#write(drafts.length, (inner) => inner.append(drafts)).then((records) => {
      this.#took(records);
      return records;
    });
    // Nobody waits for what the service records of itself.
    if (drafts.every(({ actor }) => actor === 'system')) return written;
    return this.#deadlines.within(written, APPEND_WAIT_MS, () => {
      // The record may still become durable: it says that the effect happened, not that the answer arrived.
      this.#lateAtMs = this.#deadlines.monotonicMs();
      const error = unavailable(`the audit log did not take the record within ${APPEND_WAIT_MS} ms`);
      this.#hooks.failed(error, 0);
      return error;
    });
  }

  async appendLedger(batch: LedgerBatch): Promise<AuditRecord> {
    const record = await this.#write(1, (inner) => inner.appendLedger(batch));
    this.#took([record]);
    return record;
  }

  async openEpoch(opening: EpochOpening): Promise<AuditRecord> {
    this.#demandThere();
    const inner = this.#inner;
    try {
      const record = await inner.openEpoch(opening);
      // From here on it is another log: what was known of the one before has other places.
      this.#newest = null;
      this.#latest = null;
      this.#refusal = null;
      this.#recent = RecentOperations.read(inner, this.#deadlines.nowMs());
      this.#hooks.committed([record]);
      return record;
    } catch (error) {
      throw this.#failed(inner, error, 1);
    }
  }

  async stagedKeys(which: 'service-keys' | 'log-keys'): Promise<SealedItem | null> {
    this.#demandThere();
    return this.#inner.stagedKeys(which);
  }

  async stageKeys(which: 'service-keys' | 'log-keys', keys: SealedItem): Promise<void> {
    this.#demandThere();
    return this.#inner.stageKeys(which, keys);
  }

  async checkpoint(): Promise<CheckpointInfo> {
    const signed = await this.#write(0, (inner) => inner.checkpoint());
    this.#newest = null;
    return signed;
  }

  /** The newest record as far as its time counts: without a look into files while records come and go. */
  get newestTime(): AuditRecord | null {
    if (this.#latest !== null) return this.#latest;
    return this.logSize === 0 ? null : this.record(this.logSize - 1);
  }

  newestCheckpoint(): CheckpointInfo {
    return this.#inner.newestCheckpoint();
  }

  record(seq: number): AuditRecord {
    const size = this.logSize;
    if (seq !== size - 1) return this.#inner.record(seq);
    if (this.#newest?.seq !== seq) this.#newest = this.#inner.record(seq);
    return this.#newest;
  }

  records(fromSeq: number): Iterable<AuditRecord> {
    return this.#inner.records(fromSeq);
  }

  findOperation(opId: string, fromSeq = 0, accept: (record: AuditRecord) => boolean = () => true): AuditRecord | null {
    if (this.#deepLookUps) return this.#inner.findOperation(opId, fromSeq, accept);
    for (const seq of this.#recent.seqsOf(opId)) {
      if (seq < fromSeq) break;
      const record = this.#inner.record(seq);
      if (record.op_id !== opId) {
        throw new RonError('Tampered', `record ${seq} of the audit log is not the one that was written`, {
          field: 'record-invalid',
        });
      }
      if (accept(record)) return record;
    }
    // Right after a restore what was asked for within 24 hours stands in the epoch before.
    if (fromSeq === 0 && this.#deadlines.nowMs() < this.#earlierUntilMs()) {
      return this.#inner.findOperation(opId, fromSeq, accept);
    }
    return null;
  }

  originOf(record: AuditRecord): string {
    return this.#inner.originOf(record);
  }

  #earlierUntilMs(): Millis {
    if (this.#inner.origin.endsWith('/e0') || this.logSize === 0) return 0;
    return fromTime(this.#inner.record(0).ts) + RETENTION_MS;
  }

  ledgerLines(fromSeq: number): Iterable<Uint8Array> {
    return this.#inner.ledgerLines(fromSeq);
  }

  ledgerState(): Uint8Array | null {
    return this.#inner.ledgerState();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #admit(drafts: readonly AuditDraft[]): void {
    this.#hooks.admit(drafts);
    // One call always fits into an empty queue.
    if (this.#pending > 0 && this.#pending + drafts.length > this.#queueRecords && drafts.some(isQueued)) {
      const error = new RonError('Busy', `${this.#pending} records wait for the audit log`, {
        hint: 'Try again later; the disk under the audit log is slow, or limits.audit_queue is small.',
      });
      this.#hooks.failed(error, 0);
      throw error;
    }
    for (const { req, tenant } of drafts) {
      if (req !== undefined && tenant !== undefined) this.#recent.demandRoom(tenant);
    }
  }

  #demandThere(): void {
    if (this.#lost !== null) throw unavailable(this.unavailableWhy!);
  }

  async #write<T>(records: number, act: (inner: CustodyStore) => Promise<T>): Promise<T> {
    const why = this.unavailableWhy;
    if (why !== null) throw unavailable(why);
    const inner = this.#inner;
    this.#pending += records;
    try {
      return await act(inner);
    } catch (error) {
      throw this.#failed(inner, error, records);
    } finally {
      this.#pending -= records;
    }
  }

  /** A storage error ends the store, and to the caller the backend is away. */
  #failed(inner: CustodyStore, error: unknown, records: number): unknown {
    const { broken } = inner;
    if (broken !== null && inner === this.#inner && this.#lost === null) {
      this.#lost = broken;
      this.#hooks.lost(broken);
    }
    if (error instanceof RonError) this.#hooks.failed(error, records);
    if (broken === null || !(error instanceof RonError) || error.exit === 10) return error;
    return new RonError('StoreUnavailable', `the custody backend failed: ${error.message}`, { cause: error });
  }

  #took(records: readonly AuditRecord[]): void {
    for (const record of records) {
      this.#recent.add(record);
      if (this.#newest === null || record.seq > this.#newest.seq) this.#newest = record;
      if (this.#latest === null || record.seq > this.#latest.seq) this.#latest = record;
    }
    this.#hooks.committed(records);
  }
}
