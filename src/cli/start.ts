// Runs one command line: builds the Host, hands it to oclif, and turns whatever escapes a command (help, unknown commands,
// signals, a closed or full stdout) into our formats and exit codes. oclif's own exits never leak.

import { run } from '@oclif/core';
import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';
import { toRonError } from './json-error.ts';
import type { Launch, LaunchOptions, ServerSignal } from './launch.ts';
import { nodeHost } from './node-host.ts';
import type { Streams } from './node-terminal.ts';
import { formatOfArgv, formatOfVariable } from './output-format.ts';
import { reporter } from './report.ts';
import { rootPlugin } from './root-plugin.ts';
import { isParserError, usageError } from './usage-error.ts';

export interface StartOptions {
  /** Directory of the package. */
  readonly root: string;
  /** The parsed package.json; bin/dev.js passes one that points to src. */
  readonly manifest: NonNullable<LaunchOptions['pjson']>;
  readonly development: boolean;
}

async function reportStart(host: Host, argv: readonly string[], thrown: unknown): Promise<number> {
  const error = isParserError(thrown) ? usageError(thrown, 'ronctl', {}) : toRonError(thrown);
  if (error.code === 'Internal' && thrown instanceof Error) host.terminal.writeStderr(`${thrown.stack}\n`);
  const format = formatOfArgv(argv) ?? formatOfVariable(host.env.get('RONCTL_OUTPUT')) ?? 'table';
  await reporter(host, { format, noColor: argv.includes('--no-color') }).result(
    'ronctl/error/1',
    error.data,
    undefined,
    error,
  );
  return error.exit;
}

/** oclif writes help through the stream; a closed pipe ends quietly, a full disk is an error. */
function watchStdout(host: Host): void {
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', (thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'EPIPE') return;
    host.terminal.writeStderr(`ronctl: failed StorageFault: cannot write standard output: ${thrown.code}\n`);
    process.exit(23);
  });
}

function watchSignals(launch: Launch): void {
  let stopping = false;
  const stop = (code: 'Interrupted' | 'Terminated', message: string) => (signal: NodeJS.Signals) => {
    if (launch.onServerSignal !== null) {
      launch.onServerSignal(signal as ServerSignal);
      return;
    }
    const error = new RonError(code, message);
    if (stopping) process.exit(error.exit);
    stopping = true;
    void launch.onSignal(error).finally(() => process.exit(error.exit));
  };
  // Not `once`: what guards the terminal while a question is asked ends the process itself when nobody else listens.
  process.on('SIGINT', stop('Interrupted', 'interrupted'));
  process.on('SIGTERM', stop('Terminated', 'terminated'));
  process.on('SIGHUP', stop('Terminated', 'terminated: the terminal was closed'));
}

const launchOn = (host: Host, argv: readonly string[], { development }: StartOptions): Launch => ({
  host,
  development,
  argv,
  onSignal: async () => undefined,
  onServerSignal: null,
});

async function runLine(launch: Launch, options: StartOptions): Promise<void> {
  // oclif would look for a theme in the user's configuration directory.
  process.env['RONCTL_DISABLE_THEME'] = '1';
  const load: LaunchOptions = {
    root: options.root,
    pjson: options.manifest,
    ignoreManifest: options.development,
    ...(options.development
      ? {}
      : { plugins: new Map([[options.manifest.name, rootPlugin(options.root, options.manifest)]]) }),
    devPlugins: false,
    userPlugins: false,
    launch,
  };
  try {
    await run([...launch.argv], load);
  } catch (thrown) {
    process.exitCode = await reportStart(launch.host, launch.argv, thrown);
  }
}

/** The command line of this process. */
export async function start(argv: readonly string[], options: StartOptions): Promise<void> {
  const launch = launchOn(nodeHost(), argv, options);
  watchStdout(launch.host);
  watchSignals(launch);
  await runLine(launch, options);
}

/**
 * One command line in a process that goes on: its streams are these descriptors, `process.exitCode` is how it ended, and
 * signals are the caller's. For tests of what a command answers, which would mostly start processes otherwise.
 */
export async function startWithin(argv: readonly string[], options: StartOptions, streams: Streams): Promise<void> {
  await runLine(launchOn(nodeHost(streams), argv, options), options);
}
