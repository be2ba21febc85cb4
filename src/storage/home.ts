// The home (store page 1): names of everything in it, home.json, and what a home must be before anything is kept there.
//   home.json = {"created_at":"...","format":"ronctl-home/1","home_id":"<uuid v4>","profile"?,"restored"?:{at,head}} LF
// `profile` is written by `init` and counts until adoption only. Names are frozen. Refuses a newer format (NewerVersion)
// and network file systems (NetworkFileSystem, R-33), whose locks and syncs cannot be trusted.

import { canonicalFile, type JsonObject, parseCanonicalFile } from '../bytes/canonical-json.ts';
import { type Decoder, integer, literal, nullable, object, string, time, within } from '../bytes/decode.ts';
import { toTime } from '../bytes/time.ts';
import { uuidV4 } from '../bytes/uuid.ts';
import { ownBytes, RonError } from '../errors.ts';
import type { Clock, Files, Random } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { directoryOf, ensureDirectory, writeFile, writeNewFile } from './durable-file.ts';

export const HOME_FORMAT = 'ronctl-home/1';

/** Absolute paths of the frozen names. */
export function homePaths(home: string) {
  return {
    home,
    homeFile: `${home}/home.json`,
    holder: `${home}/holder.json`,
    trust: `${home}/trust`,
    trustedLogs: `${home}/trust/logs`,
    verifying: `${home}/trust/verify`,
    signers: `${home}/signers`,
    store: `${home}/store`,
    publicView: `${home}/store/public.json`,
    inbox: `${home}/inbox`,
    ledger: `${home}/ledger`,
    audit: `${home}/audit`,
    run: `${home}/run`,
    signer: (id: string): string => `${home}/signers/${id}`,
  } as const;
}

export type HomePaths = ReturnType<typeof homePaths>;

const head = object({
  origin: string({ maxBytes: 255 }),
  size: integer(0),
  root: string({ pattern: /^[0-9a-f]{64}$/ }),
});

const shape = object(
  {
    format: literal(HOME_FORMAT),
    home_id: string({
      pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      what: 'a uuid v4',
    }),
    created_at: time,
  },
  {
    profile: literal('dev', 'drill', 'micronode', 'macronode'),
    restored: object({ at: time, head: nullable(head) }),
  },
);

export type HomeFile = ReturnType<typeof shape>;

/** A file whose member `format` names its kind and version, decoded. `own`: what this version reads, e.g. `x/1`. */
export function decodeFormatted<T>(decoder: Decoder<T>, own: string, bytes: Uint8Array, path: string): T {
  const json = parseCanonicalFile(bytes, path);
  const format = json !== null && typeof json === 'object' ? (json as JsonObject)['format'] : undefined;
  const kind = own.slice(0, own.lastIndexOf('/') + 1);
  const version = typeof format === 'string' && format.startsWith(kind) ? format.slice(kind.length) : '';
  if (format !== own && /^[1-9][0-9]{0,8}$/.test(version)) {
    throw new RonError('NewerVersion', `${path}: format ${kind}${version}; this ronctl reads ${own}`, {
      hint: `Use a ronctl that reads ${kind}${version}.`,
    });
  }
  return within(path, () => decoder(json, ''));
}

/** Null when there is no home yet. Tampered when it does not parse: only ronctl writes it, whole or not at all. */
export function readHome(files: Files, paths: HomePaths): HomeFile | null {
  const bytes = files.read(paths.homeFile, LIMITS.signedFileBytes);
  return bytes === null ? null : ownBytes(() => decodeFormatted(shape, HOME_FORMAT, bytes, paths.homeFile));
}

export interface HomeDeps {
  readonly files: Files;
  readonly random: Random;
  readonly clock: Clock;
}

/** Makes the directory (and its missing parents, 0700) and home.json when they are missing. */
export async function ensureHome(deps: HomeDeps, paths: HomePaths): Promise<HomeFile> {
  makeParents(deps.files, paths.home);
  const found = readHome(deps.files, paths);
  if (found !== null) return found;
  const made: HomeFile = {
    format: HOME_FORMAT,
    home_id: uuidV4(deps.random.bytes(16)),
    created_at: toTime(deps.clock.now()),
  };
  try {
    await writeNewFile(deps, paths.homeFile, canonicalFile(made));
    return made;
  } catch (error) {
    const other = error instanceof RonError && error.code === 'Exists' ? readHome(deps.files, paths) : null;
    if (other === null) throw error;
    return other;
  }
}

function makeParents(files: Files, path: string): void {
  if (path === '/' || files.info(path) !== null) return;
  makeParents(files, directoryOf(path));
  ensureDirectory(files, path);
}

/** Replaces home.json. */
export async function writeHome(deps: HomeDeps, paths: HomePaths, home: HomeFile): Promise<void> {
  await writeFile(deps, paths.homeFile, canonicalFile(home));
}

const NETWORK_FILE_SYSTEMS: ReadonlySet<string> = new Set([
  'nfs',
  'nfs4',
  'cifs',
  'smb',
  'smb2',
  'smbfs',
  'afs',
  'ceph',
]);

/** Throws NetworkFileSystem. A path that is not there yet is judged by its nearest parent that is. */
export function refuseNetworkFileSystem(files: Files, path: string): void {
  let there = path;
  while (there !== '/' && files.info(there) === null) there = directoryOf(there);
  const { type } = files.fileSystem(there);
  if (NETWORK_FILE_SYSTEMS.has(type)) {
    throw new RonError('NetworkFileSystem', `${path} lies on ${type}, a network file system`, {
      hint: 'Move RONCTL_HOME to a local disk.',
    });
  }
}
