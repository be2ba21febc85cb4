// The home, for `doctor`: owner, modes and types of every file, unknown names, leftovers of interrupted writes, the file
// system, free space, the lock, the clock, the files of the custody store, and whether the configured provider is allowed in the home's profile.

import { fromTime, spell } from '../bytes/time.ts';
import type { ProviderName } from '../crypto/provider.ts';
import type { FileInfo, Files } from '../host.ts';
import { refuseMissingFiles } from '../storage/custody-recovery.ts';
import { custodyPaths } from '../storage/custody-state.ts';
import { TEMPORARY_SUFFIX } from '../storage/durable-file.ts';
import { readHolder } from '../storage/holder.ts';
import { type HomePaths, homePaths, readHome, refuseNetworkFileSystem } from '../storage/home.ts';
import { readStoreAge } from '../storage/public-reader.ts';
import { storeContext } from '../storage/store-deps.ts';
import type { OperationDeps } from './deps.ts';
import { attempt, type Check } from './doctor-check.ts';

const KNOWN = new Set(
  'home.json holder.json config.toml ron-kms.toml trust signers store inbox ledger audit run'.split(' '),
);

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const LISTED = 10;

interface Entry {
  readonly path: string;
  readonly info: FileInfo;
}

function* below(files: Files, directory: string): Generator<Entry> {
  for (const name of files.list(directory)) {
    const path = `${directory}/${name}`;
    const info = files.info(path);
    if (info === null) continue;
    yield { path, info };
    if (info.type === 'directory') yield* below(files, path);
  }
}

const some = (paths: readonly string[]): string =>
  paths.length <= LISTED ? paths.join(', ') : `${paths.slice(0, LISTED).join(', ')} and ${paths.length - LISTED} more`;

/** Why an entry is unsafe, or null. */
function unsafe({ info }: Entry, uid: number): string | null {
  if (info.type !== 'file' && info.type !== 'directory')
    return info.type === 'symlink' ? 'a symbolic link' : 'no regular file';
  if (info.uid !== uid) return `owned by uid ${info.uid}`;
  const expected = info.type === 'directory' ? 0o700 : 0o600;
  return (info.mode & ~expected & 0o777) === 0
    ? null
    : `mode ${info.mode.toString(8)}, expected ${expected.toString(8)}`;
}

function safetyCheck(files: Files, home: string): Check {
  const entries = [...below(files, home)];
  const root = files.info(home)!;
  const wrong = [{ path: home, info: root }, ...entries]
    .map((entry) => ({ path: entry.path, why: unsafe(entry, files.uid()) }))
    .filter(({ why }) => why !== null);
  if (wrong.length === 0)
    return { name: 'files', status: 'ok', detail: `${entries.length} files and directories, all private` };
  return {
    name: 'files',
    status: 'fail',
    code: 'UnsafeFile',
    detail: some(wrong.map(({ path, why }) => `${path}: ${why}`)),
    next: 'Directories are 0700, files 0600, yours, and no links; correct them and find out who changed them.',
  };
}

/** That nothing is missing; what the files hold is for `audit verify` and for the commands that open them. */
function storeChecks(files: Files, paths: HomePaths): Check[] {
  if (files.info(paths.store) === null && files.info(paths.audit) === null) return [];
  refuseMissingFiles(files, custodyPaths({ paths }));
  return [{ name: 'store', status: 'ok', detail: 'no file is missing' }];
}

/** A store that refuses every write because it is an older one is an alarm, not a state to live with. */
async function rollbackChecks(
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>,
  paths: HomePaths,
): Promise<Check[]> {
  if (deps.host.files.info(paths.publicView) === null) return [];
  const { restored, behind } = readStoreAge(await storeContext(deps));
  if (restored === null && behind === null) return [];
  const check = { name: 'custody store', status: 'fail', code: 'RolledBack' } as const;
  const detail = behind ?? `restored from a backup at ${restored}: it only verifies`;
  return [{ ...check, detail, next: 'Run: ronctl governance propose --action restore-accept --rationale TEXT' }];
}

function leftoverChecks(files: Files, home: string): Check[] {
  const unknown = files.list(home).filter((name) => !KNOWN.has(name) && !name.endsWith(TEMPORARY_SUFFIX));
  const leftovers = [...below(files, home)].map(({ path }) => path).filter((path) => path.endsWith(TEMPORARY_SUFFIX));
  return [
    ...(unknown.length === 0
      ? []
      : [{ name: 'unknown files', status: 'note' as const, detail: some(unknown), next: 'They are ignored.' }]),
    ...(leftovers.length === 0
      ? []
      : [
          {
            name: 'leftovers',
            status: 'note' as const,
            detail: some(leftovers),
            next: 'Interrupted writes; the next writer does not need them, they may be removed.',
          },
        ]),
  ];
}

function spaceCheck(files: Files, home: string): Check {
  const { freeBytes, totalBytes, type } = files.fileSystem(home);
  const detail = `${(freeBytes / GIB).toFixed(1)} GiB free on ${type}`;
  if (freeBytes < 64 * MIB) {
    return {
      name: 'free space',
      status: 'fail',
      code: 'StorageFault',
      detail,
      next: 'Make room before anything else is written.',
    };
  }
  if (freeBytes < GIB || freeBytes < totalBytes / 10) {
    return { name: 'free space', status: 'warn', detail, next: 'Make room, or archive the audit log.' };
  }
  return { name: 'free space', status: 'ok', detail };
}

async function lockCheck(deps: Pick<OperationDeps, 'host'>, paths: HomePaths): Promise<Check> {
  const { files, locks } = deps.host;
  if (files.info(paths.store) === null) return { name: 'lock', status: 'ok', detail: 'no custody store to lock' };
  const lock = await locks.acquire(paths.home, 0);
  lock?.release();
  const holder = readHolder(files, paths.holder);
  if (lock !== null) return { name: 'lock', status: 'ok', detail: 'free' };
  const by =
    holder === null ? 'another process' : `a ${holder.role === 'server' ? 'server' : 'command'} (pid ${holder.pid})`;
  return { name: 'lock', status: 'note', detail: `held by ${by}`, next: 'Writing commands wait for it.' };
}

function clockCheck(deps: Pick<OperationDeps, 'host'>, createdAt: string): Check {
  const ahead = fromTime(createdAt) - deps.host.clock.now();
  if (ahead <= 0) return { name: 'clock', status: 'ok', detail: new Date(deps.host.clock.now()).toISOString() };
  return {
    name: 'clock',
    status: 'warn',
    detail: `${spell(ahead)} behind the time at which the home was made`,
    next: 'Set the clock of this machine; deadlines are judged by it.',
  };
}

function providerCheck(provider: ProviderName, profile: string | undefined): Check {
  if (provider === 'noble' && (profile === 'micronode' || profile === 'macronode')) {
    return {
      name: 'provider',
      status: 'fail',
      code: 'RefusedConfig',
      detail: `crypto.provider = noble is refused in profile ${profile}`,
      next: 'Leave crypto.provider and RONCTL_CRYPTO_PROVIDER away.',
    };
  }
  return {
    name: 'provider',
    status: 'ok',
    detail: `${provider}${profile === undefined ? '' : ` in profile ${profile}`}`,
  };
}

export async function homeChecks(
  provider: ProviderName,
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>,
): Promise<Check[]> {
  const { files } = deps.host;
  const paths = homePaths(deps.home);
  if (files.info(deps.home) === null) {
    const next = 'Make one: ronctl signer create ID, or ronctl init --profile dev|drill|micronode|macronode.';
    return [{ name: 'home', status: 'note', detail: `${deps.home} does not exist yet`, next }];
  }
  const network = (): Check => {
    refuseNetworkFileSystem(files, deps.home);
    return { name: 'file system', status: 'ok', detail: files.fileSystem(deps.home).type };
  };
  const identity = (): Check[] => {
    const home = readHome(files, paths);
    if (home === null) return [{ name: 'home', status: 'note', detail: `${deps.home} has no home.json` }];
    return [
      { name: 'home', status: 'ok', detail: `${deps.home} (${home.home_id})` },
      clockCheck(deps, home.created_at),
      providerCheck(provider, home.profile),
    ];
  };
  return [
    ...(await attempt('home', identity)),
    ...(await attempt('files', () => safetyCheck(files, deps.home))),
    ...(await attempt('store', () => storeChecks(files, paths))),
    ...(await attempt('custody store', () => rollbackChecks(deps, paths))),
    ...(await attempt('leftovers', () => leftoverChecks(files, deps.home))),
    ...(await attempt('file system', network)),
    ...(await attempt('free space', () => spaceCheck(files, deps.home))),
    ...(await attempt('lock', () => lockCheck(deps, paths))),
  ];
}
