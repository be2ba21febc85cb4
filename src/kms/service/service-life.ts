// The life of a server's custody service: its state, what it does once a second, and its end. Order of the end
// (CON-27): nothing new begins, outcomes are flushed, `stop` is recorded, the final checkpoint is signed, everything is
// released.

import type { AuditDraft } from '../../audit/draft.ts';
import { equalBytes } from '../../bytes/equal.ts';
import type { ServerConfig } from '../../config/server-config.ts';
import type { LedgerPolicy } from '../../config/server-ledger.ts';
import { configSha256 } from '../../config/server-reload.ts';
import { RonError } from '../../errors.ts';
import { SOFTWARE_CLASS } from '../../keys/attestation.ts';
import type { Judged } from '../../policy/overlay.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { Authenticator, Kms, ServiceState, TlogFiles } from '../admin-ports.ts';
import type { Call } from '../ports.ts';
import { attestRequirement } from './attest-requirement.ts';
import type { OpenCapabilities } from './capabilities.ts';
import type { CustodyService, Judgement } from './custody-service.ts';
import { Deadlines } from './deadlines.ts';
import type { RefusedOutcome } from './outcomes.ts';
import { PqSelfTest } from './pq-self-test.ts';
import { ledgerPolicyOf, type ServiceParts } from './service-parts.ts';
import { servicePorts } from './service-ports.ts';
import { keyPart, oldestPendingAtMs, policyPart, pqNow } from './service-state.ts';
import { type ServingKeys, servingKeys } from './serving-keys.ts';
import { readTrusted } from './trusted-services.ts';

const TICK_MS = 1000;
/** What the sinks do not take in this time at the end waits for the next start. */
const LAST_EXPORT_MS = 1000;

/** The service's own acts. */
const SYSTEM_CALL: Call = {
  caller: { kind: 'system' },
  opId: '00000000-0000-7000-8000-000000000000',
  corrId: '00000000-0000-7000-8000-000000000000',
  signal: new AbortController().signal,
};

const inboxNames = (names: readonly string[]): string[] => names.filter((name) => /^[0-9a-f]{64}\.json$/.test(name));
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class LongLivedService implements CustodyService {
  readonly kms: Kms;
  readonly tlog: TlogFiles;
  readonly #parts: ServiceParts;
  readonly #keys: ServingKeys;
  readonly #pq: PqSelfTest;
  readonly #ended = new AbortController();
  #timers: Promise<unknown> = Promise.resolve();
  #config: ServerConfig;
  #draining = false;
  #rngOk = true;
  /** Ledger line and inbox as the last look left them. */
  #inboxSeen = '';
  readonly #told = new Map<string, string>();
  /** The first ledger line that was not spooled yet. */
  #spooled: number;
  #closing: Promise<boolean> | null = null;
  /** The record of the start, until it is in the log. */
  #unrecorded: AuditDraft | null = null;
  #keyPart: { readonly view: unknown; readonly part: ReturnType<typeof keyPart> } | null = null;

  constructor(parts: ServiceParts) {
    this.#parts = parts;
    this.#config = parts.config;
    const { backend, options } = parts;
    this.#pq = new PqSelfTest({ clock: backend.context.clock, telemetry: options.telemetry, test: options.pqTest });
    this.#spooled = (backend.store.view.ledger?.seq ?? -1) + 1;
    this.#keys = this.#servingKeys();
    const { kms, tlog } = servicePorts(parts, this.#keys, () => this.state());
    this.kms = kms;
    this.tlog = tlog;
  }

  get authenticator(): Authenticator {
    return this.#parts.capabilities.authenticator;
  }

  get capabilities(): OpenCapabilities {
    return this.#parts.capabilities;
  }

  get store(): CustodyStore {
    return this.#parts.backend.store;
  }

  get awaitsRestore(): boolean {
    return this.#parts.backend.awaitsRestore;
  }

  policy(): { readonly ledger: LedgerPolicy; readonly judged: Judged } {
    const { backend } = this.#parts;
    return { ledger: ledgerPolicyOf(backend), judged: backend.judged() };
  }

  async reload({ config, local }: Judgement, changed: readonly string[]): Promise<void> {
    const { backend } = this.#parts;
    this.#config = config;
    backend.keepAtLeast(local);
    const { audit, limits, verify_cache: cache } = config;
    backend.store.limitQueue(limits.audit_queue);
    this.#keys.serving.verdicts.limit({ maxEntries: cache.max_entries, ttlMs: audit.verify_cache_ttl_ms });
    await this.#parts.exporters.configure(audit);
    if (changed.length === 0) return;
    const detail = { changed: [...changed], config_sha256: configSha256(config) };
    await backend.store.append([{ op: 'config', actor: 'system', result: 'ok', detail }]);
  }

  internalError(of: RefusedOutcome): void {
    this.#keys.serving.outcomes.refused(of);
  }

  state(): ServiceState {
    const { backend, capabilities, checkpointer, space } = this.#parts;
    const { store } = backend;
    const { view } = store;
    const { serving } = this.#keys;
    const { service, security } = this.#config;
    if (this.#keyPart?.view !== view) this.#keyPart = { view, part: keyPart(view) };
    const checkpoint = checkpointer.state;
    return {
      backend: service.backend,
      backendReady: backend.lostAtMs === null,
      backendLostAtMs: backend.lostAtMs,
      amnesia: service.amnesia,
      verifyOnly: backend.verifyOnly,
      ...policyPart(backend.view, this.#parts.governedBy),
      ...pqNow(backend),
      pqOk: this.#pq.ok,
      audit: {
        origin: store.origin,
        size: store.logSize,
        writable: store.unavailableWhy === null,
        checkpointAtMs: checkpoint.atMs,
        checkpointSize: store.newestCheckpoint().size,
        checkpointOk: checkpoint.ok,
        integrityFailures: backend.tampered || backend.rolledBack ? 1 : 0,
        queueDepth: store.pending,
        lateAtMs: store.lateAtMs,
      },
      sinks: this.#parts.exporters.states,
      attestation: { required: this.#attestRequired(), ready: serving.attestations.ready, class: SOFTWARE_CLASS },
      rngOk: this.#rngOk,
      clockOk: backend.clockOk(security.time_skew_tolerance_ms),
      verifyCache: { entries: serving.verdicts.size, ageMs: serving.materialAgeMs() },
      capRootAgeDays: capabilities.rootAgeDays(),
      capabilities: capabilities.active(),
      ...(backend.inMemory ? { freeBytes: 0, totalBytes: 0 } : space.now),
      draining: this.#draining,
      ...this.#keyPart.part,
      oldestPendingAtMs: oldestPendingAtMs(backend),
    };
  }

  async start(): Promise<void> {
    const { backend, checkpointer, options } = this.#parts;
    const { version, build, provider } = options;
    const detail = { role: 'server', version, build, provider, config_sha256: configSha256(this.#config) };
    this.#unrecorded = { op: 'start', actor: 'system', result: 'ok', detail };
    // A store that only verifies takes it when it goes on in a new epoch.
    if (backend.store.unavailableWhy === null) {
      await this.#recordStart();
      checkpointer.soon();
    }
    this.#parts.exporters.start();
    const { signal } = this.#ended;
    this.#timers = Promise.all([backend.keep(signal), this.#everySecond(signal)]);
  }

  /** Without room for a record it serves what needs none, and records its start when there is room. */
  async #recordStart(): Promise<void> {
    if (this.#unrecorded === null) return;
    try {
      await this.#parts.backend.store.append([this.#unrecorded]);
      this.#unrecorded = null;
    } catch (error) {
      if (!(error instanceof RonError) || error.code !== 'StoreUnavailable') throw error;
      if (this.#told.get('start') === error.message) return;
      this.#told.set('start', error.message);
      this.#parts.options.telemetry.log('warn', 'start_not_recorded', { message: error.message });
    }
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#parts.options.telemetry.publish('kms.shutdown', { draining: true });
  }

  close(reason: string): Promise<boolean> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: string): Promise<boolean> {
    const { backend, capabilities, checkpointer, options, release } = this.#parts;
    const { store } = backend;
    const { limits } = this.#config;
    this.drain();
    this.#ended.abort();
    checkpointer.end();
    await this.#timers.catch(() => undefined);
    let signed = false;
    const late = (): Error => new Error(`the final checkpoint took over ${limits.checkpoint_deadline_ms} ms`);
    try {
      if (store.unavailableWhy === null) {
        await this.#attempt('outcomes', () => this.#keys.serving.outcomes.flush(store, true));
        await store.append([{ op: 'stop', actor: 'system', result: 'ok', detail: { reason } }]);
        await new Deadlines(backend.context.clock).within(checkpointer.now(), limits.checkpoint_deadline_ms, late);
        signed = true;
        await this.#writeSpool();
      }
    } catch (error) {
      options.telemetry.log('error', 'final_checkpoint_failed', { message: messageOf(error) });
    } finally {
      await checkpointer.idle();
      await this.#parts.exporters.close(LAST_EXPORT_MS);
      capabilities.close();
      await this.#keys.close();
      await backend.close();
      release();
    }
    return signed;
  }

  async #everySecond(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts.backend.context;
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#attempt('tick', () => this.#tick());
    }
  }

  /** A failure is told once, until another one or a success. */
  async #attempt(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
      this.#told.delete(what);
    } catch (error) {
      const message = messageOf(error);
      if (this.#told.get(what) === message) return;
      this.#told.set(what, message);
      this.#parts.options.telemetry.log('warn', `${what}_failed`, { message });
    }
  }

  /** Records outcomes, signs when it is time, takes in what others put into the inbox. */
  async #tick(): Promise<void> {
    const { backend, checkpointer, options } = this.#parts;
    const { context, ledger, store } = backend;
    const { telemetry } = options;
    const [one, other] = [context.random.bytes(16), context.random.bytes(16)];
    this.#rngOk = one !== undefined && other !== undefined && !equalBytes(one, other);
    await this.#pq.whenDue();
    const state = this.#keys.serving.attestations.ready ? 'ready' : 'missing';
    telemetry.count('kms_attestation_ready_seconds_total', { state });
    store.recent.forget(context.clock.now());
    backend.watch();
    if (store.unavailableWhy !== null) return;
    // What verify answers from is in memory before the question, which may come while the backend is away.
    await this.#attempt('reader', async () => void this.#keys.reader());
    await this.#attempt('start', () => this.#recordStart());
    await this.#attempt('outcomes', () => this.#keys.serving.outcomes.flush(store));
    if (checkpointer.due) {
      checkpointer.soon();
      await this.#attempt('spool', () => this.#writeSpool());
    }
    if (ledger === null) return;
    // What waits for something else is judged again when something else has come.
    const waiting = inboxNames(context.files.list(context.paths.inbox));
    const seen = `${ledger.state.seq} ${waiting.join(' ')}`;
    if (waiting.length === 0 || seen === this.#inboxSeen) return;
    telemetry.count('tasks_spawned_total', { kind: 'ingest' });
    await backend.act({ call: SYSTEM_CALL, confirmTime: false }, () => Promise.resolve());
    const left = inboxNames(context.files.list(context.paths.inbox));
    this.#inboxSeen = `${backend.ledger?.state.seq ?? -1} ${left.join(' ')}`;
  }

  async #writeSpool(): Promise<void> {
    const { backend, options } = this.#parts;
    if (options.spool === undefined) return;
    const { store } = backend;
    const ledger = store.view.ledger === null ? [] : [...store.ledgerLines(this.#spooled)];
    await options.spool({ checkpoint: store.newestCheckpoint().note, ledger });
    this.#spooled += ledger.length;
  }

  #attestRequired(): boolean {
    return attestRequirement(this.#parts.backend, this.#config) === 'required';
  }

  #servingKeys(): ServingKeys {
    const { backend, deps, options } = this.#parts;
    const { audit, limits, service, verify_cache: cache } = this.#config;
    return servingKeys({
      source: backend,
      clock: deps.host.clock,
      random: deps.host.random,
      telemetry: options.telemetry,
      trusted: () => readTrusted(deps),
      backend: service.backend,
      build: options.build,
      cache: { maxEntries: cache.max_entries, ttlMs: audit.verify_cache_ttl_ms },
      attestDeadlineMs: limits.attest_deadline_ms,
      attestRequirement: () => attestRequirement(backend, this.#config),
    });
  }
}
