// A real `ronctl audit witness` that serves, as a child process: waits for its ready envelope, ends it by signal.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import type { WitnessReady, WitnessStopped } from '../../src/operations/audit/witness-event.ts';
import { BINARY, type Envelope, type TestHome } from './binary.ts';

export interface WitnessProcess {
  readonly ready: WitnessReady;
  stderr(): string;
  /** A signal, then its exit code and last envelope. */
  stop(signal?: NodeJS.Signals): Promise<{ readonly exit: number | null; readonly last: Envelope<WitnessStopped> }>;
}

export async function startWitness(home: TestHome, argv: readonly string[]): Promise<WitnessProcess> {
  const child = spawn(BINARY, ['audit', 'witness', ...argv, '--json'], {
    cwd: home.directory,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      RONCTL_HOME: home.path,
      HOME: home.directory,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close');
  const line = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
  });
  const first = await Promise.race([line, closed.then(() => null)]);
  if (first === null) throw new Error(`the witness ended: ${stdout}${stderr}`);
  const envelope = JSON.parse(first) as Envelope<WitnessReady>;
  if (envelope.data === undefined) throw new Error(`the witness does not serve: ${first}`);
  return {
    ready: envelope.data,
    stderr: () => stderr,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const [code] = (await closed) as [number | null];
      return { exit: code, last: JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Envelope<WitnessStopped> };
    },
  };
}
