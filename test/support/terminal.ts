// A program on a pseudo terminal: what it shows, what is typed, how it ends.

import { spawn } from '@lydell/node-pty';

export interface Session {
  /** Everything shown so far. */
  readonly shown: () => string;
  /** Resolves when the text has been shown. */
  until(text: string): Promise<void>;
  type(text: string | Buffer): void;
  /** Sends a signal to the program alone. */
  kill(signal: string): void;
  /** Exit code, or 128 + signal. */
  readonly ended: Promise<number>;
}

export function onTerminal(
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Session {
  const pty = spawn(program, [...argv], {
    name: 'xterm',
    cols: 100,
    rows: 30,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  let output = '';
  let ended = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const check of waiting) check();
  };
  pty.onData((data) => {
    output += data;
    wake();
  });
  const exit = new Promise<number>((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      ended = true;
      resolve(signal === undefined || signal === 0 ? exitCode : 128 + signal);
      wake();
    });
  });
  return {
    shown: () => output,
    until: (text) =>
      new Promise<void>((resolve, reject) => {
        const check = (): void => {
          if (output.includes(text)) resolve();
          else if (ended) reject(new Error(`the program ended without showing ${JSON.stringify(text)}:\n${output}`));
          else return;
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      }),
    type: (text) => pty.write(typeof text === 'string' ? text : text.toString('binary')),
    kill: (signal) => pty.kill(signal),
    ended: exit,
  };
}
