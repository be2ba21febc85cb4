// `audit witness` as a server (log page 4.11): loopback, or TLS. One result when it is ready, one when it has stopped; every
// refusal that the operator should know is a line on stderr. SIGTERM and Ctrl-C finish what is in flight (exit 0), a second
// one ends it at once; SIGHUP does nothing: pins are read at every request.

import { parseSocket } from '../config/server-value.ts';
import { RonError } from '../errors.ts';
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

/** Worth a line: not what a log does in its normal life (a size that it had to ask for). */
const isTold = ({ status }: WitnessEvent): boolean => status !== 200 && status !== 409;

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
        if (!isTold(event)) return;
        const log = event.origin === null ? '' : ` for ${JSON.stringify(event.origin.slice(0, 255))}`;
        const kept = event.evidence === null ? '' : `; both notes are kept in ${event.evidence}`;
        host.log.warn(`witness: ${event.status}${log}: ${event.message}${kept}`);
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
