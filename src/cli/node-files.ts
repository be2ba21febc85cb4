// Host.Files on node:fs. Refuses what is no regular file, follows no symbolic link in the last component (O_NOFOLLOW),
// neither opens nor lists lock files, and turns every errno into a RonError that names the path.

import {
  chmodSync,
  closeSync,
  constants,
  fsync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RonError } from '../errors.ts';
import type { Files, PlacedBytes } from '../host.ts';
import { isLockFile } from './lock.ts';
import { attempt, fileError, infoOf, NodeFile, openFile } from './node-file.ts';
import { WriteThread } from './write-thread.ts';

const fsyncAsync = promisify(fsync);

const absent = (thrown: unknown): boolean => thrown instanceof RonError && thrown.code === 'NotFound';

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
