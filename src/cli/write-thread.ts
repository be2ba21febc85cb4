// A thread for durable writes in order: of a batch of the audit log, the segment is synced before the head. On the main
// thread each step would wait for its turn behind the requests at hand, and each sync for a thread of the pool that
// signatures fill. The thread starts with the first write; a process ends without waiting for it when nothing is written.

import type { Worker } from 'node:worker_threads';
import { RonError } from '../errors.ts';
import type { WriteReply, WriteStep } from './write-loop.ts';

interface Waiting {
  readonly steps: readonly WriteStep[];
  resolve(reply: WriteReply): void;
  reject(error: unknown): void;
}

export class WriteThread {
  readonly #waiting: Waiting[] = [];
  #worker: Worker | null = null;
  #post: (steps: readonly WriteStep[]) => void = () => undefined;
  #ended: RonError | null = null;

  /** Carries out the steps behind those of earlier calls. What happened to them when this rejects is not known. */
  write(steps: readonly WriteStep[]): Promise<WriteReply> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ steps, resolve, reject }) === 1) worker.ref();
      this.#post(steps);
    });
  }

  #start(): Worker {
    const { Worker, MessageChannel } = process.getBuiltinModule('node:worker_threads');
    const { port1, port2 } = new MessageChannel();
    const own = import.meta.url;
    const worker = new Worker(new URL(own.endsWith('.ts') ? './worker.ts' : './worker.js', own), {
      workerData: { task: 'files.write' },
      execArgv: [],
      env: {},
    });
    worker.postMessage({ port: port2 }, [port2]);
    this.#post = (steps) => port1.postMessage(steps);
    port1.on('message', (reply: WriteReply) => {
      this.#waiting.shift()?.resolve(reply);
      if (this.#waiting.length === 0) worker.unref();
    });
    port1.unref();
    worker.on('error', (error) => this.#end(String(error)));
    worker.on('exit', () => this.#end('it has ended'));
    return worker;
  }

  #end(why: string): void {
    this.#ended ??= new RonError('StorageFault', `the thread that writes the files failed: ${why}`);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#ended);
  }
}
