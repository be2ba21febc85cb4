// `init` (store page 1): home.json with the profile, store/ (root, service keys, log keys, capability root 1) and audit/ with
// record 0 `init` and its checkpoint. The record is the commit point: remains of an attempt that never reached it are
// removed, one that reached it is completed with the same passphrase.
// Refuses a home that has a store (Exists), another profile than the one begun with, network file systems.

import { formatOrigin } from '../audit/checkpoint.ts';
import { toHex } from '../bytes/hex.ts';
import { toTime } from '../bytes/time.ts';
import { wipe } from '../bytes/wipe.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { PublicView } from '../keys/public-view.ts';
import type { Profile } from '../policy/profile.ts';
import { CUSTODY_KDF, type KdfCost } from '../sealed/kdf-parameters.ts';
import { ROOT_KEY_BYTES } from '../sealed/root.ts';
import { createAuditLog, scanAuditHead } from './audit-appender.ts';
import { readLogFile } from './audit-log-file.ts';
import { epochPaths } from './audit-paths.ts';
import { destroyLogKeys, headKey, importLogKeys, importServiceKeys } from './custody-keys.ts';
import { openHeld } from './custody-open.ts';
import { CAP_ROOT_BYTES, capRootId, encodeKeyRecord } from './custody-record.ts';
import { type CustodyPaths, custodyPaths } from './custody-state.ts';
import type { FileCustodyStore } from './custody-store.ts';
import { ensureDirectory, removeTree, renameFilesNow, writeFiles } from './durable-file.ts';
import { type HomeHold, holdHome } from './holder.ts';
import { ensureHome, type HomeFile, readHome, refuseNetworkFileSystem, writeHome } from './home.ts';
import { encodePublicView } from './public-view.ts';
import { prepareChange, type RecordPut } from './sealed-store.ts';
import { type StoreContext, type StoreDeps, storeContext } from './store-deps.ts';

export const DEFAULT_LOG_ORIGIN = 'ronctl.invalid';

export interface InitCustody {
  readonly profile: Profile;
  /** `--log-origin`. */
  readonly base: string;
  /** `local:<uid>:<login>`. */
  readonly actor: string;
  /** Version of ronctl, for record 0. */
  readonly version: string;
  readonly kdf?: KdfCost;
}

/** How far an earlier `init` came. */
type Begun = 'nothing' | 'remains' | 'committed' | 'complete';

function begun(ctx: StoreContext, paths: CustodyPaths): Begun {
  const { files } = ctx;
  const manifest = files.info(paths.manifest) !== null;
  // Without log.json nothing was ever committed, whatever else of audit/ is there.
  const scan = files.info(paths.audit) === null ? null : scanAuditHead(files, paths.audit);
  if (scan === null || scan.size === 0) {
    if (manifest || files.info(paths.root) !== null) {
      throw new RonError(
        'LogTruncated',
        'the store is there, but the audit log that belongs to it is missing or empty',
      );
    }
    return files.info(paths.directory) === null && files.info(paths.audit) === null ? 'nothing' : 'remains';
  }
  const epoch = readLogFile(files, paths.audit)!.epochs.at(-1)!.n;
  return files.info(epochPaths(paths.audit, epoch).checkpoint) === null ? 'committed' : 'complete';
}

function refuseComplete(state: Begun): void {
  if (state !== 'complete') return;
  throw new RonError('Exists', 'this home already has a custody store', {
    hint: 'See it with `ronctl store status`, or choose another RONCTL_HOME.',
  });
}

/** Every check of `init` that needs no passphrase, writing nothing. */
export async function checkInit(deps: StoreDeps, request: Pick<InitCustody, 'base'>): Promise<void> {
  formatOrigin(request.base, '0'.repeat(32), 0);
  const ctx = await storeContext(deps);
  readHome(ctx.files, ctx.paths);
  refuseComplete(begun(ctx, custodyPaths(ctx)));
}

/** Makes the custody store of a home, or completes one whose `init` was cut off. The caller closes it. */
export async function initCustody(deps: StoreDeps, request: InitCustody): Promise<FileCustodyStore> {
  await checkInit(deps, request);
  const ctx = await storeContext(deps);
  const paths = custodyPaths(ctx);
  const passphrase = await deps.passphrases.fresh({ store: 'custody' });
  let hold: HomeHold | null = null;
  try {
    const found = await ensureHome(ctx, ctx.paths);
    refuseNetworkFileSystem(ctx.files, ctx.paths.home);
    hold = await holdHome(deps, ctx, 'cli');
    const state = begun(ctx, paths);
    refuseComplete(state);
    const home = await nameProfile(ctx, found, request.profile, state);
    if (state !== 'committed') {
      if (state === 'remains') for (const path of [paths.directory, paths.audit]) removeTree(ctx.files, path);
      await writeStore(ctx, paths, hold, passphrase, request);
    }
    return await openHeld(ctx, home, hold, passphrase, request.kdf === undefined ? {} : { kdf: request.kdf });
  } catch (error) {
    wipe(passphrase);
    hold?.release();
    throw error;
  }
}

async function nameProfile(ctx: StoreContext, home: HomeFile, profile: Profile, state: Begun): Promise<HomeFile> {
  if (home.profile === profile) return home;
  if (state === 'committed') {
    throw new RonError('Conflict', `this home was begun with profile ${home.profile ?? 'none'}, not ${profile}`, {
      field: '--profile',
    });
  }
  const named: HomeFile = { ...home, profile };
  await writeHome(ctx, ctx.paths, named);
  return named;
}

async function generated(crypto: Crypto, parts: Readonly<Record<string, 'ed25519' | 'ml-dsa' | 'ml-dsa-44'>>) {
  const secrets: [string, Uint8Array][] = [];
  for (const [name, alg] of Object.entries(parts)) secrets.push([name, await crypto.signature(alg).generate()]);
  const record = encodeKeyRecord(secrets);
  wipe(...secrets.map(([, secret]) => secret));
  return record;
}

async function writeStore(
  ctx: StoreContext,
  paths: CustodyPaths,
  hold: HomeHold,
  passphrase: Uint8Array,
  request: InitCustody,
): Promise<void> {
  const { crypto, files, random } = ctx;
  const storeId = toHex(random.bytes(16));
  const rootKey = random.bytes(ROOT_KEY_BYTES).slice();
  const service = await generated(crypto, { ed25519: 'ed25519', ml_dsa_65: 'ml-dsa' });
  const log = await generated(crypto, { ed25519: 'ed25519', ml_dsa_44: 'ml-dsa-44' });
  const serviceKeys = await importServiceKeys(crypto, service);
  const logKeys = await importLogKeys(crypto, log);
  try {
    for (const directory of [paths.directory, paths.records, paths.keys]) ensureDirectory(files, directory);
    const appender = await createAuditLog(ctx, {
      auditDir: paths.audit,
      storeId,
      base: request.base,
      logKeys: logKeys.current,
      serviceKeys: { ed25519: serviceKeys.ed25519.publicKey, ml_dsa_65: serviceKeys.mlDsa.publicKey },
      headKey: headKey(rootKey),
    });
    try {
      const puts: RecordPut[] = [
        { id: 'service-keys', type: 'service-keys', ...service },
        { id: 'log-keys', type: 'log-keys', ...log },
        {
          id: capRootId(1),
          type: 'cap-root',
          meta: { v: 1, n: 1, created_at: toTime(ctx.clock.now()) },
          secret: random.bytes(CAP_ROOT_BYTES).slice(),
        },
      ];
      const change = await prepareChange(ctx, paths, {
        storeId,
        generation: 1,
        rootKey,
        kept: new Map(),
        puts,
        root: { passphrase, cost: request.kdf ?? CUSTODY_KDF, genesisDigest: null },
        heads: {
          genesisDigest: null,
          ledger: null,
          policy: null,
          audit: { origin: appender.origin, size: appender.size, root: toHex(appender.root) },
        },
      });
      const view: PublicView = {
        v: 1,
        store_id: storeId,
        ledger_id: null,
        generation: 1,
        keys: [],
        ledger: null,
        policy: null,
      };
      const publicBytes = encodePublicView(view);
      await writeFiles(ctx, [{ path: paths.publicNext, bytes: publicBytes }, ...change.writes]);
      hold.check();
      await appender.append([
        {
          op: 'init',
          actor: request.actor,
          result: 'ok',
          generation: 1,
          manifest_sha256: change.manifestSha256,
          public_sha256: sha256Hex(publicBytes),
          detail: { profile: request.profile, version: request.version, governed: false },
        },
      ]);
      renameFilesNow(files, [
        { from: paths.rootNext, to: paths.root },
        { from: paths.publicNext, to: paths.publicView },
        { from: paths.manifestNext, to: paths.manifest },
      ]);
    } finally {
      appender.close();
    }
  } finally {
    serviceKeys.ed25519.destroy();
    serviceKeys.mlDsa.destroy();
    destroyLogKeys(logKeys);
    wipe(rootKey);
  }
}
