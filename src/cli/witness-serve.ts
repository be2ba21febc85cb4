// `audit witness` as a server (log page 4.11): loopback, or TLS. One result when it is ready, one when it has stopped; every
// refusal that the operator should know is a line on stderr. SIGTERM and Ctrl-C finish what is in flight (exit 0), a second
// one ends it at once; SIGHUP does nothing: pins are read at every request.

import { parseSocket } from '../config/server-value.ts';
import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import { loadTlsMaterial, tlsOptions } from '../kms/http/tls-material.ts';
import { serveWitness, type WitnessEvent } from '../kms/http/witness-server.ts';
import { openWitness, type WitnessOptions } from '../operations/audit/witness.ts';
import type { WitnessReady, WitnessStopped } from '../operations/audit/witness-event.ts';
import type { OperationDeps } from '../operations/deps.ts';
import { witnessServeView } from '../views/audit/witness.ts';
import type { Outcome } from './base-command.ts';
import type { Launch } from './launch.ts';
import type { Runtime } from './runtime.ts';

const GRACE_MS = 3000;

export interface WitnessServeInput {
  readonly runtime: Runtime;
  readonly launch: Launch;
  readonly deps: OperationDeps;
  readonly witness: WitnessOptions;
  /** HOST:PORT */
  readonly listen: string;
  /** Paths of PEM files; both or none. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

const WINDOW_MS = 10_000;
const LINES_PER_WINDOW = 10;

/**
 * Tells refusals, but not what a log does in its normal life (200, and a size that it had to ask for). What a stranger can
 * cause is told ten times in ten seconds at most; a fork, which needs the log's keys, and faults of this side always.
 */
class Refusals {
  readonly #host: Pick<Host, 'log' | 'clock'>;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #lines = 0;
  #left = 0;

  constructor(host: Pick<Host, 'log' | 'clock'>) {
    this.#host = host;
  }

  tell(event: WitnessEvent): void {
    const { status, message, origin, evidence } = event;
    if (status === 200 || status === 409) return;
    if ((status <= 404 || status === 413) && !this.#mayTell()) return;
    const log = origin === null ? '' : ` for ${JSON.stringify(origin.slice(0, 255))}`;
    const kept = evidence === null ? '' : `; both notes are kept in ${evidence}`;
    this.#host.log.warn(`witness: ${status}${log}: ${message}${kept}`);
  }

  #mayTell(): boolean {
    const now = this.#host.clock.monotonicMs();
    if (now - this.#sinceMs >= WINDOW_MS) {
      if (this.#left > 0) this.#host.log.warn(`witness: ${this.#left} more refused requests`);
      this.#sinceMs = now;
      this.#lines = 0;
      this.#left = 0;
    }
    this.#lines += 1;
    if (this.#lines <= LINES_PER_WINDOW) return true;
    this.#left += 1;
    return false;
  }
}

export async function serveWitnessCommand(input: WitnessServeInput): Promise<Outcome> {
  const { runtime, launch, deps } = input;
  const { host } = runtime;
  const address = parseSocket(input.listen);
  if (address === null) {
    throw new RonError('InvalidValue', `--listen: HOST:PORT is expected, not ${JSON.stringify(input.listen)}`, {
      field: '--listen',
    });
  }
  const material =
    input.tls === null
      ? null
      : loadTlsMaterial(host.files, { cert_path: input.tls.cert, key_path: input.tls.key }, host.clock.now());
  for (const line of material?.warnings ?? []) host.log.warn(line);
  const witness = await openWitness(input.witness, deps);
  const counts = { answered: 0, cosigned: 0 };
  const refusals = new Refusals(host);
  try {
    const server = await serveWitness({
      host: address.host,
      port: address.port,
      loopback: address.loopback,
      tls: material === null ? null : tlsOptions(material, { pqOnly: false }),
      witness: witness.store,
      onAnswer: (event) => {
        counts.answered += 1;
        if (event.status === 200) counts.cosigned += 1;
        refusals.tell(event);
      },
    });
    const stopped = new Promise<{ readonly why: string; readonly error: RonError | null }>((resolve) => {
      let ending = false;
      launch.onServerSignal = (signal) => {
        if (signal === 'SIGHUP') return;
        if (ending)
          process.exit(new RonError(signal === 'SIGINT' ? 'Interrupted' : 'Terminated', 'ended at once').exit);
        ending = true;
        resolve({ why: signal, error: null });
      };
      void server.failed.then((cause) =>
        resolve({ why: 'failed', error: new RonError('Internal', `the listener failed: ${cause.message}`, { cause }) }),
      );
    });
    const shown = address.host.includes(':') ? `[${address.host}]` : address.host;
    const ready: WitnessReady = {
      mode: 'serve',
      state: 'ready',
      pid: host.env.pid,
      url: `${material === null ? 'http' : 'https'}://${shown}:${server.port}`,
      signer: witness.signer,
      name: witness.identity.keys.name,
      vkeys: witness.identity.vkeys,
    };
    await runtime.emit(ready, () => witnessServeView(ready));
    const { why, error } = await stopped;
    await server.stop(GRACE_MS);
    launch.onServerSignal = null;
    if (error !== null) throw error;
    const last: WitnessStopped = { mode: 'serve', state: 'stopped', why, ...counts };
    await runtime.emit(last, () => witnessServeView(last));
    return { data: last, text: () => witnessServeView(last), streamed: true };
  } finally {
    witness.close();
  }
}
