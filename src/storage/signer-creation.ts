// Making a signer store, fresh or from a backup (store page 7, 9). Until the rename of manifest.next nothing counts: a
// creation that was cut off before it starts again, one cut off after it is completed by the same command.
// Refuses an id that exists here, a store whose manifest was removed, a backup of another identity or with other keys than
// its bundles say.

import { utf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import { wipe } from '../bytes/wipe.ts';
import { RonError } from '../errors.ts';
import { makeSignerBundle, parseSignerBundle, type VerifiedBundle } from '../governance/signer-bundle.ts';
import { splitRecord } from '../sealed/header.ts';
import { type KdfCost, SIGNER_KDF } from '../sealed/kdf-parameters.ts';
import { openRoot } from '../sealed/open.ts';
import { ROOT_KEY_BYTES } from '../sealed/root.ts';
import { ensureDirectory, removeFilesNow, TEMPORARY_SUFFIX } from './durable-file.ts';
import { ensureHome } from './home.ts';
import { type SealedPaths, sealedPaths } from './sealed-store.ts';
import { bundlePath, bundleText, checkSignerId } from './signer-bundle-file.ts';
import { commitSigner, lockSigner, SIGNER_HEADS } from './signer-commit.ts';
import { destroyPair, generatePair, importPair, sameKeys } from './signer-pair.ts';
import { BACKUP_ID, decodeBackup, encodePair, PAIR_SECRET_BYTES, type PairMeta, pairId } from './signer-record.ts';
import { OpenSigner } from './signer-store.ts';
import { type StoreContext, type StoreDeps, storeContext } from './store-deps.ts';

/** Exists when the id is taken in this home, InvalidValue when it is none. For checks before a passphrase is asked. */
export function refuseExistingSigner(ctx: Pick<StoreContext, 'files' | 'paths'>, id: string): void {
  checkSignerId(id);
  const directory = ctx.paths.signer(id);
  const { files } = ctx;
  if (files.info(sealedPaths(directory).manifest) === null || files.info(bundlePath(directory)) === null) return;
  throw new RonError('Exists', `there is already a signer ${id} in this home`, {
    field: 'id',
    hint: `See it: ronctl signer show ${id}. New keys for it: ronctl signer rotate ${id}`,
  });
}

/** Removes what a creation left that never reached its commit. */
function removeRemains(ctx: StoreContext, paths: SealedPaths): void {
  if (ctx.files.info(paths.root) !== null) {
    throw new RonError('Tampered', `${paths.manifest}: missing, although the store has a root record`, {
      hint: 'Restore the directory from a backup; nothing was changed.',
    });
  }
  const records = ctx.files.list(paths.records).map((name) => `${paths.records}/${name}`);
  const temporary = ctx.files.list(paths.directory).filter((name) => name.endsWith(TEMPORARY_SUFFIX));
  removeFilesNow(ctx.files, [
    ...records,
    ...temporary.map((name) => `${paths.directory}/${name}`),
    paths.rootNext,
    paths.manifestNext,
  ]);
}

interface NewPair {
  readonly meta: PairMeta;
  readonly secret: Uint8Array;
}

/** Locks, clears remains, writes the store from what `pairs` gives, and opens it once to complete and check it. */
async function makeStore(
  deps: StoreDeps,
  id: string,
  passphrase: Uint8Array,
  kdf: KdfCost,
  pairs: (ctx: StoreContext) => Promise<readonly NewPair[]>,
): Promise<VerifiedBundle> {
  const ctx = await storeContext(deps);
  await ensureHome(ctx, ctx.paths);
  const paths = sealedPaths(ctx.paths.signer(id));
  ensureDirectory(ctx.files, ctx.paths.signers);
  ensureDirectory(ctx.files, paths.directory);
  const lock = await lockSigner(deps, paths.directory, id);
  try {
    refuseExistingSigner(ctx, id);
    if (ctx.files.info(paths.manifest) === null) {
      removeRemains(ctx, paths);
      ensureDirectory(ctx.files, paths.records);
      await writeStore(ctx, paths, id, passphrase, kdf, await pairs(ctx));
    }
    const store = await OpenSigner.open(ctx, paths, id, passphrase, { release() {} });
    const { bundle } = store;
    store.close();
    return bundle;
  } finally {
    lock.release();
  }
}

async function writeStore(
  ctx: StoreContext,
  paths: SealedPaths,
  id: string,
  passphrase: Uint8Array,
  kdf: KdfCost,
  pairs: readonly NewPair[],
): Promise<void> {
  const rootKey = ctx.random.bytes(ROOT_KEY_BYTES).slice();
  try {
    await commitSigner(ctx, paths, {
      storeId: id,
      generation: 1,
      rootKey,
      kept: new Map(),
      puts: pairs.map(({ meta, secret }) => ({
        id: pairId(meta.n),
        type: 'signer-keys',
        meta: encodePair(meta),
        secret,
      })),
      root: { passphrase, cost: kdf, genesisDigest: null },
      heads: SIGNER_HEADS,
    });
  } finally {
    wipe(rootKey, ...pairs.map((pair) => pair.secret));
  }
}

/** A new identity. */
export async function createSigner(deps: StoreDeps, id: string, kdf: KdfCost = SIGNER_KDF): Promise<VerifiedBundle> {
  refuseExistingSigner(await storeContext(deps), id);
  const passphrase = await deps.passphrases.fresh({ store: 'signer', id });
  try {
    return await makeStore(deps, id, passphrase, kdf, async (ctx) => {
      const secret = await generatePair(ctx);
      const keys = await importPair(ctx, secret);
      try {
        const createdAt = toTime(ctx.clock.now());
        const bundle = await makeSignerBundle(ctx.crypto, { id, createdAt, keys });
        return [{ meta: { n: 1, createdAt, bundle: bundleText(bundle), restoredAt: null }, secret }];
      } finally {
        destroyPair(keys);
      }
    });
  } finally {
    wipe(passphrase);
  }
}

/** The id that a backup file is of, from its clear header (not authenticated until it is opened). */
export function backupSigner(bytes: Uint8Array, what: string): string {
  const { header } = splitRecord(bytes, what);
  if (header.key !== 'root' || header.record_type !== 'signer-keys') {
    throw new RonError('Malformed', `${what}: a sealed record, but no signer backup`);
  }
  return header.store_id;
}

/**
 * Makes the store of a backup file. `existing` passphrase: the one of the file; `fresh`: the one of the new store. Nothing is
 * signed with it until `signer resync`.
 */
export async function restoreSigner(
  deps: StoreDeps,
  backup: { readonly bytes: Uint8Array; readonly what: string },
  options: { readonly dryRun?: boolean; readonly kdf?: KdfCost } = {},
): Promise<VerifiedBundle> {
  const { bytes, what } = backup;
  const id = backupSigner(bytes, what);
  const ctx = await storeContext(deps);
  refuseExistingSigner(ctx, id);
  const filePassphrase = await deps.passphrases.existing({ store: 'signer', id });
  const expected = { storeId: id, id: BACKUP_ID, type: 'signer-keys' } as const;
  const opened = await openRoot(ctx.crypto, filePassphrase, bytes, expected, what).finally(() => wipe(filePassphrase));
  const { pairs, newest } = await backupPairs(ctx, id, opened, what);
  if (options.dryRun === true) {
    wipe(opened.secret, ...pairs.map((pair) => pair.secret));
    return newest;
  }
  const passphrase = await deps.passphrases.fresh({ store: 'signer', id });
  try {
    return await makeStore(deps, id, passphrase, options.kdf ?? SIGNER_KDF, async () => pairs);
  } finally {
    wipe(passphrase, opened.secret);
  }
}

/** The pairs of an opened backup, each checked against its bundle: keys that differ would sign as somebody else. */
async function backupPairs(
  ctx: StoreContext,
  id: string,
  opened: Awaited<ReturnType<typeof openRoot>>,
  what: string,
): Promise<{ readonly pairs: readonly NewPair[]; readonly newest: VerifiedBundle }> {
  const content = decodeBackup(opened.meta, opened.secret, what);
  const restoredAt = toTime(ctx.clock.now());
  const pairs: NewPair[] = [];
  let newest: VerifiedBundle | null = null;
  for (const [index, pair] of content.pairs.entries()) {
    const secret = opened.secret.slice(index * PAIR_SECRET_BYTES, (index + 1) * PAIR_SECRET_BYTES);
    newest = parseSignerBundle(ctx.crypto, utf8(pair.bundle), what);
    const { bundle } = newest;
    const keys = await importPair(ctx, secret);
    const same = bundle.id === id && content.id === id && pair.n === index + 1 && sameKeys(bundle.keys, keys);
    destroyPair(keys);
    if (!same) throw new RonError('Tampered', `${what}: key pair ${pair.n} is not the one that its bundle names`);
    pairs.push({ meta: { n: pair.n, createdAt: pair.created_at, bundle: pair.bundle, restoredAt }, secret });
  }
  if (newest === null) throw new RonError('Tampered', `${what}: holds no keys`);
  return { pairs, newest };
}
