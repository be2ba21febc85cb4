// A server from its listeners to its end (service page 3; CON-06, CON-08, CON-27, CON-28): ready line, timers, reloads, drain.
// At the end: readiness false, no new connections, work in flight up to the drain deadline, operator.cap revoked, `stop` and
// the final checkpoint, then runtime file, socket and operator.cap are removed.

import { uuidV7 } from '../bytes/uuid.ts';
import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { ServiceState } from '../kms/admin-ports.ts';
import { healthPage, versionPage, WIRE_VERSION } from '../kms/health-pages.ts';
import { buildServer, type KmsServer } from '../kms/http/build-server.ts';
import type { Bound } from '../kms/http/server-parts.ts';
import { canNegotiate } from '../kms/http/tls-material.ts';
import { createLedgerWatch, type LedgerWatch } from '../kms/ledger-watch.ts';
import { observed } from '../kms/observed.ts';
import type { Call } from '../kms/ports.ts';
import { OperatorCapability } from '../kms/service/operator-capability.ts';
import type { ServeReady, ServeStopped } from '../operations/kms/serve-event.ts';
import { notifySystemd } from './notify.ts';
import { addressText, apiListen, metricsListen, socketListen, tlogListen } from './serve-listeners.ts';
import { removeOldSocket } from './serve-place.ts';
import { Ports } from './serve-ports.ts';
import { reloadServer } from './serve-reload.ts';
import { removeRunFiles, writeOperatorCap, writeRunFile } from './serve-run-files.ts';
import type { ServerBasis } from './serve-start.ts';
import { type ServerSignals, type Stop, takeSignals } from './serve-stop.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

export interface Ended {
  readonly stopped: ServeStopped;
  /** A part that kept failing; null after a signal. */
  readonly error: unknown;
}

export class Serving {
  readonly basis: ServerBasis;
  readonly server: KmsServer;
  readonly ports: Ports;
  readonly #host: Host;
  readonly #signals: ServerSignals;
  readonly #operator: OperatorCapability | null;
  readonly #timersEnd = new AbortController();
  readonly #startedMs: number;
  readonly #ledger: LedgerWatch;
  #timers: Promise<unknown> = Promise.resolve();
  #listening = false;

  private constructor(basis: ServerBasis, server: KmsServer) {
    const { input, custody, place, telemetry } = basis;
    const { host } = input.runtime;
    this.basis = basis;
    this.server = server;
    this.#host = host;
    this.#startedMs = host.clock.now();
    this.ports = new Ports({
      server,
      files: host.files,
      clock: host.clock,
      random: host.random,
      clearSocket: (path) => removeOldSocket(host.files, path),
      onRestart: (task, error, delayMs) => {
        telemetry.count('service_restarts_total');
        telemetry.log('warn', 'part_restarted', {
          task: `listener-${task}`,
          message: textOf(error),
          deadline_ms: Math.round(delayMs),
        });
      },
      onFailed: (task, error) => this.#signals.fail(`listener-${task}`, error),
    });
    const path = custody.state().verifyOnly === null || custody.awaitsRestore ? place.operatorCap : null;
    this.#operator =
      path === null
        ? null
        : new OperatorCapability({
            service: custody.capabilities,
            nowMs: () => host.clock.now(),
            call: () => systemCall(host),
            write: (token) => writeOperatorCap(host, path, token),
          });
    this.#ledger = createLedgerWatch({
      governance: custody.kms.governance,
      policy: custody.kms.policy,
      telemetry,
      state: () => custody.state(),
      call: () => systemCall(host),
      monotonicMs: () => host.clock.monotonicMs(),
    });
    this.#signals = takeSignals(input.launch, {
      reload: () => this.#reload(),
      heap: () => this.#logHeap(),
    });
  }

  static async start(basis: ServerBasis): Promise<Serving> {
    const { custody, live, telemetry, input } = basis;
    const { clock, random } = input.runtime.host;
    const { openssl, node } = process.versions;
    const build = { version: input.version, runtime: node, openssl, provider: live.config.crypto.provider };
    let serving: Serving | null = null;
    const around = () => ({ listenerBound: serving?.accepts === true, reloadRefused: live.refused });
    const server = await buildServer({
      kms: observed(custody.kms, { telemetry, monotonicMs: () => clock.monotonicMs(), spans: telemetry.spans }),
      tlog: custody.tlog,
      authenticator: custody.authenticator,
      telemetry,
      home: input.runtime.home,
      internalError: (of) => custody.internalError(of),
      config: () => live.config,
      clock,
      random,
      spans: telemetry.spans,
      readiness: () => telemetry.judge(stateOf(basis), live.config, around()),
      health: () => healthPage(telemetry.last()),
      metricsText: () =>
        telemetry.text(stateOf(basis), live.config, around(), {
          residentBytes: process.memoryUsage.rss(),
          uptimeMs: process.uptime() * 1000,
          version: input.version,
          wire: WIRE_VERSION,
        }),
      version: () => versionPage(build, custody.state(), live.config),
    });
    serving = new Serving(basis, server);
    try {
      await serving.#open();
    } catch (error) {
      await serving.#abandon();
      throw error;
    }
    return serving;
  }

  /** Every listener that was opened accepts. */
  get accepts(): boolean {
    return this.#listening && !this.server.draining;
  }

  get ready(): ServeReady {
    const { live, place, tls, custody, input } = this.basis;
    const state = custody.state();
    const { config, file } = live.loaded;
    const addr = textOfBound(this.ports.get('api'));
    return {
      state: 'ready',
      pid: this.#host.env.pid,
      socket: place.socket,
      addr,
      cert_sha256: tls.sha256,
      metrics_addr: textOfBound(this.ports.get('metrics'))!,
      tlog_addr: textOfBound(this.ports.get('tlog')),
      profile: state.profile,
      governed: state.governed,
      backend: state.backend,
      amnesia: state.amnesia,
      verify_only: state.verifyOnly,
      operator_cap: this.#operator === null ? null : place.operatorCap,
      config: file,
      next: nextLines(input.runtime.home, place.socket, addr, config.tls.enabled),
    };
  }

  /** Serves until a signal, or until a part cannot go on. */
  get ended(): Promise<Ended> {
    return this.#signals.stopped.then((stop) => this.#stop(stop));
  }

  /** Where clients find it; after each change of a listener. */
  async tellClients(): Promise<void> {
    const { place, tls, homeId } = this.basis;
    const addr = textOfBound(this.ports.get('api'));
    const metrics = textOfBound(this.ports.get('metrics'));
    const tlog = textOfBound(this.ports.get('tlog'));
    const reached = {
      ...(homeId === null ? {} : { home_id: homeId }),
      ...(addr === null ? {} : { addr }),
      ...(tls.sha256 === null ? {} : { cert_sha256: tls.sha256 }),
      ...(metrics === null ? {} : { metrics_addr: metrics }),
      ...(tlog === null ? {} : { tlog_addr: tlog }),
    };
    await writeRunFile(this.#host, place, reached, this.#startedMs);
  }

  async #open(): Promise<void> {
    const { custody, live, place, tls, telemetry } = this.basis;
    const { config } = live;
    await custody.start();
    await this.#watchLedger();
    if (place.socket !== null) await this.ports.open('socket', socketListen(place.socket));
    const api = apiListen(config, tls.options);
    if (api !== null) await this.ports.open('api', api);
    if (place.socket === null && api === null) {
      throw new RonError(
        'RefusedConfig',
        'there is nothing to listen on: no Unix socket, and TCP needs TLS in macronode',
        {
          field: 'tls.enabled',
          hint: 'Enable TLS, or set XDG_RUNTIME_DIR to a directory on tmpfs.',
        },
      );
    }
    await this.ports.open('metrics', metricsListen(config));
    const log = tlogListen(config, tls.options);
    if (log !== null) await this.ports.open('tlog', log);
    await this.#keepOperator();
    await this.tellClients();
    this.#listening = true;
    this.#judge();
    const { socket, addr, metrics_addr, tlog_addr, profile, governed, pid, config: file } = this.ready;
    telemetry.log('info', 'ready', {
      ready: 1,
      ...(socket === null ? {} : { socket }),
      ...(addr === null ? {} : { addr }),
      metrics_addr,
      ...(tlog_addr === null ? {} : { tlog_addr }),
      profile,
      governed,
      version: this.basis.input.version,
      wire: WIRE_VERSION,
      pid,
      ...(file === null ? {} : { file }),
    });
    await this.#notify('READY=1');
    const { signal } = this.#timersEnd;
    this.#timers = Promise.all([
      this.basis.cosigning?.run(signal),
      this.#every(SECOND_MS, signal, async () => {
        this.#judge();
        await this.#watchLedger();
        // Also right after `cap rotate --now`, which ends it with all others.
        await this.#keepOperator();
      }),
      this.#every(MINUTE_MS, signal, async () => {
        this.basis.tls.tell();
      }),
    ]);
  }

  /** Without room for its record there is none yet. */
  async #keepOperator(): Promise<void> {
    try {
      await this.#operator?.keep();
    } catch (error) {
      if (!(error instanceof RonError) || error.code !== 'StoreUnavailable') throw error;
      if (!this.#listening) this.basis.telemetry.log('warn', 'operator_cap_missing', { message: error.message });
    }
  }

  #judge(): void {
    const { telemetry, live } = this.basis;
    telemetry.judge(stateOf(this.basis), live.config, { listenerBound: this.accepts, reloadRefused: live.refused });
  }

  /** A ledger that cannot be read now is told by readiness and by whoever needs it. */
  async #watchLedger(): Promise<void> {
    await this.#ledger.catchUp().catch((error: unknown) => {
      this.basis.telemetry.log('debug', 'ledger_watch_failed', { message: textOf(error) });
    });
  }

  async #reload(): Promise<void> {
    await reloadServer(this);
    this.#judge();
  }

  #logHeap(): void {
    const { heapUsed, rss } = process.memoryUsage();
    this.basis.telemetry.log('info', 'heap', { heap_bytes: heapUsed, resident_bytes: rss });
  }

  async #every(ms: number, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await this.#host.clock.sleep(ms, signal).catch(() => undefined);
      if (signal.aborted) return;
      await act().catch((error: unknown) => {
        this.basis.telemetry.log('warn', 'timer_failed', { message: textOf(error) });
      });
    }
  }

  async #notify(what: Parameters<typeof notifySystemd>[1]): Promise<void> {
    const message = await notifySystemd(this.#host, what);
    if (message !== null) this.basis.telemetry.log('warn', 'notify_failed', { message });
  }

  async #stop({ why, error }: Stop): Promise<Ended> {
    const { custody, telemetry, live, place, log } = this.basis;
    telemetry.log(error === null ? 'info' : 'error', 'draining', {
      signal: why,
      ...(error === null ? {} : { message: textOf(error) }),
    });
    custody.drain();
    this.#judge();
    await this.#notify('STOPPING=1');
    this.#timersEnd.abort();
    const readsOnly = custody.state().verifyOnly !== null;
    // A timer may wait for a disk that takes its time.
    const [aborted] = await Promise.all([this.server.drain(), this.ports.release()]);
    const close = async (): Promise<boolean> => {
      await this.#timers;
      await this.#operator?.close().catch((failure: unknown) => {
        telemetry.log('error', 'revoke_failed', { message: textOf(failure) });
      });
      return custody.close(why);
    };
    const late = this.#host.clock.sleep(live.config.limits.checkpoint_deadline_ms + SECOND_MS).then(() => false);
    const signed = await Promise.race([close(), late]);
    removeRunFiles(this.#host, place);
    await this.server.close();
    this.#signals.release();
    const size = custody.state().audit.size;
    telemetry.log('info', 'stopped', { state: 'stopped', count: aborted, audit_size: size });
    log.flush();
    // A server that never writes has nothing to sign.
    const drained = aborted === 0 && (signed || readsOnly);
    return { stopped: { state: 'stopped', why, drained, aborted, checkpoint: signed, audit_size: size }, error };
  }

  async #abandon(): Promise<void> {
    this.#timersEnd.abort();
    await this.ports.release();
    await this.#operator?.close().catch(() => undefined);
    removeRunFiles(this.#host, this.basis.place);
    await this.server.close();
    this.#signals.release();
  }
}

/** The state of the service, and whether this process can do what its policy asks of sessions (MQ-23, C-45, C-63). */
function stateOf({ custody, live }: ServerBasis): ServiceState {
  const state = custody.state();
  const { tls } = live.config;
  const needsGroup = tls.enabled && (tls.pq_only || state.pqMode !== 'or');
  return needsGroup && !canNegotiate() ? { ...state, pqOk: false } : state;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const textOfBound = (bound: Bound | null): string | null => (bound === null ? null : addressText(bound));

function systemCall({ clock, random }: Pick<Host, 'clock' | 'random'>): Call {
  const id = uuidV7(clock.now(), random.bytes(16));
  return { caller: { kind: 'system' }, opId: id, corrId: id, signal: new AbortController().signal };
}

/** What to type in the other terminal. */
function nextLines(home: string, socket: string | null, addr: string | null, tls: boolean): readonly string[] {
  if (socket !== null)
    return [`RONCTL_HOME=${home} ronctl kms status --kms local`, `RONCTL_HOME=${home} ronctl tail --kms local`];
  return [`curl ${tls ? 'https' : 'http'}://${addr}/readyz`];
}
