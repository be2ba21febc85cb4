// A person's signer store (store page 5, 7; governance page 12): signer.json (the public bundle, clear), root.ronk,
// manifest.ronk, records/, and a lock of its own. No log: the rename of manifest.next commits a change, root.next is
// renamed after it, signer.json is written last, and again by the next open when it lags behind.
// Refuses: a wrong passphrase, any file that the manifest does not name as it is, a foreign signer.json, and, after a
// restore, the memory of a ledger that was not rebuilt (NotResynced). Attack: a restored memory forgets a vote already given.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { concat } from '../bytes/framing.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import { wipe } from '../bytes/wipe.ts';
import { hkdfSha256 } from '../crypto/kdf.ts';
import type { DualSigningKeys } from '../envelope/dual-signature.ts';
import { RonError } from '../errors.ts';
import type { PublicKeys } from '../governance/names.ts';
import { makeSignerBundle, parseSignerBundle, type VerifiedBundle } from '../governance/signer-bundle.ts';
import type { Lock } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type KdfCost, SIGNER_KDF } from '../sealed/kdf-parameters.ts';
import { findRecord, type Manifest } from '../sealed/manifest.ts';
import { recordHash } from '../sealed/record-id.ts';
import { sealRoot } from '../sealed/seal.ts';
import { renameFilesNow, writeFile } from './durable-file.ts';
import {
  type ChangeInput,
  type RecordPut,
  readSealed,
  type SealedPaths,
  sealedPaths,
  sweep,
  unseal,
} from './sealed-store.ts';
import { bundlePath, bundleText, checkSignerId, missingSigner } from './signer-bundle-file.ts';
import { commitSigner, lockSigner, SIGNER_HEADS } from './signer-commit.ts';
import { destroyPair, generatePair, importPair, sameKeys } from './signer-pair.ts';
import {
  BACKUP_ID,
  decodeMemory,
  decodePair,
  encodeBackup,
  encodeMemory,
  encodePair,
  MAX_PAIRS,
  memoryId,
  type PairMeta,
  pairId,
} from './signer-record.ts';
import { type StoreContext, type StoreDeps, storeContext } from './store-deps.ts';

interface Pair {
  readonly meta: PairMeta;
  readonly bundle: VerifiedBundle;
}

export interface OpenSignerOptions {
  /** Finishes and removes nothing that an interrupted change left; the caller writes nothing. */
  readonly dryRun?: boolean;
}

/** Opens a signer store with its passphrase, under its lock. NotInitialised, WrongPassphrase, Tampered, Locked. */
export async function openSigner(deps: StoreDeps, id: string, options: OpenSignerOptions = {}): Promise<OpenSigner> {
  checkSignerId(id);
  const ctx = await storeContext(deps);
  const paths = sealedPaths(ctx.paths.signer(id));
  if (ctx.files.info(paths.manifest) === null) throw missingSigner(ctx, id);
  const passphrase = await deps.passphrases.existing({ store: 'signer', id });
  try {
    const lock = await lockSigner(deps, paths.directory, id);
    try {
      return await OpenSigner.open(ctx, paths, id, passphrase, lock, options.dryRun);
    } catch (error) {
      lock.release();
      throw error;
    }
  } finally {
    wipe(passphrase);
  }
}

/** An unsealed, locked signer store. */
export class OpenSigner {
  readonly id: string;
  readonly #ctx: StoreContext;
  readonly #paths: SealedPaths;
  readonly #rootKey: Uint8Array;
  readonly #lock: Lock;
  readonly #imported = new Map<number, DualSigningKeys>();
  #manifest: Manifest;
  #pairs: Pair[] = [];

  private constructor(
    ctx: StoreContext,
    paths: SealedPaths,
    id: string,
    rootKey: Uint8Array,
    manifest: Manifest,
    lock: Lock,
  ) {
    this.id = id;
    this.#ctx = ctx;
    this.#paths = paths;
    this.#rootKey = rootKey;
    this.#manifest = manifest;
    this.#lock = lock;
  }

  /** For openSigner and the creation of a store: the lock is held; the passphrase is not wiped. */
  static async open(
    ctx: StoreContext,
    paths: SealedPaths,
    id: string,
    passphrase: Uint8Array,
    lock: Lock,
    dryRun = false,
  ): Promise<OpenSigner> {
    const bytes = ctx.files.read(paths.manifest, LIMITS.stateFileBytes);
    if (bytes === null) throw missingSigner(ctx, id);
    const { root, manifest, previous } = await unseal(ctx, paths, id, { path: paths.manifest, bytes }, passphrase);
    wipe(previous?.rootKey);
    const store = new OpenSigner(ctx, paths, id, root.rootKey, manifest, lock);
    try {
      store.#loadPairs();
      if (dryRun) return store;
      if (root.place === 'next') renameFilesNow(ctx.files, [{ from: paths.rootNext, to: paths.root }]);
      sweep(ctx.files, paths, manifest, [paths.manifestNext, paths.rootNext]);
      await store.#syncBundle();
      return store;
    } catch (error) {
      wipe(root.rootKey);
      throw error;
    }
  }

  /** The bundle of the newest pair. */
  get bundle(): VerifiedBundle {
    return this.#pairs.at(-1)!.bundle;
  }

  /** Oldest first. */
  get pairs(): readonly { readonly n: number; readonly keys: PublicKeys; readonly createdAt: string }[] {
    return this.#pairs.map(({ meta, bundle }) => ({ n: meta.n, keys: bundle.bundle.keys, createdAt: meta.createdAt }));
  }

  /** When the keys came from a backup. */
  get restoredAt(): string | null {
    return this.#pairs.at(-1)!.meta.restoredAt;
  }

  /** Pair `n`, by default the newest. Destroyed at close. */
  async keys(n: number = this.#pairs.length): Promise<DualSigningKeys> {
    const pair = this.#pairs[n - 1];
    if (pair === undefined) throw new RonError('NotFound', `signer ${this.id} has no key pair ${n}`);
    const known = this.#imported.get(n);
    if (known !== undefined) return known;
    const secret = this.#readPair(n).secret;
    const keys = await importPair(this.#ctx, secret);
    wipe(secret);
    this.#imported.set(n, keys);
    if (!sameKeys(pair.bundle.bundle.keys, keys)) {
      throw new RonError('Tampered', `key pair ${n} of signer ${this.id} is not the one that its bundle names`);
    }
    return keys;
  }

  /** The pair with these public keys; NotFound when this signer has none. */
  async keysFor(keys: PublicKeys): Promise<DualSigningKeys> {
    const pair = this.#pairs.find(
      ({ bundle }) => bundle.bundle.keys.ed25519 === keys.ed25519 && bundle.bundle.keys.ml_dsa_65 === keys.ml_dsa_65,
    );
    if (pair === undefined) {
      throw new RonError('NotFound', `the signer ${this.id} here has other keys than the ${this.id} that is named`, {
        hint: `Compare: ronctl signer show ${this.id}`,
      });
    }
    return this.keys(pair.meta.n);
  }

  /** The memory for a ledger; null when nothing was signed for it yet. NotResynced after a restore. */
  memory(ledgerId: string): JsonObject | null {
    const found = this.storedMemory(ledgerId);
    if (found !== null || this.restoredAt === null) return found;
    throw new RonError(
      'NotResynced',
      `signer ${this.id} was restored from a backup and does not know what it has signed for ${ledgerId}`,
      { hint: `Run: ronctl signer resync REQUEST --signer ${this.id}` },
    );
  }

  /** The same without judging a restore: for `signer resync` alone. */
  storedMemory(ledgerId: string): JsonObject | null {
    const id = memoryId(ledgerId);
    if (findRecord(this.#manifest, id) === undefined) return null;
    const opened = readSealed(this.#ctx, this.#paths, this.#state(), id, 'signer-memory');
    return decodeMemory(opened.meta, ledgerId, id);
  }

  /** Durable when resolved: comes before the release of the statement that it remembers. */
  async commitMemory(ledgerId: string, memory: JsonObject): Promise<void> {
    await this.#commit([
      {
        id: memoryId(ledgerId),
        type: 'signer-memory',
        meta: encodeMemory(ledgerId, memory),
        secret: new Uint8Array(0),
      },
    ]);
  }

  /** Adds a pair; the new bundle is signed by the old and the new one. The old pair goes on signing for its sets. */
  async rotate(): Promise<VerifiedBundle> {
    const n = this.#pairs.length + 1;
    if (n > MAX_PAIRS) throw new RonError('LimitReached', `signer ${this.id} already has ${MAX_PAIRS} key pairs`);
    const secret = await generatePair(this.#ctx);
    const keys = await importPair(this.#ctx, secret);
    const createdAt = toTime(this.#ctx.clock.now());
    const previous = { digest: this.bundle.digest, keys: await this.keys() };
    const bundle = await makeSignerBundle(this.#ctx.crypto, { id: this.id, createdAt, keys, previous });
    const meta: PairMeta = { n, createdAt, bundle: bundleText(bundle), restoredAt: this.restoredAt };
    await this.#commit([{ id: pairId(n), type: 'signer-keys', meta: encodePair(meta), secret }]);
    this.#imported.set(n, keys);
    this.#pairs.push({ meta, bundle });
    await this.#syncBundle();
    return bundle;
  }

  /** Wraps the root key under a new passphrase (wiped), with a new salt. Copies made before still open with the old one. */
  async changePassphrase(passphrase: Uint8Array, kdf: KdfCost = SIGNER_KDF): Promise<void> {
    try {
      await this.#commit([], { passphrase, cost: kdf, genesisDigest: null });
    } finally {
      wipe(passphrase);
    }
  }

  /** A backup file: the pairs, without the memory, under a passphrase of its own (wiped). */
  async backup(passphrase: Uint8Array, kdf: KdfCost = SIGNER_KDF): Promise<Uint8Array> {
    const secrets = this.#pairs.map(({ meta }) => this.#readPair(meta.n).secret);
    const secret = concat(...secrets);
    const pairs = this.#pairs.map(({ meta }) => ({ n: meta.n, created_at: meta.createdAt, bundle: meta.bundle }));
    const { crypto, random, clock } = this.#ctx;
    try {
      return await sealRoot(crypto, (length) => random.bytes(length), passphrase, kdf, {
        storeId: this.id,
        id: BACKUP_ID,
        type: 'signer-keys',
        generation: this.#manifest.generation,
        createdAt: toTime(clock.now()),
        meta: encodeBackup({ id: this.id, pairs }),
        secret,
      });
    } finally {
      wipe(secret, passphrase, ...secrets);
    }
  }

  /** A seed for keys that no record holds, from the root key: other after a restore. The caller wipes it. */
  seed(info: string): Uint8Array {
    return hkdfSha256(this.#rootKey, new Uint8Array(0), utf8(info), 32);
  }

  close(): void {
    for (const keys of this.#imported.values()) destroyPair(keys);
    this.#imported.clear();
    wipe(this.#rootKey);
    this.#lock.release();
  }

  #state() {
    return { rootKey: this.#rootKey, manifest: this.#manifest };
  }

  #readPair(n: number): { meta: PairMeta; secret: Uint8Array } {
    const opened = readSealed(this.#ctx, this.#paths, this.#state(), pairId(n), 'signer-keys');
    return { meta: decodePair(opened.meta, opened.secret, pairId(n)), secret: opened.secret };
  }

  #loadPairs(): void {
    for (let n = 1; findRecord(this.#manifest, pairId(n)) !== undefined; n++) {
      const { meta, secret } = this.#readPair(n);
      wipe(secret);
      this.#pairs.push({ meta, bundle: parseSignerBundle(this.#ctx.crypto, utf8(meta.bundle), pairId(n)) });
    }
    if (this.#pairs.length === 0) throw new RonError('Tampered', `the signer store of ${this.id} holds no keys`);
  }

  /** signer.json is the newest bundle; missing or one of the earlier ones means that a crash came before it was written. */
  async #syncBundle(): Promise<void> {
    const path = bundlePath(this.#paths.directory);
    const newest = this.#pairs.at(-1)!.meta.bundle;
    const bytes = this.#ctx.files.read(path, LIMITS.signedFileBytes);
    const found = bytes === null ? null : fromUtf8(bytes);
    if (found === newest) return;
    if (bytes !== null && !this.#pairs.some(({ meta }) => meta.bundle === found)) {
      throw new RonError('Tampered', `${path}: is not a bundle of these keys`, {
        hint: 'Keep the file, find out who wrote it, then remove it and run the command again.',
      });
    }
    await writeFile(this.#ctx, path, utf8(newest));
  }

  async #commit(puts: readonly RecordPut[], root?: ChangeInput['root']): Promise<void> {
    const kept = new Map(this.#manifest.records);
    for (const put of puts) kept.delete(recordHash(put.id));
    this.#manifest = await commitSigner(this.#ctx, this.#paths, {
      storeId: this.id,
      generation: this.#manifest.generation + 1,
      rootKey: this.#rootKey,
      kept,
      puts,
      ...(root === undefined ? {} : { root }),
      heads: SIGNER_HEADS,
    });
  }
}
