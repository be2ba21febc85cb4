// What bin/ronctl starts, on a disk whose every sync takes as many milliseconds as the file $SLOW_DISK says now: the process,
// its sockets and its files are the real ones. A synchronous sync holds the whole thread, as on such a disk. Threads of the
// process begin here too, and go on with the module that $SLOW_DISK_THREAD names.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import threads, { isMainThread, Worker, type WorkerOptions } from 'node:worker_threads';

const control = process.env['SLOW_DISK']!;
const { fdatasync, fdatasyncSync, fsync, fsyncSync, readFileSync } = fs;
const asleep = new Int32Array(new SharedArrayBuffer(4));

const delayMs = (): number => Number(readFileSync(control, 'utf8'));

function slowly(sync: (fd: number) => void): (fd: number) => void {
  return (fd) => {
    const ms = delayMs();
    if (ms > 0) Atomics.wait(asleep, 0, 0, ms);
    sync(fd);
  };
}

const later =
  (sync: typeof fsync) =>
  (fd: number, done: (error: Error | null) => void): void => {
    setTimeout(() => sync(fd, done), delayMs());
  };

class SlowWorker extends Worker {
  constructor(file: string | URL, options: WorkerOptions = {}) {
    super(new URL(import.meta.url), { ...options, env: { SLOW_DISK: control, SLOW_DISK_THREAD: String(file) } });
  }
}

Object.assign(fs, {
  fdatasync: later(fdatasync),
  fsync: later(fsync),
  fdatasyncSync: slowly(fdatasyncSync),
  fsyncSync: slowly(fsyncSync),
});
if (isMainThread) Object.assign(threads, { Worker: SlowWorker });
syncBuiltinESMExports();
const program = new URL('../../dist/cli/main.js', import.meta.url).href;
await import(isMainThread ? program : process.env['SLOW_DISK_THREAD']!);
