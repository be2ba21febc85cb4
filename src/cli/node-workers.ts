// Host.Workers: one worker thread per task, for work that would hold up the main thread. A task that throws a RonError
// throws the same one here.

import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { RonError } from '../errors.ts';
import type { Workers } from '../host.ts';
import type { TaskReply } from './worker.ts';

/** A thread that loads its task and waits for the input; nobody waits for one that gets none. */
function startThread(task: string): Worker {
  const own = import.meta.url;
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const worker = new Worker(new URL(own.endsWith('.ts') ? './worker.ts' : './worker.js', own), {
    workerData: { task },
    execArgv: [],
    env: {},
  });
  worker.unref();
  return worker;
}

interface Prepared {
  readonly worker: Worker;
  readonly failed: Promise<never>;
}

function prepared(task: string): Prepared {
  const worker = startThread(task);
  const failed = new Promise<never>((_, reject) => {
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`the worker of ${task} ended without an answer`)));
  });
  failed.catch(() => undefined);
  return { worker, failed };
}

function answerOf<T>(worker: Worker, onPart: (part: unknown) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.on('message', (reply: TaskReply) => {
      if ('part' in reply) onPart(reply.part);
      else if (reply.ok) resolve(reply.value as T);
      else if (reply.code === null) reject(new Error(reply.message));
      else reject(new RonError(reply.code, reply.message, reply.detail));
    });
  });
}

export function nodeWorkers(): Workers {
  const parallelism = availableParallelism();
  const waiting = new Map<string, Prepared[]>();
  return {
    parallelism,
    prepare: (task) => {
      const threads = waiting.get(task) ?? [];
      while (threads.length < parallelism - 1) threads.push(prepared(task));
      waiting.set(task, threads);
    },
    run: async <T>(task: string, input: unknown, onPart: (part: unknown) => void = () => undefined) => {
      const { worker, failed } = waiting.get(task)?.pop() ?? prepared(task);
      worker.ref();
      const answer = answerOf<T>(worker, onPart);
      worker.postMessage(input);
      return Promise.race([answer, failed]);
    },
  };
}
