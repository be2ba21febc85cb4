// The listeners of a running server, each one supervised (CON-12, CON-13): one that fails, and a Unix socket whose file
// somebody removed, is bound again after a delay; one that keeps failing ends the process. A reload binds a changed address
// before the old one is given up.

import type { Files } from '../host.ts';
import type { KmsServer } from '../kms/http/build-server.ts';
import type { Bound, Listen } from '../kms/http/server-parts.ts';
import { type SuperviseDeps, supervise } from '../kms/supervise.ts';

const LOOK_MS = 1000;

export type PortName = 'socket' | 'api' | 'metrics' | 'tlog';

export interface PortsDeps extends Omit<SuperviseDeps, 'onRestart'> {
  readonly server: Pick<KmsServer, 'listen'>;
  readonly files: Files;
  /** Before each binding of the Unix socket. */
  readonly clearSocket: (path: string) => void;
  readonly onRestart: (name: PortName, error: unknown, delayMs: number) => void;
  readonly onFailed: (name: PortName, error: unknown) => void;
}

interface Port {
  bound: Bound;
  /** As wanted now; the port stays the one that the system chose. */
  listen: Listen;
  readonly stop: AbortController;
  readonly running: Promise<void>;
}

export class Ports {
  readonly #deps: PortsDeps;
  readonly #ports = new Map<PortName, Port>();

  constructor(deps: PortsDeps) {
    this.#deps = deps;
  }

  /** Throws RefusedConfig when the address cannot be bound now. */
  async open(name: PortName, listen: Listen): Promise<Bound> {
    const bound = await this.bind(listen);
    this.#take(name, listen, bound);
    return bound;
  }

  get(name: PortName): Bound | null {
    return this.#ports.get(name)?.bound ?? null;
  }

  /** Binds without taking it over; the caller replaces or retires it. */
  async bind(listen: Listen): Promise<Bound> {
    if (listen.kind === 'unix') this.#deps.clearSocket(listen.path);
    return this.#deps.server.listen(listen);
  }

  /** Takes over what was bound (null: nothing); the old listener ends when its connections have. */
  replace(name: PortName, listen: Listen | null, bound: Bound | null, graceMs: number): void {
    const before = this.#ports.get(name);
    this.#ports.delete(name);
    if (listen !== null && bound !== null) this.#take(name, listen, bound);
    before?.stop.abort();
    void before?.bound.retire(graceMs);
  }

  /** Stops the supervision; the server closes the listeners. */
  async release(): Promise<void> {
    for (const { stop } of this.#ports.values()) stop.abort();
    await Promise.all([...this.#ports.values()].map(({ running }) => running));
  }

  #take(name: PortName, listen: Listen, bound: Bound): void {
    const stop = new AbortController();
    const port: Port = {
      bound,
      listen: fixed(listen, bound),
      stop,
      running: Promise.resolve().then(() => this.#keep(name, port)),
    };
    this.#ports.set(name, port);
  }

  async #keep(name: PortName, port: Port): Promise<void> {
    let isFirst = true;
    const part = async (signal: AbortSignal): Promise<void> => {
      if (!isFirst) {
        void port.bound.retire(0);
        port.bound = await this.bind(port.listen);
      }
      isFirst = false;
      await this.#watch(port, signal);
    };
    try {
      await supervise(part, port.stop.signal, {
        clock: this.#deps.clock,
        random: this.#deps.random,
        onRestart: (error, delayMs) => this.#deps.onRestart(name, error, delayMs),
      });
    } catch (error) {
      this.#deps.onFailed(name, error);
    }
  }

  /** Throws when the listener fails; resolves at the signal. */
  async #watch(port: Port, signal: AbortSignal): Promise<void> {
    let failure: Error | null = null;
    void port.bound.failed.then((error) => {
      failure = error;
    });
    while (!signal.aborted) {
      await this.#deps.clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (failure !== null && !signal.aborted) throw failure;
      if (port.listen.kind === 'unix' && this.#deps.files.info(port.listen.path) === null && !signal.aborted) {
        throw new Error(`${port.listen.path} was removed`);
      }
    }
  }
}

/** With the port that was bound, so that a later binding gives the same address. */
function fixed(listen: Listen, bound: Bound): Listen {
  return listen.kind === 'unix' || bound.port === undefined ? listen : { ...listen, port: bound.port };
}
