// Where tests keep their temporary files: in memory where there is enough of it and programs may be run from it. The homes are synced at every step, and for
// most of a run a disk would only be waited for; no test can tell a synced file from one that is not.

import { accessSync, constants, mkdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const ENOUGH_BYTES = 2 ** 31;

function inMemory(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK);
    const mounted = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
    const options = mounted.find(([, place]) => place === MEMORY)?.[3];
    if (options === undefined || options.split(',').includes('noexec')) return false;
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ENOUGH_BYTES;
  } catch {
    return false;
  }
}

/** One per run of the tests; `setup` makes it. */
export function testDirectory(): string {
  return join(inMemory() ? MEMORY : tmpdir(), `ronctl-tests-${process.pid}`);
}

export default function setup(): () => void {
  const directory = testDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return () => rmSync(directory, { recursive: true, force: true });
}
