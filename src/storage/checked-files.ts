// File safety below the home (store page 2): directories 0700, files 0600, owner = effective uid, regular files, no
// symbolic link in any component. A `Files` that refuses the rest with UnsafeFile (3). Files are judged on the opened
// descriptor, so that nothing is swapped between check and use.
// Attack: a link or a group-writable directory lets another account plant or read a record.

import { RonError } from '../errors.ts';
import type { FileInfo, Files, OpenFile } from '../host.ts';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

function unsafe(path: string, why: string, hint: string): RonError {
  return new RonError('UnsafeFile', `${path}: ${why}`, { field: path, hint });
}

/** Throws UnsafeFile when a thing of ours has another type, owner or mode than it must have. */
function judge(path: string, info: FileInfo, uid: number, expected: 'file' | 'directory'): void {
  if (info.type === 'symlink') {
    throw unsafe(path, 'is a symbolic link', 'Replace it by the real thing, and find out who made it.');
  }
  if (info.type !== expected) throw unsafe(path, `is not a ${expected}`, 'Remove it, and find out who made it.');
  if (info.uid !== uid) {
    throw unsafe(
      path,
      `belongs to uid ${info.uid}, and ronctl runs as uid ${uid}`,
      'Run ronctl as the account that owns the home.',
    );
  }
  const mode = expected === 'file' ? FILE_MODE : DIRECTORY_MODE;
  if (info.mode !== mode) {
    throw unsafe(
      path,
      `has mode ${octal(info.mode)}, expected ${octal(mode)}`,
      `Find out who changed it, then: chmod ${octal(mode)} ${path}`,
    );
  }
}

/** Below `root` (itself included) every access is checked; paths outside go through unchecked. */
export function checkedFiles(files: Files, root: string): Files {
  const uid = files.uid();
  const inside = (path: string): boolean => path === root || path.startsWith(`${root}/`);

  /** Directories from `root` to the parent of `path`; false when one is absent. */
  const parentsExist = (path: string): boolean => {
    if (path === root) return true;
    const names = path.slice(root.length + 1).split('/');
    let directory = root;
    for (const name of names) {
      if (name === '' || name === '.' || name === '..') throw new TypeError(`not a plain path: ${path}`);
      const info = files.info(directory);
      if (info === null) return false;
      judge(directory, info, uid, 'directory');
      directory = `${directory}/${name}`;
    }
    return true;
  };
  const checkParents = (path: string): void => {
    if (inside(path) && !parentsExist(path)) {
      throw new RonError('NotFound', `${path}: no such directory`, { field: path });
    }
  };

  const open: Files['open'] = (path, flags) => {
    if (!inside(path)) return files.open(path, flags);
    checkParents(path);
    const file = files.open(path, flags);
    try {
      judge(path, file.info(), uid, 'file');
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  };

  const read: Files['read'] = (path, maxBytes) => {
    if (!inside(path)) return files.read(path, maxBytes);
    if (!parentsExist(path)) return null;
    const found = files.info(path);
    if (found === null) return null;
    judge(path, found, uid, 'file');
    const file = open(path, 'read');
    try {
      return readWhole(file, path, maxBytes);
    } finally {
      file.close();
    }
  };

  return {
    ...bound(files),
    open,
    read,
    list(path) {
      if (!inside(path)) return files.list(path);
      if (!parentsExist(path)) return [];
      const info = files.info(path);
      if (info === null) return [];
      judge(path, info, uid, 'directory');
      return files.list(path);
    },
    makeDirectory(path) {
      if (path !== root) checkParents(path);
      files.makeDirectory(path);
    },
    rename(from, to) {
      checkParents(from);
      checkParents(to);
      files.rename(from, to);
    },
    link(from, to) {
      checkParents(from);
      checkParents(to);
      files.link(from, to);
    },
    remove(path) {
      checkParents(path);
      files.remove(path);
    },
  };
}

function readWhole(file: OpenFile, path: string, maxBytes: number): Uint8Array {
  const { sizeBytes } = file.info();
  if (sizeBytes > maxBytes) {
    throw new RonError('TooLarge', `${path}: ${sizeBytes} bytes, at most ${maxBytes} are read`, { field: path });
  }
  return file.read(0, sizeBytes);
}

/** Methods of a class instance are not own properties: each is taken by name. */
export function bound(files: Files): Files {
  return {
    ...(files.published === undefined ? {} : { published: files.published }),
    ...(files.writeInOrder === undefined ? {} : { writeInOrder: files.writeInOrder }),
    info: (path) => files.info(path),
    list: (path) => files.list(path),
    read: (path, maxBytes) => files.read(path, maxBytes),
    open: (path, flags) => files.open(path, flags),
    makeDirectory: (path) => files.makeDirectory(path),
    rename: (from, to) => files.rename(from, to),
    link: (from, to) => files.link(from, to),
    remove: (path) => files.remove(path),
    removeDirectory: (path) => files.removeDirectory(path),
    syncDirectory: (path) => files.syncDirectory(path),
    syncDirectoryNow: (path) => files.syncDirectoryNow(path),
    realPath: (path) => files.realPath(path),
    fileSystem: (path) => files.fileSystem(path),
    uid: () => files.uid(),
    temporaryDirectory: (prefix) => files.temporaryDirectory(prefix),
  };
}
