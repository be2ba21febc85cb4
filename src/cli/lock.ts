// The kernel lock of a home or a signer store (store page 6, D-25): node:sqlite on `store.lock` (home) or `lock` (signer),
// an exclusive transaction held for the life of the writer. The kernel releases it on kill -9.
// Attack: POSIX locks vanish when the process opens and closes the same file through any other descriptor (a backup, a
// checksum). So the name of the file occurs here alone, Files neither lists nor opens it, and only SQLite has it open.

import { basename, dirname, join } from 'node:path';
import { RonError } from '../errors.ts';
import type { Clock, Files, Lock, Locks } from '../host.ts';

const HOME_LOCK = 'store.lock';
const SIGNER_LOCK = 'lock';
const RETRY_MS = 25;

/** SQLite's primary result code, or null for an error of another kind. */
function sqliteCode(thrown: unknown): number | null {
  return thrown instanceof Error && 'errcode' in thrown && typeof thrown.errcode === 'number'
    ? thrown.errcode & 0xff
    : null;
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;

type Database = InstanceType<typeof import('node:sqlite')['DatabaseSync']>;

/** An open database in an exclusive transaction, or null when another process has one. */
function tryLock(DatabaseSync: typeof import('node:sqlite')['DatabaseSync'], file: string): Database | null {
  let database: Database | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec('PRAGMA journal_mode=MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (thrown) {
    database?.close();
    const code = sqliteCode(thrown);
    if (code === SQLITE_BUSY || code === SQLITE_LOCKED) return null;
    throw new RonError(
      'StorageFault',
      `cannot lock ${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      {
        cause: thrown,
      },
    );
  }
}

/** True for the lock file of a home or signer store; `Files` refuses to open it. */
export function isLockFile(path: string): boolean {
  const name = basename(path);
  return name === HOME_LOCK || (name === SIGNER_LOCK && basename(dirname(dirname(path))) === 'signers');
}

/** The lock file that guards a directory: a signer store has its own, everything else is a home. */
function lockFile(directory: string): string {
  return join(directory, basename(dirname(directory)) === 'signers' ? SIGNER_LOCK : HOME_LOCK);
}

export function nodeLocks(files: Pick<Files, 'info'>, clock: Pick<Clock, 'monotonicMs' | 'sleep'>): Locks {
  const held = new Set<string>();
  return {
    async acquire(path, timeoutMs): Promise<Lock | null> {
      if (!process.getBuiltinModule('node:worker_threads').isMainThread)
        throw new Error('locks are taken in the main thread only');
      const file = files.info(path)?.type === 'directory' ? lockFile(path) : path;
      const existing = files.info(file);
      if (existing !== null && existing.type !== 'file') throw new RonError('UnsafeFile', `${file} is no regular file`);
      const { DatabaseSync } = await import('node:sqlite');
      const deadline = clock.monotonicMs() + timeoutMs;
      for (;;) {
        const database = held.has(file) ? null : tryLock(DatabaseSync, file);
        if (database !== null) {
          held.add(file);
          return {
            release() {
              if (!held.delete(file)) return;
              database.close();
            },
          };
        }
        const left = deadline - clock.monotonicMs();
        if (left <= 0) return null;
        await clock.sleep(Math.min(RETRY_MS, left));
      }
    },
  };
}
