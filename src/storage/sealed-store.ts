// One directory of sealed records under one root key (store page 3, 4): shared by custody and signer stores. Opens the root
// that a manifest names, reads records against the manifest, and prepares the files of a change; the order in which they
// become the state is the store's (custody-store.ts: the audit record commits; signer-store.ts: the rename of manifest.next).
// Refuses any record file that differs from the manifest (Tampered).

import type { JsonObject } from '../bytes/canonical-json.ts';
import { toTime } from '../bytes/time.ts';
import { wipe } from '../bytes/wipe.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { Clock, Files, Random } from '../host.ts';
import { LIMITS } from '../limits.ts';
import type { KdfCost } from '../sealed/kdf-parameters.ts';
import { decodeManifest, encodeManifest, findRecord, type Manifest, type RecordRef } from '../sealed/manifest.ts';
import { type OpenedRecord, openRecord, openRoot } from '../sealed/open.ts';
import { recordFileName, recordHash, type SealedRecordType } from '../sealed/record-id.ts';
import { decodeRootMeta, encodeRootMeta, type RootContent } from '../sealed/root.ts';
import { sealRecord, sealRoot } from '../sealed/seal.ts';
import { type FileWrite, removeFilesNow, TEMPORARY_SUFFIX } from './durable-file.ts';

export interface SealedDeps {
  readonly files: Files;
  readonly random: Random;
  readonly clock: Clock;
  readonly crypto: Crypto;
}

export function sealedPaths(directory: string) {
  return {
    directory,
    root: `${directory}/root.ronk`,
    rootNext: `${directory}/root.next`,
    manifest: `${directory}/manifest.ronk`,
    manifestNext: `${directory}/manifest.next`,
    records: `${directory}/records`,
  } as const;
}

export type SealedPaths = ReturnType<typeof sealedPaths>;

/** A root that opened with the passphrase. */
export interface UnsealedRoot extends RootContent {
  readonly rootKey: Uint8Array;
  /** Lower hex SHA-256 of its file. */
  readonly sha256: string;
  readonly place: 'root' | 'next';
}

export interface Unsealed {
  readonly root: UnsealedRoot;
  readonly manifest: Manifest;
  /** Another root that opens with this passphrase: the one before an unfinished root rotation. */
  readonly previous: UnsealedRoot | null;
}

const tampered = (path: string, why: string): RonError =>
  new RonError('Tampered', `${path}: ${why}`, {
    hint: 'Keep the files as they are, compare with a backup, tell the security officer.',
  });

async function tryRoot(
  deps: SealedDeps,
  path: string,
  place: UnsealedRoot['place'],
  storeId: string,
  passphrase: Uint8Array,
): Promise<UnsealedRoot | RonError | null> {
  const bytes = deps.files.read(path, LIMITS.sealedRecordBytes);
  if (bytes === null) return null;
  try {
    const opened = await openRoot(deps.crypto, passphrase, bytes, { storeId, id: 'root', type: 'root' }, path);
    const content = decodeRootMeta(opened.meta, opened.secret, path);
    if (content.storeId !== storeId) throw tampered(path, `belongs to store ${content.storeId}`);
    return { ...content, rootKey: opened.secret, sha256: sha256Hex(bytes), place };
  } catch (error) {
    if (error instanceof RonError) return error;
    throw error;
  }
}

function openManifest(
  deps: SealedDeps,
  path: string,
  bytes: Uint8Array,
  storeId: string,
  rootKey: Uint8Array,
): Manifest {
  const opened = openRecord(deps.crypto, rootKey, bytes, { storeId, id: 'manifest', type: 'manifest' }, path);
  const manifest = decodeManifest(opened.meta);
  if (manifest.storeId !== storeId) throw tampered(path, `belongs to store ${manifest.storeId}`);
  return manifest;
}

/**
 * Opens the given manifest bytes with the root that they name: root.ronk, or root.next when a commit was cut off. The
 * passphrase is not wiped. WrongPassphrase, Tampered, or what the record itself is refused for.
 */
export async function unseal(
  deps: SealedDeps,
  paths: SealedPaths,
  storeId: string,
  manifestFile: { readonly path: string; readonly bytes: Uint8Array },
  passphrase: Uint8Array,
): Promise<Unsealed> {
  const refused: RonError[] = [];
  let earlier: UnsealedRoot | null = null;
  let named: string | null = null;
  for (const [path, place] of [
    [paths.root, 'root'],
    [paths.rootNext, 'next'],
  ] as const) {
    const root = await tryRoot(deps, path, place, storeId, passphrase);
    if (root === null) continue;
    if (root instanceof RonError) {
      refused.push(root);
      continue;
    }
    try {
      const manifest = openManifest(deps, manifestFile.path, manifestFile.bytes, storeId, root.rootKey);
      named = findRecord(manifest, 'root')?.sha256 ?? null;
      if (named === root.sha256) return { root, manifest, previous: earlier };
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      refused.push(error);
    }
    if (earlier === null) earlier = root;
    else wipe(root.rootKey);
  }
  wipe(earlier?.rootKey);
  throw refusal(deps, paths, named, refused);
}

/** Which of several reasons to report: a root that is there but opens under another passphrase is a typing error. */
function refusal(deps: SealedDeps, paths: SealedPaths, named: string | null, refused: readonly RonError[]): RonError {
  const next = deps.files.read(paths.rootNext, LIMITS.sealedRecordBytes);
  if (named !== null && next !== null && sha256Hex(next) === named) {
    return new RonError('WrongPassphrase', `${paths.root}: the passphrase was changed; this is the one before`);
  }
  const first = refused.find((error) => error.code !== 'WrongPassphrase') ?? refused[0];
  const wrong = refused.find((error) => error.code === 'WrongPassphrase');
  if (named === null && wrong !== undefined) return wrong;
  return first ?? tampered(paths.root, named === null ? 'missing' : 'is not the root record that the manifest names');
}

/** Reads one record as the manifest names it. NotFound when the manifest does not. */
export function readSealed(
  deps: SealedDeps,
  paths: SealedPaths,
  unsealed: { readonly rootKey: Uint8Array; readonly manifest: Manifest },
  id: string,
  type: SealedRecordType,
): OpenedRecord {
  const { manifest, rootKey } = unsealed;
  const ref = findRecord(manifest, id);
  if (ref === undefined) throw new RonError('NotFound', `the store has no record ${id}`);
  const path = `${paths.records}/${recordFileName(id, ref.generation)}`;
  const bytes = deps.files.read(path, LIMITS.sealedRecordBytes);
  if (bytes === null) throw tampered(path, `the record ${id} is missing`);
  if (sha256Hex(bytes) !== ref.sha256) throw tampered(path, `the record ${id} is not the one that the manifest names`);
  const expected = { storeId: manifest.storeId, id, type, generation: ref.generation };
  return openRecord(deps.crypto, rootKey, bytes, expected, path);
}

export interface RecordPut {
  readonly id: string;
  readonly type: SealedRecordType;
  readonly meta: JsonObject;
  /** Wiped after sealing. */
  readonly secret: Uint8Array;
}

export interface ChangeInput {
  readonly storeId: string;
  readonly generation: number;
  readonly rootKey: Uint8Array;
  /** Records of the manifest before, without those replaced or dropped. */
  readonly kept: ReadonlyMap<string, RecordRef>;
  readonly puts: readonly RecordPut[];
  /** A new root record: first, passphrase, rotation or adoption. The passphrase is not wiped. */
  readonly root?: { readonly passphrase: Uint8Array; readonly cost: KdfCost; readonly genesisDigest: string | null };
  readonly heads: Pick<Manifest, 'genesisDigest' | 'ledger' | 'policy' | 'audit'>;
}

export interface PreparedChange {
  readonly manifest: Manifest;
  /** Record files, root.next when there is a new root, manifest.next last: to be written and synced before the commit. */
  readonly writes: readonly FileWrite[];
  readonly manifestSha256: string;
  readonly newRoot: boolean;
}

/** What is written must be readable again: readers refuse larger files before they read them. */
function bounded(bytes: Uint8Array, maxBytes: number, what: string): Uint8Array {
  if (bytes.length <= maxBytes) return bytes;
  throw new RonError('LimitReached', `${what} would have ${bytes.length} bytes; at most ${maxBytes} are read again`);
}

/** Seals everything that a change needs; writes nothing. LimitReached when it would not be readable again. */
export async function prepareChange(deps: SealedDeps, paths: SealedPaths, input: ChangeInput): Promise<PreparedChange> {
  const { storeId, generation, rootKey } = input;
  const createdAt = toTime(deps.clock.now());
  const random = (length: number): Uint8Array => deps.random.bytes(length);
  const records = new Map(input.kept);
  const writes: FileWrite[] = [];
  for (const put of input.puts) {
    const sealed = sealRecord(deps.crypto, random, rootKey, { storeId, generation, createdAt, ...put });
    wipe(put.secret);
    const bytes = bounded(sealed, LIMITS.sealedRecordBytes, `record ${put.id}`);
    records.set(recordHash(put.id), { generation, sha256: sha256Hex(bytes) });
    writes.push({ path: `${paths.records}/${recordFileName(put.id, generation)}`, bytes });
  }
  if (input.root !== undefined) {
    const { passphrase, cost, genesisDigest } = input.root;
    const bytes = await sealRoot(deps.crypto, random, passphrase, cost, {
      storeId,
      id: 'root',
      type: 'root',
      generation,
      createdAt,
      meta: encodeRootMeta({ storeId, genesisDigest }),
      secret: rootKey,
    });
    records.set(recordHash('root'), { generation, sha256: sha256Hex(bytes) });
    writes.push({ path: paths.rootNext, bytes });
  }
  const manifest: Manifest = { storeId, generation, records, ...input.heads };
  const bytes = sealRecord(deps.crypto, random, rootKey, {
    storeId,
    id: 'manifest',
    type: 'manifest',
    generation,
    createdAt,
    meta: encodeManifest(manifest),
    secret: new Uint8Array(0),
  });
  writes.push({ path: paths.manifestNext, bytes: bounded(bytes, LIMITS.stateFileBytes, 'the manifest') });
  return { manifest, writes, manifestSha256: sha256Hex(bytes), newRoot: input.root !== undefined };
}

/** Names in records/ that the manifest stands for; the root has its own place. */
function recordFiles(manifest: Manifest): Set<string> {
  const rootHash = recordHash('root');
  return new Set(
    [...manifest.records].flatMap(([hash, ref]) => (hash === rootHash ? [] : [`${hash}.${ref.generation}.ronk`])),
  );
}

/** Throws Tampered when a record file is missing: at the open, before anything is appended on top of the damage. */
export function demandRecordFiles(files: Files, paths: SealedPaths, manifest: Manifest): void {
  const present = new Set(files.list(paths.records));
  for (const name of recordFiles(manifest)) {
    if (!present.has(name)) throw tampered(`${paths.records}/${name}`, 'missing, although the manifest names it');
  }
}

/** Deletes record files that the manifest does not name, temporary files, and the given leftovers. */
export function sweep(files: Files, paths: SealedPaths, manifest: Manifest, leftovers: readonly string[]): void {
  const named = recordFiles(manifest);
  const stray = files
    .list(paths.records)
    .filter((name) => !named.has(name))
    .map((name) => `${paths.records}/${name}`);
  const temporary = files
    .list(paths.directory)
    .filter((name) => name.endsWith(TEMPORARY_SUFFIX))
    .map((name) => `${paths.directory}/${name}`);
  removeFilesNow(files, [...stray, ...temporary, ...leftovers]);
}
