// A `Files` that fails at the k-th mutating call (store page 10). Mutating: open for writing, write, truncate, sync, make
// directory, rename, link, remove, sync of a directory. `crash` is SIGKILL as seen from the disk: from that call on
// nothing more happens at all (`before`: the call itself neither). `short` writes half of the bytes and reports an error.
// The kernel keeps what was written, so what a killed process wrote is what a new one reads.

import { RonError } from '../../src/errors.ts';
import type { Files, OpenFile } from '../../src/host.ts';

export type Fault =
  | { readonly kind: 'crash'; readonly when: 'before' | 'after' }
  | { readonly kind: 'ENOSPC' | 'EIO' | 'EROFS' }
  | { readonly kind: 'short' }
  | { readonly kind: 'sync' };

export class Crashed extends Error {
  constructor() {
    super('the process was killed');
    this.name = 'Crashed';
  }
}

export interface FaultyFiles {
  readonly files: Files;
  /** Mutating calls so far. */
  calls(): number;
  /** What the faulted call was, e.g. `rename root.ronk`; null when it was never reached. */
  hit(): string | null;
}

/** `at` counts from 1; 0 never fails and only counts. */
export function faultyFiles(inner: Files, at: number, fault: Fault): FaultyFiles {
  let calls = 0;
  let dead = false;
  let hit: string | null = null;

  const storage = (kind: string, what: string): RonError => new RonError('StorageFault', `${kind}: cannot ${what}`);

  const applies = (what: string): boolean => {
    if (fault.kind === 'short') return what.startsWith('write ');
    if (fault.kind === 'sync') return what.startsWith('sync ');
    return true;
  };

  /** Runs one mutating call, or what the fault makes of it. */
  function call<T>(what: string, act: () => T, half?: () => void): T {
    if (dead) throw new Crashed();
    calls += 1;
    if (calls !== at || !applies(what)) return act();
    hit = what;
    if (fault.kind === 'crash') {
      if (fault.when === 'after') act();
      dead = true;
      throw new Crashed();
    }
    if (fault.kind === 'short') half?.();
    throw storage(fault.kind, what);
  }

  const name = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

  function faultyFile(file: OpenFile, path: string): OpenFile {
    const short = name(path);
    return {
      info: () => file.info(),
      read: (position, length) => {
        if (dead) throw new Crashed();
        return file.read(position, length);
      },
      write: (bytes, position) =>
        call(
          `write ${short}`,
          () => file.write(bytes, position),
          () => file.write(bytes.subarray(0, bytes.length >> 1), position),
        ),
      truncate: (sizeBytes) => call(`truncate ${short}`, () => file.truncate(sizeBytes)),
      sync: async () => call(`sync ${short}`, () => file.syncNow()),
      syncNow: () => call(`sync ${short}`, () => file.syncNow()),
      close: () => file.close(),
    };
  }

  const reading = <T>(act: () => T): T => {
    if (dead) throw new Crashed();
    return act();
  };

  const files: Files = {
    info: (path) => reading(() => inner.info(path)),
    list: (path) => reading(() => inner.list(path)),
    read: (path, maxBytes) => reading(() => inner.read(path, maxBytes)),
    open: (path, flags) =>
      flags === 'create-new'
        ? faultyFile(
            call(`create ${name(path)}`, () => inner.open(path, flags)),
            path,
          )
        : faultyFile(
            reading(() => inner.open(path, flags)),
            path,
          ),
    makeDirectory: (path) => call(`mkdir ${name(path)}`, () => inner.makeDirectory(path)),
    rename: (from, to) => call(`rename ${name(to)}`, () => inner.rename(from, to)),
    link: (from, to) => call(`link ${name(to)}`, () => inner.link(from, to)),
    remove: (path) => call(`remove ${name(path)}`, () => inner.remove(path)),
    removeDirectory: (path) => call(`rmdir ${name(path)}`, () => inner.removeDirectory(path)),
    syncDirectory: (path) => call(`sync ${name(path)}/`, () => inner.syncDirectory(path)),
    realPath: (path) => inner.realPath(path),
    fileSystem: (path) => inner.fileSystem(path),
    uid: () => inner.uid(),
    temporaryDirectory: (prefix) => inner.temporaryDirectory(prefix),
  };
  return { files, calls: () => calls, hit: () => hit };
}
