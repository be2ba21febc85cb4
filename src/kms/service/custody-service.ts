// The custody service of a server (service page 1): every port over one unsealed store that it holds for life. It recovers,
// checks log and ledger whole (R-45 g), ingests on every submit and every second, signs checkpoints, opens the backend again
// after a storage error, and ends with `stop` and a final checkpoint. What a client sends is verified here, whoever sent it.

import type { AuditRecord } from '../../audit/draft.ts';
import { AUDIT_OPS } from '../../audit/ops.ts';
import type { ServerConfig } from '../../config/server-config.ts';
import type { LedgerPolicy } from '../../config/server-ledger.ts';
import { configSha256 } from '../../config/server-reload.ts';
import { fail, RonError } from '../../errors.ts';
import { type LocalPolicy, NO_LOCAL_POLICY } from '../../policy/local.ts';
import type { Judged } from '../../policy/overlay.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { StoreDeps } from '../../storage/store-deps.ts';
import type { Authenticator, Health, Kms, ServiceEvent, ServiceState } from '../admin-ports.ts';
import type { Call } from '../ports.ts';
import type { Telemetry } from '../telemetry.ts';
import { attestingService, SOFTWARE_CLASS } from './attestation.ts';
import { Attestations, type Requirement } from './attestations.ts';
import { type AuditLogReading, auditService } from './audit-port.ts';
import { authoriseInstance, whileItStands } from './authorise.ts';
import { Backend } from './backend.ts';
import { type OpenCapabilities, openCapabilities } from './capabilities.ts';
import { Checkpointer } from './checkpointer.ts';
import type { Custodian } from './custodian.ts';
import { Deadlines } from './deadlines.ts';
import { filesService } from './files-port.ts';
import { governanceService } from './governance-port.ts';
import { readGovernance } from './governance-reader.ts';
import { type KmsHome, openOnce } from './home.ts';
import { keptLock } from './kept-lock.ts';
import { keptPassphrase } from './kept-passphrase.ts';
import { type KeyServices, keysService } from './keys.ts';
import { epochOf } from './legacy.ts';
import { Once } from './once.ts';
import { Outcomes } from './outcomes.ts';
import { policyService } from './policy-port.ts';
import { recordingRefusals } from './refusals.ts';
import { globalValue, keyPart, oldestPendingAtMs, policyPart, pqNow } from './service-state.ts';
import type { Serving } from './serving.ts';
import { ServingReader } from './serving-reader.ts';
import { signingService } from './signing.ts';
import { Space } from './space.ts';
import { readTrusted } from './trusted-services.ts';
import { VerifyCache } from './verify-cache.ts';
import { wrappingService } from './wrapping.ts';

export interface CustodyServiceOptions {
  readonly config: ServerConfig;
  readonly telemetry: Telemetry;
  /** As records and attestations name it, e.g. `0.2.0` and `release`. */
  readonly version: string;
  readonly build: string;
  readonly provider: string;
  /** The clock is right although it is far beyond the newest entry. */
  readonly confirmTime?: boolean;
  /** Judges the configuration against the ledger before anything is served; throws RefusedConfig (C-74). */
  readonly judge?: (ledger: LedgerPolicy, judged: Judged) => Judgement;
  /** The ring of events behind `tail`. */
  readonly events: (request: {
    readonly topic: string | null;
    readonly sinceMs: number | null;
    readonly signal: AbortSignal;
  }) => AsyncIterable<ServiceEvent>;
}

/** What came out of judging a configuration. */
export interface Judgement {
  readonly config: ServerConfig;
  /** What this process holds beside the ledger. */
  readonly local: LocalPolicy;
}

export interface CustodyService {
  readonly kms: Kms;
  readonly authenticator: Authenticator;
  /** For what the process itself mints: `operator.cap`. */
  readonly capabilities: OpenCapabilities;
  /** The store that stands now, for what the process itself records. */
  readonly store: CustodyStore;
  /** What a configuration is judged against. */
  policy(): { readonly ledger: LedgerPolicy; readonly judged: Judged };
  /** Takes a configuration that was judged; keys that need a restart are not looked at. Records the change. */
  reload(judged: Judgement, changed: readonly string[]): Promise<void>;
  state(): ServiceState;
  /** Records `start` and runs the timers. */
  start(): Promise<void>;
  /** From now on nothing new begins; what is under way goes on. */
  drain(): void;
  /** Ends the timers, records `stop`, signs the final checkpoint, releases everything. Idempotent. False: no checkpoint. */
  close(reason: string): Promise<boolean>;
}

const INBOX_MS = 1000;

export async function openCustodyService(deps: StoreDeps, options: CustodyServiceOptions): Promise<CustodyService> {
  const lock = keptLock(deps.host);
  const secret = keptPassphrase(deps.passphrases);
  const release = (): void => {
    secret.close();
    lock.release();
  };
  try {
    const kept = { ...deps, host: lock.host, passphrases: secret.passphrases, askYes: undefined };
    return await ServingCustody.open(kept, options, release);
  } catch (error) {
    release();
    throw error;
  }
}

class ServingCustody implements CustodyService {
  readonly kms: Kms;
  readonly #deps: StoreDeps;
  readonly #options: CustodyServiceOptions;
  readonly #backend: Backend;
  readonly #checkpointer: Checkpointer;
  readonly #space: Space;
  readonly #capabilities: OpenCapabilities;
  readonly #home: ReturnType<typeof openOnce>;
  readonly #serving: Serving;
  readonly #reader: ServingReader;
  readonly #release: () => void;
  readonly #ended = new AbortController();
  #timers: Promise<unknown> = Promise.resolve();
  #config: ServerConfig;
  #draining = false;
  #closing: Promise<boolean> | null = null;
  #keyPart: { readonly view: unknown; readonly part: ReturnType<typeof keyPart> } | null = null;

  private constructor(parts: {
    readonly deps: StoreDeps;
    readonly options: CustodyServiceOptions;
    readonly config: ServerConfig;
    readonly backend: Backend;
    readonly checkpointer: Checkpointer;
    readonly space: Space;
    readonly capabilities: OpenCapabilities;
    readonly release: () => void;
  }) {
    this.#deps = parts.deps;
    this.#options = parts.options;
    this.#config = parts.config;
    this.#backend = parts.backend;
    this.#checkpointer = parts.checkpointer;
    this.#space = parts.space;
    this.#capabilities = parts.capabilities;
    this.#release = parts.release;
    this.#reader = new ServingReader(this.#backend);
    this.#home = openOnce(this.#keyHome());
    this.#serving = this.#servingParts();
    this.kms = this.#ports();
  }

  static async open(deps: StoreDeps, options: CustodyServiceOptions, release: () => void): Promise<ServingCustody> {
    const { config, telemetry } = options;
    const { clock } = deps.host;
    const late: { checkpointer: Checkpointer | null; space: Space | null } = { checkpointer: null, space: null };
    const backend = await Backend.open({
      deps,
      telemetry,
      kind: config.service.backend,
      verifyOnly: config.service.verify_only,
      confirmTime: options.confirmTime === true,
      changed: () => undefined,
      hooks: {
        admit: (drafts) => late.space?.admit(drafts),
        committed: (records) => {
          telemetry.count('kms_audit_appends_total', { result: 'ok' }, records.length);
          late.checkpointer?.grown(records.length);
          if (records.some(changesPublicView)) late.checkpointer?.soon();
        },
        failed: (error, records) => {
          if (error.code === 'Busy') telemetry.count('busy_rejections_total', { queue: 'audit' });
          if (error.code === 'StoreUnavailable') telemetry.count('io_timeouts_total', { op: 'append' });
          if (records > 0) telemetry.count('kms_audit_appends_total', { result: 'err' }, records);
        },
      },
    });
    try {
      const judgement = options.judge?.(ledgerPolicyOf(backend), backend.judged()) ?? {
        config,
        local: NO_LOCAL_POLICY,
      };
      backend.keepAtLeast(judgement.local);
      refuseUnattestable(backend, judgement.config);
      const { audit, limits } = judgement.config;
      const space = new Space(backend.context.files, backend.context.paths.audit, clock, {
        reserveBytes: audit.reserve_bytes,
        tenantBytesPerS: audit.tenant_bytes_per_s,
      });
      const checkpointer = new Checkpointer(
        {
          clock,
          telemetry,
          intervalOps: audit.checkpoint_interval_ops,
          intervalMs: audit.checkpoint_interval_ms,
          deadlineMs: limits.checkpoint_deadline_ms,
          sign: async () => {
            await backend.keepPin();
            return backend.store.checkpoint();
          },
        },
        backend.store.newestCheckpoint().signedAtMs,
      );
      late.space = space;
      late.checkpointer = checkpointer;
      const capabilities = await openCapabilities({
        store: backend.store,
        random: deps.host.random,
        clock,
        policy: () => backend.view,
        judged: () => backend.judged(),
        caps: judgement.config.caps,
        telemetry,
      });
      const parts = { deps, options, config: judgement.config, backend, checkpointer, space, capabilities, release };
      return new ServingCustody(parts);
    } catch (error) {
      await backend.close();
      throw error;
    }
  }

  get authenticator(): Authenticator {
    return this.#capabilities.authenticator;
  }

  get capabilities(): OpenCapabilities {
    return this.#capabilities;
  }

  get store(): CustodyStore {
    return this.#backend.store;
  }

  policy(): { readonly ledger: LedgerPolicy; readonly judged: Judged } {
    return { ledger: ledgerPolicyOf(this.#backend), judged: this.#backend.judged() };
  }

  async reload({ config, local }: Judgement, changed: readonly string[]): Promise<void> {
    this.#config = config;
    this.#backend.keepAtLeast(local);
    const { audit, verify_cache: cache } = config;
    this.#serving.verdicts.limit({ maxEntries: cache.max_entries, ttlMs: audit.verify_cache_ttl_ms });
    if (changed.length === 0) return;
    await this.#backend.store.append([
      {
        op: 'config',
        actor: 'system',
        result: 'ok',
        detail: { changed: [...changed], config_sha256: configSha256(config) },
      },
    ]);
  }

  state(): ServiceState {
    const backend = this.#backend;
    const { store } = backend;
    const { view } = store;
    if (this.#keyPart?.view !== view) this.#keyPart = { view, part: keyPart(view) };
    const checkpoint = this.#checkpointer.state;
    const required = this.#attestRequired();
    return {
      backend: this.#config.service.backend,
      backendReady: backend.lostAtMs === null,
      backendLostAtMs: backend.lostAtMs,
      amnesia: this.#config.service.amnesia,
      verifyOnly: backend.verifyOnly,
      ...policyPart(backend.view),
      ...pqNow(backend),
      pqOk: true,
      audit: {
        origin: store.origin,
        size: store.logSize,
        writable: store.unavailableWhy === null,
        checkpointAtMs: checkpoint.atMs,
        checkpointSize: store.newestCheckpoint().size,
        checkpointOk: checkpoint.ok,
        integrityFailures: backend.tampered ? 1 : 0,
        queueDepth: store.pending,
      },
      attestation: { required, ready: this.#serving.attestations.ready, class: SOFTWARE_CLASS },
      rngOk: true,
      clockOk: backend.clockOk(this.#config.security.time_skew_tolerance_ms),
      verifyCache: { entries: this.#serving.verdicts.size, ageMs: this.#serving.materialAgeMs() },
      capRootAgeDays: this.#capabilities.rootAgeDays(),
      capabilities: this.#capabilities.active(),
      ...this.#space.now,
      draining: this.#draining,
      ...this.#keyPart.part,
      oldestPendingAtMs: oldestPendingAtMs(backend),
    };
  }

  async start(): Promise<void> {
    const { version, build, provider } = this.#options;
    if (this.#backend.store.unavailableWhy === null) {
      await this.#backend.store.append([
        {
          op: 'start',
          actor: 'system',
          result: 'ok',
          detail: { role: 'server', version, build, provider, config_sha256: configSha256(this.#config) },
        },
      ]);
      this.#checkpointer.soon();
    }
    const { signal } = this.#ended;
    this.#timers = Promise.all([this.#backend.keep(signal), this.#everySecond(signal)]);
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#options.telemetry.publish('kms.shutdown', { draining: true });
  }

  close(reason: string): Promise<boolean> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: string): Promise<boolean> {
    this.drain();
    this.#ended.abort();
    this.#checkpointer.end();
    await this.#timers.catch(() => undefined);
    let signed = false;
    try {
      const { store } = this.#backend;
      if (store.unavailableWhy === null) {
        await this.#serving.outcomes.flush(store, true);
        await store.append([{ op: 'stop', actor: 'system', result: 'ok', detail: { reason } }]);
        await this.#checkpointer.now();
        signed = true;
      }
    } catch (error) {
      this.#options.telemetry.log('error', 'final_checkpoint_failed', {
        message: error instanceof Error ? error.message : String(error),
      });
    } finally {
      await this.#checkpointer.idle();
      this.#serving.once.clear();
      this.#capabilities.close();
      await this.#home.drop();
      await this.#backend.close();
      this.#release();
    }
    return signed;
  }

  async #everySecond(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps.host;
    while (!signal.aborted) {
      await clock.sleep(INBOX_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await this.#tick().catch((error: unknown) => {
        this.#options.telemetry.log('warn', 'tick_failed', {
          message: error instanceof Error ? error.message : String(error),
        });
      });
    }
  }

  /** What is done once a second: take in what others put into the inbox, sign when it is time. */
  async #tick(): Promise<void> {
    const { context, ledger, store } = this.#backend;
    store.recent.forget(context.clock.now());
    if (store.unavailableWhy !== null) return;
    await this.#serving.outcomes.flush(store);
    if (this.#checkpointer.due) this.#checkpointer.soon();
    if (ledger === null || !inboxWaits(context.files.list(context.paths.inbox))) return;
    this.#options.telemetry.count('tasks_spawned_total', { kind: 'ingest' });
    await this.#backend.act({ call: SYSTEM_CALL, confirmTime: false }, () => Promise.resolve());
  }

  #attestRequired(): boolean {
    return attestRequirement(this.#backend, this.#config) === 'required';
  }

  #keyHome(): KmsHome {
    const backend = this.#backend;
    const reader = this.#reader;
    return {
      random: this.#deps.host.random,
      crypto: () => Promise.resolve(backend.crypto),
      reader: () => Promise.resolve(reader.reader()),
      trusted: () => readTrusted(this.#deps),
      unsealed: () =>
        Promise.resolve({
          store: backend.store,
          readOnly: backend.store.unavailableWhy !== null,
          policy: () => backend.view,
          judged: () => backend.judged(),
          exclusive: (act) => backend.exclusive(act),
        }),
    };
  }

  #servingParts(): Serving {
    const backend = this.#backend;
    const { clock } = this.#deps.host;
    const { build, telemetry } = this.#options;
    const { verify_cache: cache, audit, limits, service } = this.#config;
    return {
      once: new Once(clock),
      verdicts: new VerifyCache(clock, telemetry, {
        maxEntries: cache.max_entries,
        ttlMs: audit.verify_cache_ttl_ms,
      }),
      outcomes: new Outcomes(clock),
      attestations: new Attestations({
        clock,
        telemetry,
        deadlines: new Deadlines(clock),
        backend: service.backend,
        build,
        deadlineMs: limits.attest_deadline_ms,
        requirement: () => attestRequirement(backend, this.#config),
        reader: () => Promise.resolve(this.#reader.reader()),
      }),
      materialAgeMs: () => (backend.lostAtMs === null ? 0 : clock.monotonicMs() - backend.lostAtMs),
      policySeq: () => backend.view.ledger?.seq ?? null,
      recording: () => backend.store.unavailableWhy === null,
    };
  }

  #ports(): Kms {
    const backend = this.#backend;
    const home = this.#keyHome();
    const { outcomes } = this.#serving;
    const services: KeyServices = {
      serving: this.#serving,
      open: async () => {
        backend.demandWritable();
        return this.#home.open();
      },
      crypto: () => home.crypto(),
      reader: () => home.reader(),
      trusted: () => home.trusted(),
    };
    const custodian: Custodian = {
      act: (options, use) => backend.act(options, use),
      checkpoint: async (call) => (call.dryRun === true ? null : this.#checkpointer.now()),
    };
    const { context } = backend;
    return {
      ...recordingRefusals(
        {
          keys: keysService(services),
          signing: signingService(services),
          wrapping: wrappingService(services),
          attesting: attestingService(services, this.#options.build),
        },
        outcomes,
      ),
      governance: governanceService(custodian, {
        context: () => Promise.resolve(context),
        reading: () => Promise.resolve(readGovernance(context)),
      }),
      policy: policyService(async () => {
        const { judged, policy, trust } = await home.reader();
        return { policy: { ...policy, ledger: backend.view.ledger }, judged, trust };
      }),
      audit: auditService(custodian, () => Promise.resolve(this.#log())),
      files: filesService(() => Promise.resolve({ files: context.files, root: this.#deps.home })),
      capabilities: this.#capabilities.capabilities,
      health: this.#health(),
    };
  }

  #health(): Health {
    const { events } = this.#options;
    return {
      status: async (_request, call) => {
        authoriseInstance(call, 'kms:read');
        return this.state();
      },
      events: (request, call) => {
        authoriseInstance(call, 'kms:audit');
        return whileItStands(call, events({ ...request, signal: call.signal }));
      },
    };
  }

  #log(): AuditLogReading {
    const { context, store } = this.#backend;
    const epoch = epochOf(store.origin) ?? 0;
    return {
      files: context.files,
      paths: epochPaths(context.paths.audit, epoch),
      origin: store.origin,
      epoch,
      size: store.logSize,
      checkpoint: store.newestCheckpoint(),
    };
  }
}

const SYSTEM_CALL: Call = {
  caller: { kind: 'system' },
  opId: '00000000-0000-7000-8000-000000000000',
  corrId: '00000000-0000-7000-8000-000000000000',
  signal: new AbortController().signal,
};

/** Readers see it only under a checkpoint, so that one follows. */
function changesPublicView(record: AuditRecord): boolean {
  const row = AUDIT_OPS[record.op];
  return row.checkpoint || row.mutation || record.op === 'ledger.append';
}

const inboxWaits = (names: readonly string[]): boolean => names.some((name) => /^[0-9a-f]{64}\.json$/.test(name));

function ledgerPolicyOf(backend: Backend): LedgerPolicy {
  const { governed, ledgerId, overlays, policy, profile } = backend.committedView();
  const name = ledgerId === null ? 'home.json' : `ledger ${ledgerId}`;
  return { governed, name, profile, policy, overlays };
}

const REQUIREMENTS: readonly Requirement[] = ['never', 'if-available', 'required'];

/** The stricter of policy and configuration. */
function attestRequirement(backend: Backend, config: ServerConfig): Requirement {
  const policy = globalValue(backend, 'security.attest_require');
  const rank = Math.max(
    REQUIREMENTS.indexOf(config.security.attest_require),
    REQUIREMENTS.findIndex((one) => one === policy),
  );
  return REQUIREMENTS[rank] ?? 'required';
}

/** C-41: what this backend can never attest must not be required. */
function refuseUnattestable(backend: Backend, config: ServerConfig): void {
  const classes = globalValue(backend, 'security.attest_classes');
  const hasClass = Array.isArray(classes) && classes.includes(SOFTWARE_CLASS);
  if (attestRequirement(backend, config) === 'required' && !hasClass) {
    throw new RonError(
      'RefusedConfig',
      `an attestation is required, and the backend ${config.service.backend} has class ${SOFTWARE_CLASS} only, which the policy does not take`,
      {
        field: 'security.attest_require',
        hint: 'Propose a change of security.attest_classes, or use a backend that attests.',
      },
    );
  }
  if (config.audit.sealing === 'attested') {
    fail('RefusedConfig', `audit.sealing = attested is not available with the backend ${config.service.backend}`, {
      field: 'audit.sealing',
    });
  }
}
