// The unsealed store of a server, its ledger and its policy, over every open of the store that the process lives through
// (R-32, C-43): one act at a time changes them. After a storage error the keeper opens again, after 100 ms to 5 s with jitter;
// until then nothing is written, and what was committed before is what readers see. The policy that others see is always a
// committed one. Refuses: to write after tampering was found, while the clock is far ahead and nobody confirmed it, and
// where the server only verifies (C-54).

import type { AuditDraft, AuditRecord } from '../../audit/draft.ts';
import type { Crypto } from '../../crypto/provider.ts';
import { RonError } from '../../errors.ts';
import type { Millis } from '../../host.ts';
import { type LocalPolicy, withLocal } from '../../policy/local.ts';
import type { Judged } from '../../policy/overlay.ts';
import { parseProfile } from '../../policy/profile.ts';
import { openCustodyStore } from '../../storage/custody-open.ts';
import { type CustodyStore, verifyOnlyError } from '../../storage/custody-port.ts';
import { type StoreContext, type StoreDeps, storeContext } from '../../storage/store-deps.ts';
import { Turns } from '../../storage/turns.ts';
import { backoffMs } from '../supervise.ts';
import type { Telemetry } from '../telemetry.ts';
import { absentDirectory } from './absent-directory.ts';
import { actorOf } from './authorise.ts';
import type { ActOptions, Held } from './custodian.ts';
import { Deadlines } from './deadlines.ts';
import { recover } from './governance-execute.ts';
import { ingest } from './governance-ingest.ts';
import { highWaterMs, LedgerWriter, momentNow } from './governance-ledger.ts';
import { acceptRestore } from './governance-restore.ts';
import type { GovernanceView } from './governance-view.ts';
import type { ExecutionPlace } from './key-policy.ts';
import { Loss } from './loss.ts';
import { RecentOperations } from './recent-operations.ts';
import { type ServingHooks, ServingStore, unavailable } from './serving-store.ts';
import { demandLedger, judgeClock, keepPin, recordLater, viewOf } from './session.ts';
import { wholeCheck } from './whole-check.ts';

/** Acts of the service itself: what waits is taken in, what was interrupted is finished. */
const SYSTEM = 'system';

/** What was done before an act. */
type Begun = Pick<Held, 'recovered' | 'ingested' | 'judgedRestore'>;

export interface BackendOptions {
  readonly deps: StoreDeps;
  readonly telemetry: Telemetry;
  readonly kind: 'file' | 'inmem';
  /** Never writes, and why (C-54); null = it does. */
  readonly verifyOnly: string | null;
  /** The operator says at the start that the clock is right. */
  readonly confirmTime: boolean;
  readonly hooks: Omit<ServingHooks, 'lost'>;
  /** Told after every change of what readers see. */
  readonly changed: () => void;
  /** The log goes on in another epoch. */
  readonly epochOpened: () => Promise<void>;
}

export class Backend {
  readonly store: ServingStore;
  readonly context: StoreContext;
  readonly crypto: Crypto;
  readonly #options: BackendOptions;
  readonly #turns = new Turns();
  readonly #deadlines: Deadlines;
  readonly #loss = new Loss();
  #inner: CustodyStore;
  #ledger: LedgerWriter | null;
  #view: GovernanceView;
  #floor: LocalPolicy | null = null;
  #integrity: string | null = null;
  #clockConfirmed = true;

  private constructor(options: BackendOptions, context: StoreContext, inner: CustodyStore) {
    this.#options = options;
    this.context = context;
    this.crypto = context.crypto;
    this.#deadlines = new Deadlines(context.clock);
    this.#inner = inner;
    const recent = RecentOperations.read(inner, context.clock.now());
    this.store = new ServingStore(inner, recent, this.#deadlines, {
      ...options.hooks,
      lost: (error) => this.#onLost(error),
    });
    this.#ledger = LedgerWriter.open(this.store, context.crypto, context.clock);
    this.#view = this.#currentView();
  }

  /** Opens, checks log and ledger from their first line (R-45 g), finishes what was interrupted, takes in what waits. */
  static async open(options: BackendOptions): Promise<Backend> {
    const { deps } = options;
    const context = await storeContext(deps);
    const inner = await openCustodyStore(deps, { role: 'server', dryRun: options.verifyOnly !== null });
    try {
      const backend = new Backend(options, context, inner);
      const found = await wholeCheck(deps, context, backend.store, backend.ledger);
      if (found !== null) backend.#distrust(found);
      backend.#alarmRollback();
      await backend.#settle(options.confirmTime);
      return backend;
    } catch (error) {
      await inner.close();
      throw error;
    }
  }

  /** As of the last commit. */
  get view(): GovernanceView {
    return this.#view;
  }

  /** The same without what only this process keeps tighter. */
  committedView(): GovernanceView {
    const view = viewOf(this.#ledger, parseProfile(this.#inner.profile, 'profile'));
    if (this.#options.kind === 'file') return view;
    // The ledger comes from another life: every key of this one was made after its raises.
    return { ...view, lastRaise: (scope) => afterAll(view.lastRaise(scope)) };
  }

  get ledger(): LedgerWriter | null {
    return this.#ledger;
  }

  get lostAtMs(): Millis | null {
    return this.#loss.atMs;
  }

  /** Why nothing is written although the backend is there; null when it is. */
  get verifyOnly(): string | null {
    if (this.#integrity !== null) return this.#integrity;
    return this.#options.verifyOnly ?? this.#inner.verifyOnly?.reason ?? null;
  }

  get inMemory(): boolean {
    return this.#options.kind === 'inmem';
  }

  /** The store is one of earlier: restored, or found to be rolled back. */
  get rolledBack(): boolean {
    return this.#inner.verifyOnly?.code === 'RolledBack';
  }

  /** Rolled back, governed and otherwise whole: an executed restore-accept goes on from here. */
  get awaitsRestore(): boolean {
    return this.rolledBack && this.#ledger !== null && this.#integrity === null && this.#options.verifyOnly === null;
  }

  get tampered(): boolean {
    return this.#integrity !== null || this.#inner.verifyOnly?.behind === true;
  }

  /** The wall clock is neither far ahead of the newest entry nor behind the newest time seen by more than this. */
  clockOk(toleranceMs: Millis): boolean {
    return this.#clockConfirmed && this.context.clock.now() >= this.#highWaterMs() - toleranceMs;
  }

  /** What this process holds beside the ledger, from its configuration; null = the ledger alone decides. */
  keepAtLeast(floor: LocalPolicy | null): void {
    this.#floor = floor;
    this.#refresh();
  }

  judged(): Judged {
    return { now: momentNow(this.context.clock), highWaterMs: this.#highWaterMs() };
  }

  exclusive<T>(act: () => Promise<T>): Promise<T> {
    return this.#turns.exclusive(act);
  }

  /** Throws StoreUnavailable, or what the store gives as its reason. */
  demandWritable(): void {
    if (this.#integrity !== null) throw new RonError('Tampered', `nothing is written: ${this.#integrity}`);
    const { verifyOnly } = this.#inner;
    if (verifyOnly !== null) throw verifyOnlyError(verifyOnly);
    const why = this.store.unavailableWhy;
    if (why !== null) throw unavailable(why);
  }

  act<T>(options: ActOptions, use: (held: Held) => Promise<T>): Promise<T> {
    return this.exclusive(async () => {
      await options.before?.(this.context);
      const accepts = this.awaitsRestore ? options.accepts : undefined;
      if (accepts === undefined) {
        await this.#judgeClock(options.confirmTime);
        this.demandWritable();
      }
      try {
        const begun = accepts === undefined ? await this.#begin() : await this.#acceptRestore(accepts, options);
        const { context, crypto, store } = this;
        return await use({ store, crypto, context, ...begun, demandLedger: () => demandLedger(this.#ledger) });
      } finally {
        this.#resync();
      }
    });
  }

  async #begin(): Promise<Begun> {
    const recovered = await this.#recover();
    const ledger = this.#ledger;
    const ingested =
      ledger === null || ledger.state.executing !== null ? null : await ingest(ledger, this.context, SYSTEM, false);
    return { recovered, ingested, judgedRestore: null };
  }

  /** Judged on the store as it stands; only what passes opens it again, to go on in a new epoch. */
  async #acceptRestore(id: string, { call, confirmTime }: ActOptions): Promise<Begun> {
    const accept = async (dryRun: boolean): ReturnType<typeof acceptRestore> => {
      this.#ledger = LedgerWriter.open(this.store, this.crypto, this.context.clock);
      return acceptRestore(this.#ledger!, this.context, id, actorOf(call), dryRun);
    };
    const confirmed: AuditDraft[] = [];
    await judgeClock(recordLater(confirmed), this.context.clock.now(), this.#highWaterMs(), { confirmTime }, SYSTEM);
    const judged = await accept(true);
    if (call.dryRun === true) return { recovered: null, ingested: judged.ingested, judgedRestore: id };
    await this.#take(await openCustodyStore(this.#options.deps, { role: 'server', acceptRestored: true }));
    const { executed, ingested } = await accept(false);
    if (confirmed.length > 0) await this.store.append(confirmed);
    await keepPin(this.context, this.#ledger!);
    await this.#toldEpoch();
    return { recovered: executed, ingested, judgedRestore: null };
  }

  /** Another open of the store takes the place of the one that stands. */
  async #take(next: CustodyStore): Promise<void> {
    const before = this.#inner;
    this.#inner = next;
    this.store.replace(next, RecentOperations.read(next, this.context.clock.now()));
    await before.close().catch(() => undefined);
  }

  async #toldEpoch(): Promise<void> {
    this.#options.telemetry.log('info', 'audit_epoch_opened', { message: `the log goes on as ${this.store.origin}` });
    await this.#options.epochOpened();
  }

  /** Pin and chain follow the ledger; before each checkpoint. */
  async keepPin(): Promise<void> {
    if (this.#ledger !== null && this.store.unavailableWhy === null) await keepPin(this.context, this.#ledger);
  }

  /** Loses a backend whose directories are gone: an open file would take records that nobody finds again. */
  watch(): void {
    if (this.#loss.atMs !== null) return;
    const why = this.#absent();
    if (why === null) return;
    const error = unavailable(why);
    this.store.lose(error);
    this.#onLost(error);
  }

  #absent(): string | null {
    return this.inMemory ? null : absentDirectory(this.context);
  }

  /** Opens again for as long as the process lives. Resolves when the signal fires. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock } = this.context;
    while (!signal.aborted) {
      await this.#loss.known(signal);
      for (let attempt = 1; this.#loss.atMs !== null && this.#integrity === null && !signal.aborted; attempt++) {
        const delayMs = backoffMs(attempt, this.context.random);
        await clock.sleep(delayMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        await this.reopen().catch(() => undefined);
      }
    }
  }

  /** One attempt. Throws what opening throws. */
  reopen(): Promise<void> {
    return this.exclusive(async () => {
      const { deps, kind, telemetry } = this.#options;
      telemetry.count('kms_backend_reconnects_total', { backend: kind });
      telemetry.count('backoff_retries_total', { op: 'backend' });
      try {
        // What is away was not tampered with.
        const absent = this.#absent();
        if (absent !== null) throw unavailable(absent);
        const next = await openCustodyStore(deps, { role: 'server', dryRun: this.#options.verifyOnly !== null });
        const { origin } = this.store;
        await this.#take(next);
        this.#ledger = LedgerWriter.open(this.store, this.crypto, this.context.clock);
        this.#loss.over();
        await this.#settle(false);
        if (this.store.origin !== origin) await this.#toldEpoch();
        telemetry.publish('kms.backend.status', { backend: kind, ok: true });
        telemetry.log('info', 'backend_session_up', { backend: kind });
      } catch (error) {
        if (error instanceof RonError && error.exit === 10) this.#distrust(error.message);
        if (this.#loss.atMs !== null)
          this.store.lose(unavailable(error instanceof Error ? error.message : String(error)));
        telemetry.log('warn', 'backend_session_down', {
          backend: kind,
          message: error instanceof Error ? error.message : String(error),
        });
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#turns.exclusive(() => this.#inner.close());
  }

  #highWaterMs(): Millis {
    const newest = this.store.newestTime;
    const log = newest === null ? this.store : this.#newestOf(newest);
    return highWaterMs(log, this.#ledger?.state ?? null);
  }

  #newestOf(newest: AuditRecord) {
    return { logSize: newest.seq + 1, record: () => newest, newestCheckpoint: () => this.store.newestCheckpoint() };
  }

  #currentView(): GovernanceView {
    const view = this.committedView();
    return this.#floor === null ? view : withLocal(view, this.#floor);
  }

  #refresh(): void {
    this.#view = this.#currentView();
    this.#options.changed();
  }

  /** A state that ran ahead of a refused commit is read again from what was committed. */
  #resync(): void {
    const committed = this.store.view.ledger;
    if ((this.#ledger?.state.seq ?? -1) !== (committed?.seq ?? -1)) {
      this.#ledger = LedgerWriter.open(this.store, this.crypto, this.context.clock);
    }
    this.#refresh();
  }

  async #judgeClock(confirmTime: boolean): Promise<void> {
    if (!this.#clockConfirmed && confirmTime) this.store.refuseWrites(null);
    await judgeClock(this.store, this.context.clock.now(), this.#highWaterMs(), { confirmTime }, SYSTEM);
    this.#clockConfirmed = true;
  }

  async #recover(): Promise<Held['recovered']> {
    const ledger = this.#ledger;
    if (ledger === null || ledger.state.executing === null) return null;
    return this.store.deep(() => recover(ledger, SYSTEM));
  }

  /** After an open: nothing half done is left, unless nothing may be written. */
  async #settle(confirmTime: boolean): Promise<void> {
    if (this.verifyOnly !== null) {
      this.store.refuseWrites(this.verifyOnly);
      this.#refresh();
      return;
    }
    this.store.refuseWrites(null);
    try {
      await this.#judgeClock(confirmTime);
    } catch (error) {
      if (!(error instanceof RonError) || error.code !== 'MissingAnswer') throw error;
      this.#clockConfirmed = false;
      this.store.refuseWrites(`${error.message}; nobody confirmed it`);
      this.#refresh();
      return;
    }
    try {
      await this.#recover();
      const ledger = this.#ledger;
      if (ledger !== null) {
        await ingest(ledger, this.context, SYSTEM, false);
        await keepPin(this.context, ledger);
      }
    } finally {
      this.#resync();
    }
  }

  /** A rolled-back or restored store goes on verifying, refuses every write and says so (log page 4.7, IDB-55). */
  #alarmRollback(): void {
    const { verifyOnly } = this.#inner;
    if (verifyOnly?.code !== 'RolledBack') return;
    const { telemetry } = this.#options;
    telemetry.count('kms_audit_integrity_failed_total');
    telemetry.publish('kms.audit.checkpoint', { head: null, index: null, ok: false });
    telemetry.log('error', 'audit_integrity_failed', { message: verifyOnly.reason });
  }

  #distrust(why: string): void {
    this.#integrity = why;
    this.store.refuseWrites(why);
    this.#options.telemetry.count('kms_audit_integrity_failed_total');
    this.#options.telemetry.log('error', 'audit_integrity_failed', { message: why });
  }

  #onLost(error: RonError): void {
    const { kind, telemetry } = this.#options;
    this.#loss.happened(this.context.clock.monotonicMs());
    telemetry.publish('kms.backend.status', { backend: kind, ok: false });
    telemetry.log('error', 'backend_session_down', { backend: kind, message: error.message });
  }
}

const afterAll = (raise: ExecutionPlace | null): ExecutionPlace | null =>
  raise === null ? null : { ...raise, origin: raise.origin.replace(/[0-9]+$/, '0'), auditSeq: -1 };
