// Host.Files on node:fs. Refuses what is no regular file, follows no symbolic link in the last component (O_NOFOLLOW),
// neither opens nor lists lock files, and turns every errno into a RonError that names the path.

import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type ErrorCode, RonError } from '../errors.ts';
import type { FileInfo, Files, OpenFile, PlacedBytes } from '../host.ts';
import { isLockFile } from './lock.ts';
import type { WriteStep } from './write-loop.ts';
import { WriteThread } from './write-thread.ts';

const fdatasyncAsync = promisify(fdatasync);
const fsyncAsync = promisify(fsync);

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

function attempt<T>(path: string, act: string, call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fileError(thrown, path, act);
  }
}

const absent = (thrown: unknown): boolean => thrown instanceof RonError && thrown.code === 'NotFound';

const infoOf = (stats: Stats): FileInfo => ({
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

class NodeFile implements OpenFile {
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

/** `files` of nodeFiles with `writeInOrder` on a thread of its own. */
export function withWriteThread(files: Files): Files {
  const thread = new WriteThread();
  const writeInOrder = async (writes: readonly PlacedBytes[]): Promise<boolean> => {
    const own = writes.map((write) => {
      if (!(write.file instanceof NodeFile)) throw new TypeError('the write thread takes files of nodeFiles only');
      return { ...write, file: write.file };
    });
    const steps = own.map(({ file, bytes, position }) => file.lend(bytes, position));
    try {
      const reply = await thread.write(steps);
      if (typeof reply === 'boolean') return reply;
      throw fileError(Object.assign(new Error(reply.code), { code: reply.code }), steps[reply.step]!.path, reply.act);
    } finally {
      for (const { file } of own) file.giveBack();
    }
  };
  return { ...files, writeInOrder };
}

function openFile(path: string, flags: 'read' | 'write' | 'create-new'): NodeFile {
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

const openDirectory = (path: string): number =>
  attempt(path, 'open', () => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));

/** Types of statfs(2) on Linux; an unknown one is shown as a number. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs',
  2240043254: 'ramfs',
  2035054128: 'overlayfs',
  801189825: 'zfs',
  26985: 'nfs',
  4283649346: 'cifs',
  4266872130: 'smb2',
  20859: 'smb',
  1397113167: 'afs',
  1799439955: 'afs',
  12805120: 'ceph',
  1702057286: 'fuse',
  16914839: '9p',
};

export function nodeFiles(): Files {
  return {
    info(path) {
      try {
        return attempt(path, 'examine', () => infoOf(lstatSync(path)));
      } catch (thrown) {
        if (absent(thrown)) return null;
        throw thrown;
      }
    },
    list(path) {
      try {
        const names = attempt(path, 'list', () => readdirSync(path)).sort();
        return names.filter((name) => !isLockFile(join(path, name)));
      } catch (thrown) {
        if (absent(thrown)) return [];
        throw thrown;
      }
    },
    read(path, maxBytes) {
      let file: NodeFile;
      try {
        file = openFile(path, 'read');
      } catch (thrown) {
        if (absent(thrown)) return null;
        throw thrown;
      }
      try {
        const { sizeBytes } = file.info();
        const tooLarge = (): never => {
          throw new RonError('TooLarge', `${path} is larger than ${maxBytes} bytes`);
        };
        if (sizeBytes > maxBytes) tooLarge();
        // One byte more than the size tells whether the file grew meanwhile.
        const bytes = file.read(0, sizeBytes + 1);
        return bytes.length > maxBytes ? tooLarge() : bytes;
      } finally {
        file.close();
      }
    },
    open: openFile,
    makeDirectory(path) {
      attempt(path, 'make directory', () => mkdirSync(path, { mode: 0o700 }));
      attempt(path, 'set the mode of', () => chmodSync(path, 0o700));
    },
    rename(from, to) {
      attempt(to, 'rename to', () => renameSync(from, to));
    },
    link(from, to) {
      attempt(to, 'create', () => linkSync(from, to));
    },
    remove(path) {
      attempt(path, 'remove', () => unlinkSync(path));
    },
    removeDirectory(path) {
      attempt(path, 'remove directory', () => rmdirSync(path));
    },
    async syncDirectory(path) {
      const fd = openDirectory(path);
      try {
        await fsyncAsync(fd);
      } catch (thrown) {
        throw fileError(thrown, path, 'sync');
      } finally {
        closeSync(fd);
      }
    },
    syncDirectoryNow(path) {
      const fd = openDirectory(path);
      try {
        attempt(path, 'sync', () => fsyncSync(fd));
      } finally {
        closeSync(fd);
      }
    },
    realPath(path) {
      return attempt(path, 'resolve', () => realpathSync.native(path));
    },
    fileSystem(path) {
      const { type, bavail, bsize, blocks } = attempt(path, 'examine the file system of', () => statfsSync(path));
      const name = FILE_SYSTEMS[type >>> 0] ?? `0x${(type >>> 0).toString(16)}`;
      return { type: name, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    },
    uid: () => process.geteuid!(),
    temporaryDirectory(prefix) {
      return attempt(tmpdir(), 'make a directory in', () => mkdtempSync(join(tmpdir(), prefix)));
    },
  };
}
