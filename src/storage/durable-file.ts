// Durable files (store page 2): temporary file in the same directory (random name, 0600), write, fsync, rename, fsync of
// the directory. The only module that renames. Errors are StorageFault (23); fsync is never tried twice.
// Refuses nothing else: who may write where is judged by checked-files.ts.

import { toHex } from '../bytes/hex.ts';
import type { Files, PlacedBytes, Random } from '../host.ts';

export interface DurableDeps {
  readonly files: Files;
  readonly random: Random;
}

export interface FileWrite {
  /** Absolute. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Ends the name of a file that a crash left behind; nobody ever reads one. */
export const TEMPORARY_SUFFIX = '.tmp';

export function directoryOf(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut <= 0 ? '/' : path.slice(0, cut);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** `Files.writeInOrder`, or the same steps on this thread. */
export async function writeInOrder(files: Files, writes: readonly PlacedBytes[]): Promise<boolean> {
  if (files.writeInOrder !== undefined) return files.writeInOrder(writes);
  for (const { file, bytes, position } of writes) {
    file.write(bytes, position);
    await file.sync();
  }
  return writes.every(({ file }) => file.stands());
}

async function writeTemporary(deps: DurableDeps, write: FileWrite): Promise<string> {
  const temporary = `${write.path}.${toHex(deps.random.bytes(8))}${TEMPORARY_SUFFIX}`;
  const file = deps.files.open(temporary, 'create-new');
  try {
    file.write(write.bytes, 0);
    await file.sync();
  } catch (error) {
    discard(deps.files, temporary);
    throw error;
  } finally {
    file.close();
  }
  return temporary;
}

/** Half a file only fills a full disk further. What hinders its removal is not what is to be reported. */
function discard(files: Files, temporary: string): void {
  try {
    files.remove(temporary);
  } catch {
    // It keeps a name that nobody reads.
  }
}

const directoriesOf = (paths: readonly string[]): ReadonlySet<string> => new Set(paths.map(directoryOf));

async function syncDirectories(files: Files, paths: readonly string[]): Promise<void> {
  for (const directory of directoriesOf(paths)) await files.syncDirectory(directory);
}

function syncDirectoriesNow(files: Files, paths: readonly string[]): void {
  for (const directory of directoriesOf(paths)) files.syncDirectoryNow(directory);
}

/** Writes or replaces files; all durable when resolved. Each one appears whole or not at all, in the given order. */
export async function writeFiles(deps: DurableDeps, writes: readonly FileWrite[]): Promise<void> {
  for (const write of writes) {
    const temporary = await writeTemporary(deps, write);
    try {
      deps.files.rename(temporary, write.path);
    } catch (error) {
      discard(deps.files, temporary);
      throw error;
    }
  }
  await syncDirectories(
    deps.files,
    writes.map((write) => write.path),
  );
}

export function writeFile(deps: DurableDeps, path: string, bytes: Uint8Array): Promise<void> {
  return writeFiles(deps, [{ path, bytes }]);
}

/** Makes a file that must not exist yet (`Exists` otherwise), whole or not at all. */
export async function writeNewFile(deps: DurableDeps, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = await writeTemporary(deps, { path, bytes });
  try {
    deps.files.link(temporary, path);
  } finally {
    deps.files.remove(temporary);
  }
  await deps.files.syncDirectory(directoryOf(path));
}

/**
 * A file of any size, in pieces, whole or not at all: what `pieces` throws leaves nothing. `Exists` when it is there.
 * Returns its length.
 */
export async function writeStream(deps: DurableDeps, path: string, pieces: Iterable<Uint8Array>): Promise<number> {
  const temporary = `${path}.${toHex(deps.random.bytes(8))}${TEMPORARY_SUFFIX}`;
  const file = deps.files.open(temporary, 'create-new');
  let size = 0;
  try {
    try {
      for (const piece of pieces) {
        file.write(piece, size);
        size += piece.length;
      }
      await file.sync();
    } finally {
      file.close();
    }
    deps.files.link(temporary, path);
  } catch (error) {
    discard(deps.files, temporary);
    throw error;
  }
  deps.files.remove(temporary);
  await deps.files.syncDirectory(directoryOf(path));
  return size;
}

export interface FileRename {
  readonly from: string;
  readonly to: string;
}

function renameAll(files: Files, renames: readonly FileRename[]): readonly string[] {
  for (const one of renames) files.rename(one.from, one.to);
  return renames.map((one) => one.to);
}

/** Renames in the given order, then syncs the directories: step 3 of a commit (store page 5). */
export async function renameFiles(files: Files, renames: readonly FileRename[]): Promise<void> {
  await syncDirectories(files, renameAll(files, renames));
}

/** The same, and the process waits: not while a server answers. */
export function renameFilesNow(files: Files, renames: readonly FileRename[]): void {
  syncDirectoriesNow(files, renameAll(files, renames));
}

function removePresent(files: Files, paths: readonly string[]): readonly string[] {
  const present = paths.filter((path) => files.info(path) !== null);
  for (const path of present) files.remove(path);
  return present;
}

/** Removes files that may be absent, then syncs their directories. */
export async function removeFiles(files: Files, paths: readonly string[]): Promise<void> {
  await syncDirectories(files, removePresent(files, paths));
}

/** The same, and the process waits: not while a server answers. */
export function removeFilesNow(files: Files, paths: readonly string[]): void {
  syncDirectoriesNow(files, removePresent(files, paths));
}

/** Makes a directory (0700) that may exist, and syncs its parent. */
export function ensureDirectory(files: Files, path: string): void {
  if (files.info(path) !== null) return;
  files.makeDirectory(path);
  files.syncDirectoryNow(directoryOf(path));
}

/** Removes a tree of regular files and directories. For remains of an unfinished command only. */
export function removeTree(files: Files, path: string): void {
  const info = files.info(path);
  if (info === null) return;
  if (info.type !== 'directory') {
    files.remove(path);
    return;
  }
  for (const name of files.list(path)) removeTree(files, `${path}/${name}`);
  files.removeDirectory(path);
}
