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

/** Passes every mutating call through `call(act, what, half)`; `reading` runs before every other one. */
export function countedFiles(
  inner: Files,
  call: <T>(act: () => T, what: string, half?: () => void) => T,
  reading: () => void = () => undefined,
): Files {
  const name = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  const look = <T>(act: () => T): T => {
    reading();
    return act();
  };

  function counted(file: OpenFile, path: string): OpenFile {
    const short = name(path);
    return {
      info: () => file.info(),
      stands: () => file.stands(),
      read: (position, length) => look(() => file.read(position, length)),
      write: (bytes, position) =>
        call(
          () => file.write(bytes, position),
          `write ${short}`,
          () => file.write(bytes.subarray(0, bytes.length >> 1), position),
        ),
      truncate: (sizeBytes) => call(() => file.truncate(sizeBytes), `truncate ${short}`),
      sync: async () => call(() => file.syncNow(), `sync ${short}`),
      syncNow: () => call(() => file.syncNow(), `sync ${short}`),
      close: () => file.close(),
    };
  }

  return {
    info: (path) => look(() => inner.info(path)),
    list: (path) => look(() => inner.list(path)),
    read: (path, maxBytes) => look(() => inner.read(path, maxBytes)),
    open: (path, flags) => {
      const opened = () => inner.open(path, flags);
      return counted(flags === 'create-new' ? call(opened, `create ${name(path)}`) : look(opened), path);
    },
    makeDirectory: (path) => call(() => inner.makeDirectory(path), `mkdir ${name(path)}`),
    rename: (from, to) => call(() => inner.rename(from, to), `rename ${name(to)}`),
    link: (from, to) => call(() => inner.link(from, to), `link ${name(to)}`),
    remove: (path) => call(() => inner.remove(path), `remove ${name(path)}`),
    removeDirectory: (path) => call(() => inner.removeDirectory(path), `rmdir ${name(path)}`),
    syncDirectory: async (path) => call(() => inner.syncDirectoryNow(path), `sync ${name(path)}/`),
    syncDirectoryNow: (path) => call(() => inner.syncDirectoryNow(path), `sync ${name(path)}/`),
    realPath: (path) => inner.realPath(path),
    fileSystem: (path) => inner.fileSystem(path),
    uid: () => inner.uid(),
    temporaryDirectory: (prefix) => inner.temporaryDirectory(prefix),
  };
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
  const call = <T>(act: () => T, what: string, half?: () => void): T => {
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
  };

  const files = countedFiles(inner, call, () => {
    if (dead) throw new Crashed();
  });
  return { files, calls: () => calls, hit: () => hit };
}
