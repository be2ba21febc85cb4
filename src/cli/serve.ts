// `ronctl kms serve` (service pages 3, 6 to 10): composes configuration, telemetry, custody service and HTTP server. Order:
// hardening, configuration, self-test of the provider, home lock and custody service, the configuration against the ledger,
// listeners, operator.cap, runtime file, and only then ready. Refuses: root on a home of another owner, what the
// configuration refuses (3), a home that somebody else holds (22), a provider that fails its known answers (23).

import type { ServerFlags } from '../config/server-sources.ts';
import { fail, RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { ServeStopped } from '../operations/kms/serve-event.ts';
import { serveView } from '../views/kms/serve.ts';
import type { Outcome } from './base-command.ts';
import type { Launch } from './launch.ts';
import type { Runtime } from './runtime.ts';
import { startServing } from './serve-start.ts';

/** Flags that are no configuration keys. */
export interface ServeFlags {
  readonly genesis?: string | undefined;
  readonly ledger?: string | undefined;
  readonly 'ledger-proof'?: string | undefined;
  readonly 'expect-ledger-head'?: string | undefined;
  readonly spool?: string | undefined;
  readonly 'operator-cap'?: string | undefined;
  readonly 'passphrase-file'?: readonly string[] | undefined;
  readonly 'passphrase-fd'?: number | undefined;
  readonly 'confirm-time'?: boolean | undefined;
  readonly 'lock-timeout'?: number | undefined;
}

export interface ServeInput {
  readonly runtime: Runtime;
  readonly launch: Launch;
  /** Of the package. */
  readonly version: string;
  readonly flags: ServeFlags;
  /** Flags of the table of ron-kms.toml and `config`, by name. */
  readonly configFlags: ServerFlags;
}

/** For what a command still has to print. */
const SECOND_MS = 1000;

const EXIT_OF: Readonly<Record<string, 'Interrupted' | 'Terminated'>> = {
  SIGINT: 'Interrupted',
  SIGTERM: 'Terminated',
};

/** Serves until a signal. One result when it is ready, one when it has stopped; not drained is an error. */
export async function serve(input: ServeInput): Promise<Outcome> {
  const { runtime } = input;
  refuseForeignHome(runtime.host, runtime.home);
  // Before the first job of the pool.
  process.env['UV_THREADPOOL_SIZE'] = String(runtime.host.env.cpus);
  const serving = await startServing(input);
  await runtime.emit(serving.ready, () => serveView(serving.ready));
  const { stopped, error } = await serving.ended;
  if (error !== null) throw error;
  const outcome = { data: stopped, text: () => serveView(stopped), streamed: true };
  await runtime.emit(stopped, () => serveView(stopped));
  if (stopped.drained) return outcome;
  const left = new RonError(EXIT_OF[stopped.why] ?? 'Terminated', `not drained: ${leftOver(stopped)}`);
  // A slow disk does not hold it any longer: nothing that was answered is lost, as after a kill.
  setTimeout(() => process.exit(left.exit), SECOND_MS).unref();
  return { ...outcome, error: left };
}

function leftOver({ aborted, checkpoint }: ServeStopped): string {
  const cut = `${aborted} requests were cut off`;
  return checkpoint ? cut : `${cut}, and the final checkpoint is missing; the next start signs one`;
}

/** Attack: files that root makes lock the owner out, and root follows what the owner has prepared there. */
function refuseForeignHome({ files }: Pick<Host, 'files'>, home: string): void {
  const info = files.info(home);
  const uid = files.uid();
  if (info === null || uid !== 0 || info.uid === uid) return;
  fail('UnsafeFile', `${home} belongs to uid ${info.uid}, and this is root`, {
    hint: 'Run the server as the owner of its home.',
  });
}
