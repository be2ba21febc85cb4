// The one entry of worker threads: runs a named task of the table with a structured-clonable input. A domain module gets
// into a worker only by a row here; rows load it lazily.

import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { type ErrorCode, type ErrorDetail, RonError } from '../errors.ts';

export type TaskReply =
  | { readonly part: unknown }
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: ErrorCode | null; readonly message: string; readonly detail: ErrorDetail };

type Emit = (part: unknown) => void;
type Task = (input: unknown, emit: Emit) => unknown;

/** Name of a task, and how to load it. The inline Workers of tests uses the same table. */
export const TASKS: ReadonlyMap<string, () => Promise<Task>> = new Map<string, () => Promise<Task>>([
  [
    'audit.scan',
    async () => {
      const { scanTask } = await import('../storage/audit-scan.ts');
      const { nodeFiles } = await import('./node-files.ts');
      return (input, emit) => scanTask(nodeFiles(), input, emit);
    },
  ],
  ['kms.files', async () => (await import('./file-fetcher.ts')).fetchFiles],
  ['files.write', async () => (await import('./write-loop.ts')).writeLoop],
]);

async function loaded(name: string): Promise<Task> {
  const load = TASKS.get(name);
  if (load === undefined) throw new Error(`no worker task named ${name}`);
  return load();
}

export async function runTask(name: string, input: unknown, emit: Emit): Promise<unknown> {
  return (await loaded(name))(input, emit);
}

async function answer(task: Promise<Task>, input: unknown, emit: Emit): Promise<TaskReply> {
  try {
    return { ok: true, value: await (await task)(input, emit) };
  } catch (thrown) {
    if (!(thrown instanceof RonError)) return { ok: false, code: null, message: String(thrown), detail: {} };
    const { code, message, hint, field, data } = thrown;
    const detail = {
      ...(hint === undefined ? {} : { hint }),
      ...(field === undefined ? {} : { field }),
      ...(data === undefined ? {} : { data }),
    };
    return { ok: false, code, message, detail };
  }
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  // The task is loaded while its input is still awaited.
  const task = loaded((workerData as { readonly task: string }).task);
  task.catch(() => undefined);
  port.once('message', (input: unknown) => {
    void answer(task, input, (part) => port.postMessage({ part })).then((reply) => port.postMessage(reply));
  });
}
