// The public files of a server, for readers that do not wait (Host.Files is synchronous): one worker thread asks over HTTP
// while this thread sleeps on a shared word. Every wait is bounded, by the deadlines of the client in the thread and by a
// longer one here. The thread ends with the process.

import { type ErrorCode, RonError } from '../errors.ts';
import type { FileInfo } from '../host.ts';
import type { PublishedFiles } from '../kms-client/remote-files.ts';
import type { ConnectedFiles } from './file-fetcher.ts';

export type FetchRequest =
  | { readonly ask: 'info' | 'list'; readonly path: string }
  | { readonly ask: 'read'; readonly path: string; readonly offset: number; readonly length: number };

export type FetchReply =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly code: ErrorCode | null;
      readonly message: string;
      readonly hint?: string;
      readonly field?: string;
    };

/** Three exchanges with the two longest pauses between them, and room. */
const WAIT_MS = 60_000;

export interface BlockingFiles extends PublishedFiles {
  close(): void;
}

/** Starts the thread; it connects at the first call. */
export function blockingFiles(options: ConnectedFiles): BlockingFiles {
  const { Worker, MessageChannel, receiveMessageOnPort } = process.getBuiltinModule('node:worker_threads');
  const { port1: port, port2 } = new MessageChannel();
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const own = import.meta.url;
  const worker = new Worker(new URL(own.endsWith('.ts') ? './worker.ts' : './worker.js', own), {
    workerData: { task: 'kms.files' },
    execArgv: [],
    env: {},
  });
  worker.postMessage({ ...options, port: port2, bell }, [port2]);
  // A command that is done does not wait for it.
  worker.unref();
  port.unref();
  // What it dies of is told by the next call, which gets no answer.
  worker.on('error', () => undefined);

  const ask = (request: FetchRequest): unknown => {
    const seen = Atomics.load(bell, 0);
    port.postMessage(request);
    const end = performance.now() + WAIT_MS;
    for (;;) {
      const found = receiveMessageOnPort(port);
      if (found !== undefined) return unpacked(found.message as FetchReply);
      const left = end - performance.now();
      if (left <= 0 || mortally(() => Atomics.wait(bell, 0, seen, left)) === 'timed-out') {
        throw new RonError('Unreachable', `${options.endpoint.name}: no answer within ${WAIT_MS / 1000} s`);
      }
    }
  };
  return {
    info: (path) => ask({ ask: 'info', path }) as FileInfo | null,
    list: (path) => ask({ ask: 'list', path }) as readonly string[],
    read: (path, offset, length) => ask({ ask: 'read', path, offset, length }) as Uint8Array | null,
    close: () => void worker.terminate(),
  };
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * While this thread sleeps nobody hears a signal: meanwhile it has its default effect, and Ctrl-C ends the process at once. No
 * question is open then, so the terminal is as it was, and nothing is half written.
 */
function mortally<T>(sleep: () => T): T {
  const heard = ENDING.map((name) => ({ name, listeners: process.rawListeners(name) }));
  for (const { name } of heard) process.removeAllListeners(name);
  try {
    return sleep();
  } finally {
    for (const { name, listeners } of heard)
      for (const listener of listeners) process.on(name, listener as NodeJS.SignalsListener);
  }
}

function unpacked(reply: FetchReply): unknown {
  if (reply.ok) return reply.value;
  const { code, message, hint, field } = reply;
  if (code === null) throw new Error(message);
  throw new RonError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(field === undefined ? {} : { field }),
  });
}
