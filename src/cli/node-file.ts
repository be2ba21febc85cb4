// One open file of Host.Files on node:fs, and the RonError of a failed system call, which names the path. Refuses what is no
// regular file and lock files, and follows no symbolic link in the last component (O_NOFOLLOW).

import {
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { type ErrorCode, RonError } from '../errors.ts';
import type { FileInfo, OpenFile } from '../host.ts';
import { isLockFile } from './lock.ts';
import type { WriteStep } from './write-loop.ts';

const fdatasyncAsync = promisify(fdatasync);

const CODE_OF: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'NotFound',
  ENOTDIR: 'NotFound',
  EEXIST: 'Exists',
  ENOTEMPTY: 'Exists',
  ELOOP: 'UnsafeFile',
  EMLINK: 'UnsafeFile',
  EISDIR: 'UnsafeFile',
  ENXIO: 'UnsafeFile',
  EACCES: 'UnsafeFile',
  EPERM: 'UnsafeFile',
  ENAMETOOLONG: 'InvalidValue',
};

const REASON: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  ENOTDIR: 'a component of the path is no directory',
  EEXIST: 'it exists already',
  ENOTEMPTY: 'the directory is not empty',
  ELOOP: 'it is a symbolic link',
  EISDIR: 'it is a directory',
  ENXIO: 'it is no regular file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENAMETOOLONG: 'the path is too long',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EIO: 'the disk reports an error',
  EMFILE: 'too many open files',
};

const NEXT: Readonly<Record<string, string>> = {
  ENOSPC: 'Free space on it, then run again.',
  EDQUOT: 'Free space or raise the quota, then run again.',
  EROFS: 'Mount it writable, or use a home on another file system.',
  EACCES: 'Run ronctl as the account that may read and write it.',
  EPERM: 'Run ronctl as the account that may read and write it.',
};

/** The RonError of a failed system call; anything else is thrown as it is. */
export function fileError(thrown: unknown, path: string, act: string): RonError {
  const errno =
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  if (errno === undefined || thrown instanceof RonError) throw thrown;
  const code = CODE_OF[errno] ?? 'StorageFault';
  const hint = NEXT[errno];
  return new RonError(code, `cannot ${act} ${path}: ${REASON[errno] ?? errno}`, {
    ...(hint === undefined ? {} : { hint }),
    cause: thrown,
  });
}

export function attempt<T>(path: string, act: string, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fileError(thrown, path, act);
  }
}

export const infoOf = (stats: Stats): FileInfo => ({
  type: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other',
  mode: stats.mode & 0o7777,
  uid: stats.uid,
  sizeBytes: stats.size,
  mtimeMs: stats.mtimeMs,
});

const FLAGS = {
  // O_NONBLOCK: opening a FIFO must not wait for its writer; fstat refuses it then.
  read: constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  write: constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  'create-new': constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
};

export class NodeFile implements OpenFile {
  readonly #fd: number;
  readonly #path: string;
  #own: Stats | null = null;
  /** Steps of another thread that use the descriptor. */
  #lent = 0;
  #closed = false;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.#path = path;
  }

  info(): FileInfo {
    return attempt(this.#path, 'examine', () => infoOf(fstatSync(this.#fd)));
  }

  stands(): boolean {
    const { ino, dev } = this.#stats();
    const named = attempt(this.#path, 'examine', () => lstatSync(this.#path, { throwIfNoEntry: false }));
    return named !== undefined && named.ino === ino && named.dev === dev;
  }

  read(position: number, length: number, into?: Uint8Array): Uint8Array {
    const bytes = into?.subarray(0, length) ?? new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = attempt(this.#path, 'read', () => readSync(this.#fd, bytes, done, length - done, position + done));
      if (count === 0) break;
      done += count;
    }
    return done === length ? bytes : bytes.subarray(0, done);
  }

  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      const count = attempt(this.#path, 'write', () =>
        writeSync(this.#fd, bytes, done, bytes.length - done, position + done),
      );
      if (count === 0)
        throw new RonError(
          'StorageFault',
          `cannot write ${this.#path}: a write of ${bytes.length - done} bytes wrote none`,
        );
      done += count;
    }
  }

  truncate(sizeBytes: number): void {
    attempt(this.#path, 'truncate', () => ftruncateSync(this.#fd, sizeBytes));
  }

  async sync(): Promise<void> {
    try {
      await fdatasyncAsync(this.#fd);
    } catch (thrown) {
      throw fileError(thrown, this.#path, 'sync');
    }
  }

  syncNow(): void {
    attempt(this.#path, 'sync', () => fdatasyncSync(this.#fd));
  }

  close(): void {
    this.#closed = true;
    if (this.#lent === 0) attempt(this.#path, 'close', () => closeSync(this.#fd));
  }

  /** For another thread, until `giveBack`: closed before that, its number could be another file's. */
  lend(bytes: Uint8Array, position: number): WriteStep {
    const { ino, dev } = this.#stats();
    this.#lent += 1;
    return { fd: this.#fd, bytes, position, path: this.#path, ino, dev };
  }

  giveBack(): void {
    this.#lent -= 1;
    if (this.#closed) this.close();
  }

  #stats(): Stats {
    // While it is open nobody else gets its inode number.
    this.#own ??= attempt(this.#path, 'examine', () => fstatSync(this.#fd));
    return this.#own;
  }
}

export function openFile(path: string, flags: 'read' | 'write' | 'create-new'): NodeFile {
  if (isLockFile(path)) throw new RonError('UnsafeFile', `${path} is a lock: opening it would drop the lock`);
  const fd = attempt(path, flags === 'create-new' ? 'create' : 'open', () => openSync(path, FLAGS[flags], 0o600));
  try {
    // The umask may have taken bits away; modes are set explicitly.
    if (flags === 'create-new') attempt(path, 'set the mode of', () => fchmodSync(fd, 0o600));
    else if (!fstatSync(fd).isFile()) throw new RonError('UnsafeFile', `cannot open ${path}: it is no regular file`);
  } catch (thrown) {
    closeSync(fd);
    throw thrown;
  }
  return new NodeFile(fd, path);
}
