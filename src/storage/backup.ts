// Backup and restore of a home (store page 9). A backup is a directory, 0700, with the files of the home as they are (never
// lock, holder, run/, signers/) and
//   backup.json = {"files":{"<path>":"<sha256>"},"format":"ronctl-backup/1","head":{origin,size,root}|null} LF
// It stays sealed under the passphrase of its moment; no key is opened. A restored home is verify-only: home.json says when
// and from which head. Attack: signers removed since the backup approve their own restore.
// Refuses, before anything is written: a home that has a store; a file that differs from its digest, is missing or was added; a head that does not
// verify; another genesis under a pinned id.

import { canonicalFile } from '../bytes/canonical-json.ts';
import { hex64, integer, literal, map, nullable, object, string } from '../bytes/decode.ts';
import { toHex } from '../bytes/hex.ts';
import { toTime } from '../bytes/time.ts';
import { RonError } from '../errors.ts';
import type { Files, OnProgress } from '../host.ts';
import { LIMITS } from '../limits.ts';
import type { LogHead } from '../sealed/manifest.ts';
import { checkedFiles } from './checked-files.ts';
import { refuseMissingFiles } from './custody-recovery.ts';
import { custodyPaths } from './custody-state.ts';
import {
  directoryOf,
  ensureDirectory,
  removeTree,
  renameFilesNow,
  TEMPORARY_SUFFIX,
  writeNewFile,
} from './durable-file.ts';
import { copyFile, filesBelow, hashFile } from './file-copy.ts';
import {
  decodeFormatted,
  ensureHome,
  type HomePaths,
  homePaths,
  readHome,
  refuseNetworkFileSystem,
  writeHome,
} from './home.ts';
import { readPublicView } from './public-reader.ts';
import type { StoreContext } from './store-deps.ts';
import { listPins, readPin } from './trust-pin.ts';

export const BACKUP_FORMAT = 'ronctl-backup/1';
const PARTS = ['trust', 'inbox', 'ledger', 'audit', 'store'] as const;
const MAX_FILES = 10_000_000;
const PATH = /^(?:home\.json|(?:trust|store|inbox|ledger|audit)(?:\/[A-Za-z0-9][A-Za-z0-9._@-]*)+)$/;

const shape = object({
  format: literal(BACKUP_FORMAT),
  head: nullable(object({ origin: string({ maxBytes: 255 }), size: integer(0), root: hex64 })),
  files: map(PATH, hex64, MAX_FILES),
});

export interface Backup {
  readonly head: LogHead | null;
  /** By path below the backup. */
  readonly files: ReadonlyMap<string, string>;
}

/** Throws Exists unless the directory is missing or empty. */
export function refuseUsedDirectory(files: Files, out: string): void {
  const info = files.info(out);
  if (info === null || (info.type === 'directory' && files.list(out).length === 0)) return;
  throw new RonError('Exists', `${out} is there already and is not overwritten`, {
    field: '--out',
    hint: 'Name a directory that does not exist.',
  });
}

/** Files of a home that belong into a backup, relative to it. */
function backedUp(files: Files, home: string): string[] {
  const below = PARTS.flatMap((part) => filesBelow(files, `${home}/${part}`).map((name) => `${part}/${name}`));
  return ['home.json', ...below.filter((name) => !name.endsWith(TEMPORARY_SUFFIX))];
}

function makeParents(files: Files, root: string, name: string): void {
  const parts = name.split('/').slice(0, -1);
  for (let depth = 1; depth <= parts.length; depth++) {
    ensureDirectory(files, `${root}/${parts.slice(0, depth).join('/')}`);
  }
}

/** Copies files one by one and returns their digests; the directories are synced at the end. */
async function copyAll(
  from: { readonly files: Files; readonly root: string },
  to: { readonly files: Files; readonly root: string },
  names: readonly string[],
  onProgress: OnProgress,
): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (const name of names) {
    makeParents(to.files, to.root, name);
    const { sha256 } = await copyFile(from.files, `${from.root}/${name}`, to.files, `${to.root}/${name}`);
    digests.set(name, sha256);
    onProgress({ phase: 'copy', done: digests.size, total: names.length, unit: 'files' });
  }
  const directories = new Set(names.map((name) => directoryOf(`${to.root}/${name}`)));
  for (const directory of directories) to.files.syncDirectoryNow(directory);
  return digests;
}

/** The caller holds the lock of the home. backup.json is written last: without it, it is no backup. */
export async function writeBackup(
  ctx: StoreContext,
  plainFiles: Files,
  out: string,
  onProgress: OnProgress,
): Promise<Backup> {
  const { checkpoint, home } = readPublicView(ctx, { mayBeOld: true });
  refuseMissingFiles(ctx.files, custodyPaths(ctx));
  const head =
    checkpoint === null ? null : { origin: home.log.origin, size: checkpoint.size, root: toHex(checkpoint.root) };
  refuseUsedDirectory(plainFiles, out);
  ensureDirectory(plainFiles, out);
  const names = backedUp(ctx.files, ctx.paths.home);
  const target = { files: plainFiles, root: out };
  const files = await copyAll({ files: ctx.files, root: ctx.paths.home }, target, names, onProgress);
  const bytes = canonicalFile({ format: BACKUP_FORMAT, head, files: Object.fromEntries(files) });
  await writeNewFile({ files: plainFiles, random: ctx.random }, `${out}/backup.json`, bytes);
  return { head, files };
}

export function readBackup(files: Files, directory: string): Backup {
  const path = `${directory}/backup.json`;
  const bytes = files.read(path, LIMITS.stateFileBytes);
  if (bytes === null) {
    throw new RonError('NotFound', `${directory} holds no backup.json`, { hint: 'Name the directory of a backup.' });
  }
  const raw = decodeFormatted(shape, BACKUP_FORMAT, bytes, path);
  return { head: raw.head, files: raw.files };
}

const STAGING = 'restoring';

/** What an earlier restore left before store/ was in its place; null when the home may take a store. */
function refuseHomeWithStore(ctx: StoreContext): void {
  const { files, paths } = ctx;
  const unfinished = readHome(files, paths)?.restored !== undefined;
  for (const path of [paths.store, ...(unfinished ? [] : [paths.audit, paths.ledger])]) {
    if (files.info(path) === null) continue;
    throw new RonError('Exists', `this home already has ${path.slice(paths.home.length + 1)}/`, {
      hint: 'Restore into another RONCTL_HOME.',
    });
  }
}

/** Names, pins and the home it goes to; what the files hold is not read yet. */
function checkNames(ctx: StoreContext, plainFiles: Files, directory: string): Backup {
  refuseHomeWithStore(ctx);
  refuseNetworkFileSystem(ctx.files, ctx.paths.home);
  const backup = readBackup(plainFiles, directory);
  const found = filesBelow(plainFiles, directory).filter((name) => name !== 'backup.json');
  for (const name of found) {
    if (!backup.files.has(name)) throw new RonError('Tampered', `${directory}/${name} is not in backup.json`);
  }
  for (const name of backup.files.keys()) {
    if (!found.includes(name)) throw new RonError('Tampered', `${directory}/${name} is missing`);
  }
  const theirs = homePaths(directory);
  for (const pin of listPins({ files: plainFiles, paths: theirs })) {
    const own = readPin(ctx, pin.ledger_id);
    if (own === null || own.genesis_digest === pin.genesis_digest) continue;
    throw new RonError('PinMismatch', `${pin.ledger_id} is pinned here to another genesis than in the backup`);
  }
  return backup;
}

function notNamed(path: string): RonError {
  return new RonError('Tampered', `${path} is not the file that backup.json names`);
}

/** Every check of a restore; writes nothing. A refused restore leaves nothing behind in the home. */
export function checkRestore(ctx: StoreContext, plainFiles: Files, directory: string, onProgress: OnProgress): Backup {
  const backup = checkNames(ctx, plainFiles, directory);
  let done = 0;
  for (const [name, sha256] of backup.files) {
    const path = `${directory}/${name}`;
    if (hashFile(plainFiles, path) !== sha256) throw notNamed(path);
    onProgress({ phase: 'check', done: ++done, total: backup.files.size, unit: 'files' });
  }
  // Modes are those of the medium; the copies are judged as files of a home.
  checkHead({ ...ctx, files: plainFiles }, homePaths(directory), backup);
  return backup;
}

/** The head that the files show, verified under their own pins, must be the one that backup.json names. */
function checkHead(ctx: StoreContext, paths: HomePaths, backup: Backup): void {
  const { checkpoint, trust, behind } = readPublicView({ ...ctx, paths }, { mayBeOld: true });
  const same =
    backup.head === null
      ? checkpoint === null
      : checkpoint !== null &&
        checkpoint.origin === backup.head.origin &&
        checkpoint.size === backup.head.size &&
        toHex(checkpoint.root) === backup.head.root;
  if (!same) throw new RonError('Tampered', 'the checkpoint of the backup is not the one that backup.json names');
  if (trust === 'not-authenticated' && behind === null) {
    throw new RonError('NotAuthenticated', 'the head of the backup is not covered by its checkpoint');
  }
}

/**
 * Restores into a home without a store, after `checkRestore`; the copies are checked again, for the medium may have changed
 * meanwhile. The caller holds the lock. Until store/ is in its place it can be run again.
 */
export async function restoreBackup(
  ctx: StoreContext,
  plainFiles: Files,
  directory: string,
  onProgress: OnProgress,
): Promise<Backup> {
  const backup = checkNames(ctx, plainFiles, directory);
  const { files, paths } = ctx;
  const own = await ensureHome(ctx, paths);
  const staging = `${paths.home}/${STAGING}`;
  removeTree(files, staging);
  ensureDirectory(files, staging);
  const names = [...backup.files.keys()].sort();
  const copied = await copyAll({ files: plainFiles, root: directory }, { files, root: staging }, names, onProgress);
  for (const [name, sha256] of copied) {
    if (backup.files.get(name) === sha256) continue;
    removeTree(files, staging);
    throw notNamed(`${directory}/${name}`);
  }
  try {
    checkHead({ ...ctx, files: checkedFiles(files, staging) }, homePaths(staging), backup);
  } catch (error) {
    removeTree(files, staging);
    throw error;
  }
  const theirs = readHome(files, homePaths(staging));
  await writeHome(ctx, paths, {
    ...own,
    ...(theirs?.profile === undefined ? {} : { profile: theirs.profile }),
    restored: { at: toTime(ctx.clock.now()), head: backup.head },
  });
  keepTrust(files, paths, staging);
  for (const part of ['inbox', 'ledger', 'audit', 'store']) {
    if (files.info(`${staging}/${part}`) === null) continue;
    removeTree(files, `${paths.home}/${part}`);
    renameFilesNow(files, [{ from: `${staging}/${part}`, to: `${paths.home}/${part}` }]);
  }
  removeTree(files, staging);
  return backup;
}

/** Pins and remembered checkpoints of this home stay; those of the backup are added. */
function keepTrust(files: Files, paths: HomePaths, staging: string): void {
  for (const name of filesBelow(files, `${staging}/trust`)) {
    if (files.info(`${paths.trust}/${name}`) !== null) continue;
    makeParents(files, paths.home, `trust/${name}`);
    renameFilesNow(files, [{ from: `${staging}/trust/${name}`, to: `${paths.trust}/${name}` }]);
  }
}
