// Host.Processes: a program by argv, without a shell, with exactly the variables that the caller names (service page 9).

import { RonError } from '../errors.ts';
import type { Processes, ProcessResult } from '../host.ts';

/** Shell convention for a program that a signal ended. */
const SIGNAL_EXIT: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGKILL: 137, SIGTERM: 143 };

export function nodeProcesses(): Processes {
  return {
    run: ([program, ...args], options) =>
      new Promise<ProcessResult>((resolve, reject) => {
        const start = performance.now();
        const { spawn } = process.getBuiltinModule('node:child_process');
        const child = spawn(program ?? '', args, {
          env: { ...options.env },
          shell: false,
          stdio: ['pipe', 'pipe', 'pipe'],
          ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
          ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
        });
        const stdout: Buffer[] = [];
        const stderr: Buffer[] = [];
        child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
        child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
        child.on('error', (cause) =>
          reject(new RonError('NotFound', `cannot start ${program}: ${cause.message}`, { cause })),
        );
        child.on('close', (code, signal) =>
          resolve({
            exitCode: code ?? SIGNAL_EXIT[signal ?? ''] ?? 128,
            stdout: new Uint8Array(Buffer.concat(stdout)),
            stderr: new Uint8Array(Buffer.concat(stderr)),
            durationMs: performance.now() - start,
          }),
        );
        // A child that does not read its input closes the pipe; its exit code says what happened.
        child.stdin.on('error', () => undefined);
        child.stdin.end(options.stdin);
      }),
  };
}
