// What bin/ronctl starts, on a disk whose every sync takes as many milliseconds as the file $SLOW_DISK says now: the process,
// its sockets and its files are the real ones. A synchronous sync holds the whole process, as on such a disk.

import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

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

Object.assign(fs, {
  fdatasync: later(fdatasync),
  fsync: later(fsync),
  fdatasyncSync: slowly(fdatasyncSync),
  fsyncSync: slowly(fsyncSync),
});
syncBuiltinESMExports();
await import(new URL('../../dist/cli/main.js', import.meta.url).href);
