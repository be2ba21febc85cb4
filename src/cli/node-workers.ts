// Host.Workers: one worker thread per task, for work that would hold up the main thread. A task that throws a RonError
// throws the same one here.

import { availableParallelism } from 'node:os';
import { RonError } from '../errors.ts';
import type { Workers } from '../host.ts';
import type { TaskReply } from './worker.ts';

export function nodeWorkers(): Workers {
  return {
    parallelism: availableParallelism(),
    run: <T>(task: string, input: unknown) =>
      new Promise<T>((resolve, reject) => {
        const own = import.meta.url;
        const { Worker } = process.getBuiltinModule('node:worker_threads');
        const worker = new Worker(new URL(own.endsWith('.ts') ? './worker.ts' : './worker.js', own), {
          workerData: { task, input },
          execArgv: [],
          env: {},
        });
        worker.once('message', (reply: TaskReply) => {
          if (reply.ok) resolve(reply.value as T);
          else if (reply.code === null) reject(new Error(reply.message));
          else reject(new RonError(reply.code, reply.message, reply.detail));
        });
        worker.once('error', reject);
        worker.once('exit', () => reject(new Error(`the worker of ${task} ended without an answer`)));
      }),
  };
}
