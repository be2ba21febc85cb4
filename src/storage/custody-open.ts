// Opening the custody store (store page 5, "At open"; I-26): lock, choice of the committed files by the log's digests,
// unsealing, check of the log against its authenticated head, and only then the renames and deletions that an interrupted
// commit left. Refuses what the table of the store page refuses, a ledger that is shorter than or different at its
// committed head, and, with `verifyOnly`, any write of a store that was restored or whose genesis is not the pinned one.

import { createLogVerifier, type VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { currentHead, HEAD_FILE_BYTES } from '../audit/head.ts';
import { anyObject, decodeCanonical } from '../bytes/decode.ts';
import { toHex } from '../bytes/hex.ts';
import { wipe } from '../bytes/wipe.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { decodeEnvelope, envelopeDigest } from '../envelope/dsse.ts';
import { ownBytes, RonError } from '../errors.ts';
import type { PublicView } from '../keys/public-view.ts';
import { LIMITS } from '../limits.ts';
import { splitRecord } from '../sealed/header.ts';
import type { KdfCost } from '../sealed/kdf-parameters.ts';
import type { LogHead } from '../sealed/manifest.ts';
import { type AuditAppender, openAuditLog, scanAuditHead } from './audit-appender.ts';
import { requireLogFile } from './audit-log-file.ts';
import { epochPaths } from './audit-paths.ts';
import { newestVerifiedCheckpoint } from './audit-store.ts';
import { checkpointInfo } from './audit-writer.ts';
import { clearRestored } from './custody-epoch.ts';
import { destroyLogKeys, headKey, importLogKeys, type LogKeySet } from './custody-keys.ts';
import { readOwnMemory } from './custody-memory.ts';
import type { CheckpointInfo, VerifyOnly } from './custody-port.ts';
import { type ChosenManifest, chooseManifest, choosePublic, noCustodyStore } from './custody-recovery.ts';
import { type CustodyPaths, type CustodyState, custodyPaths } from './custody-state.ts';
import { FileCustodyStore } from './custody-store.ts';
import { ensureDirectory, type FileRename, removeFilesNow, renameFilesNow } from './durable-file.ts';
import { type HolderRole, type HomeHold, holdHome } from './holder.ts';
import { type HomeFile, readHome, refuseNetworkFileSystem } from './home.ts';
import { checkLedgerHead, cutLedger, ledgerLines } from './ledger-segments.ts';
import { rebuildPublicView } from './public-rebuild.ts';
import { decodePublicView } from './public-view.ts';
import { demandRecordFiles, readSealed, sweep, type Unsealed, unseal } from './sealed-store.ts';
import { dropStaged } from './staged-keys.ts';
import { type StoreContext, type StoreDeps, storeContext } from './store-deps.ts';
import { laterEpoch } from './trust-memory.ts';
import { readPin } from './trust-pin.ts';

export interface OpenCustody {
  readonly role?: HolderRole;
  /** Opens and checks everything, repairs and writes nothing; the store refuses every write. */
  readonly dryRun?: boolean;
  /** Cost of a root under a new passphrase, for tests: a constructor argument, absent from configuration. */
  readonly kdf?: KdfCost;
  /** Finishes what a backup holds half done, so that `openEpoch` can go on; every other write of a restored store is refused
   * as before. */
  readonly acceptRestored?: boolean;
  /** Told what was repaired besides the end of an interrupted commit. */
  readonly onNotice?: (line: string) => void;
}

/** Throws NotInitialised, WrongPassphrase, Locked, RolledBack, LogTruncated, Tampered, UnsafeFile, NetworkFileSystem. */
export async function openCustodyStore(deps: StoreDeps, options: OpenCustody = {}): Promise<FileCustodyStore> {
  const ctx = await storeContext(deps);
  const home = readHome(ctx.files, ctx.paths);
  if (home === null || ctx.files.info(ctx.paths.store) === null) {
    throw noCustodyStore(ctx.files, ctx.paths);
  }
  for (const path of [ctx.paths.home, ctx.paths.store, ctx.paths.audit, ctx.paths.ledger]) {
    if (ctx.files.info(path) !== null) refuseNetworkFileSystem(ctx.files, path);
  }
  // Before the passphrase is asked: a home without a finished store needs none.
  if (ctx.files.info(custodyPaths(ctx).manifest) === null) {
    chooseManifest(ctx.files, custodyPaths(ctx), scanAuditHead(ctx.files, ctx.paths.audit));
  }
  const passphrase = await deps.passphrases.existing({ store: 'custody' });
  try {
    const hold = await holdHome(deps, ctx, options.role ?? 'cli', options.dryRun);
    try {
      return await openHeld(ctx, home, hold, passphrase, {
        onNotice: (line) => deps.host.log.warn(line),
        ...options,
      });
    } catch (error) {
      hold.release();
      throw error;
    }
  } catch (error) {
    wipe(passphrase);
    throw error;
  }
}

/** For a caller that holds the home already (`init`); takes over the passphrase. */
export async function openHeld(
  ctx: StoreContext,
  home: HomeFile,
  hold: HomeHold,
  passphrase: Uint8Array,
  options: OpenCustody,
): Promise<FileCustodyStore> {
  const paths = custodyPaths(ctx);
  const scan = scanAuditHead(ctx.files, paths.audit);
  const manifestFile = chooseManifest(ctx.files, paths, scan);
  const storeId = splitRecord(manifestFile.bytes, manifestFile.path).header.store_id;
  const unsealed = await unseal(ctx, paths, storeId, manifestFile, passphrase);
  const headKeys = [unsealed.root, unsealed.previous].flatMap((root) => (root === null ? [] : [headKey(root.rootKey)]));
  let logKeys: LogKeySet | null = null;
  let appender: AuditAppender | null = null;
  try {
    demandRecordFiles(ctx.files, paths, unsealed.manifest);
    logKeys = await readLogKeys(ctx, paths, unsealed);
    const log = requireLogFile(ctx.files, paths.audit);
    const epoch = log.epochs.at(-1)!;
    const governed = unsealed.root.genesisDigest !== null;
    const local = { origin: epoch.origin, keys: epoch.keys, serviceKeys: log.serviceKeys, trust: 'local' } as const;
    const verifier = ownBytes(() => createLogVerifier(local, ctx.crypto));
    const signed = newestVerifiedCheckpoint(ctx.files, epochPaths(paths.audit, epoch.n), verifier);
    const newest = signed === null ? null : checkpointInfo(signed);
    const chosen = choosePublic(ctx.files, paths.publicView, paths.publicNext, scan!.publicSha256);
    const view =
      chosen === null
        ? rebuildPublicView({
            files: ctx.files,
            epochs: log.epochs.map(({ n }) => ({ n, paths: epochPaths(paths.audit, n) })),
            size: scan!.size,
            checkpoint: newest,
            manifest: unsealed.manifest,
          })
        : decodePublicView(chosen.bytes, paths.publicView);
    checkView(view, storeId, unsealed);
    const restored = restoredAt(home, epoch.origin);
    const { remembered, otherKeys } = ownMemory(ctx, paths.audit, restored !== null);
    const behind = otherKeys ?? behindWhy(laterEpoch(ctx, epoch), remembered?.size ?? 0, newest?.size ?? 0);
    const refused = verifyOnly(ctx, { restored, behind }, view, unsealed.root.genesisDigest);
    // A dry run and a store that only verifies repair nothing.
    const dryRun = options.dryRun === true;
    const writable = !dryRun && refused === null;
    // An ungoverned store goes on in a new epoch at once: there is no quorum that could be asked.
    const opensEpoch = !dryRun && !governed && restored !== null && refused?.code === 'RolledBack' && newest !== null;
    if (!writable) {
      checkHead(ctx, epochPaths(paths.audit, epoch.n).head, headKeys, epoch.origin, scan!.size);
    } else {
      appender = await openAuditLog(ctx, {
        auditDir: paths.audit,
        storeId,
        logKeys: logKeys.current,
        ...(logKeys.previous === null ? {} : { previousLogKeys: logKeys.previous }),
        headKeys,
        ungoverned: !governed,
        remembered,
      });
      if (unsealed.previous !== null) await appender.rekeyHead(headKey(unsealed.root.rootKey));
    }
    const ledgerEnd = checkLedgerHead(ctx.files, paths.ledger, view.ledger);
    if (appender !== null || opensEpoch || (options.acceptRestored === true && refused?.code === 'RolledBack')) {
      finishCommit(ctx, paths, manifestFile, unsealed, chosen?.place ?? 'public', view);
    }
    if (appender !== null) {
      dropStaged(ctx.files, paths);
      await cutUncommittedLines(ctx, paths, appender, ledgerEnd, governed);
    }
    wipe(unsealed.previous?.rootKey);
    const state: CustodyState = {
      storeId,
      profile: profileOf(ctx, paths, home, view, unsealed.root.genesisDigest, ledgerEnd.size),
      hold,
      epoch: epochPaths(paths.audit, epoch.n),
      origin: epoch.origin,
      appender,
      scannedSize: scan!.size,
      checkpoint: newest,
      passphrase,
      kdf: rootCost(ctx, unsealed.root.place === 'next' && !writable ? paths.rootNext : paths.root),
      freshKdf: options.kdf ?? null,
      rootKey: unsealed.root.rootKey,
      genesisDigest: unsealed.root.genesisDigest,
      manifest: unsealed.manifest,
      view,
      publicSha256: scan!.publicSha256!,
      ledgerEnd,
      logKeys,
      verifyOnly: refused,
    };
    const store = new FileCustodyStore(ctx, paths, state);
    if (opensEpoch) {
      const prevCheckpoint = highest(remembered, newest);
      await store.openEpoch({ actor: 'system', prevCheckpoint, accepted: null });
      options.onNotice?.(`this store was restored at ${restored}; it goes on as ${store.origin}`);
      return store;
    }
    if (appender !== null && home.restored !== undefined) await clearRestored(ctx);
    if (appender !== null && chosen === null) {
      await store.commitView();
      options.onNotice?.(`${paths.publicView} was lost or altered; it was made again from the audit log`);
    }
    if (appender !== null && appender.newestCheckpoint() === null) await store.checkpoint();
    return store;
  } catch (error) {
    appender?.close();
    if (logKeys !== null) destroyLogKeys(logKeys);
    wipe(unsealed.root.rootKey, unsealed.previous?.rootKey);
    throw error;
  } finally {
    wipe(...headKeys);
  }
}

async function readLogKeys(ctx: StoreContext, paths: CustodyPaths, unsealed: Unsealed): Promise<LogKeySet> {
  const from = { rootKey: unsealed.root.rootKey, manifest: unsealed.manifest };
  const opened = readSealed(ctx, paths, from, 'log-keys', 'log-keys');
  try {
    return await importLogKeys(ctx.crypto, opened);
  } finally {
    wipe(opened.secret);
  }
}

/** A dry run changes nothing, so it judges the head itself. */
function checkHead(
  ctx: StoreContext,
  path: string,
  keys: readonly Uint8Array[],
  origin: string,
  scannedSize: number,
): void {
  const file = ctx.files.read(path, HEAD_FILE_BYTES);
  const head = file === null ? null : currentHead(file, keys, origin);
  if (head === null) {
    throw new RonError('Tampered', `${path}: no slot carries a valid tag`, { field: 'head-mismatch' });
  }
  if (head.size !== scannedSize) {
    throw new RonError('Tampered', `the head says ${head.size} records; those that are here fit ${scannedSize}`, {
      field: 'head-mismatch',
    });
  }
}

/** When the store was restored, unless its new epoch is open; null when it was not. */
function restoredAt({ restored }: HomeFile, origin: string): string | null {
  if (restored === undefined || (restored.head !== null && restored.head.origin !== origin)) return null;
  return restored.at;
}

/** Memory under keys that a restored log does not know yet: they were rotated after the backup. */
function ownMemory(
  ctx: StoreContext,
  auditDir: string,
  isRestored: boolean,
): { readonly remembered: VerifiedCheckpoint | null; readonly otherKeys: string | null } {
  try {
    return { remembered: readOwnMemory(ctx, auditDir), otherKeys: null };
  } catch (error) {
    if (!isRestored || !(error instanceof RonError) || error.field !== 'log-keys-changed') throw error;
    return { remembered: null, otherKeys: error.message };
  }
}

/** What this home has verified and the log does not have; null when it has everything. */
function behindWhy(laterOrigin: string | null, rememberedSize: number, signedSize: number): string | null {
  if (laterOrigin !== null) return `this home remembers the log ${laterOrigin}, which is not here`;
  if (signedSize >= rememberedSize) return null;
  return `this home remembers a checkpoint of size ${rememberedSize}, the log has one of ${signedSize}`;
}

function highest(remembered: VerifiedCheckpoint | null, newest: CheckpointInfo): LogHead {
  const { origin, size, root } = newest;
  if (remembered === null || remembered.size <= size) return { origin, size, root };
  return { origin, size: remembered.size, root: toHex(remembered.root) };
}

function checkView(view: PublicView, storeId: string, unsealed: Unsealed): void {
  if (view.store_id !== storeId || view.generation !== unsealed.manifest.generation) {
    throw new RonError('Tampered', 'public.json and the sealed manifest are not of one generation');
  }
}

function rootCost(ctx: StoreContext, path: string): KdfCost {
  const { header } = splitRecord(ctx.files.read(path, LIMITS.sealedRecordBytes)!, path);
  if (header.key !== 'root') throw new RonError('Tampered', `${path}: is not a root record`);
  const { salt: _salt, ...cost } = header.kdf;
  return cost;
}

/** Steps 3 and 4 of the commit, and the remains of one that never was. */
function finishCommit(
  ctx: StoreContext,
  paths: CustodyPaths,
  manifestFile: ChosenManifest,
  unsealed: Unsealed,
  publicPlace: 'public' | 'next',
  view: PublicView,
): void {
  const renames: FileRename[] = [];
  if (unsealed.root.place === 'next') renames.push({ from: paths.rootNext, to: paths.root });
  if (publicPlace === 'next') renames.push({ from: paths.publicNext, to: paths.publicView });
  const state = ctx.files.read(paths.ledgerStateNext, LIMITS.stateFileBytes);
  if (state !== null && sha256Hex(state) === view.ledger?.state_sha256) {
    renames.push({ from: paths.ledgerStateNext, to: paths.ledgerState });
  }
  if (manifestFile.place === 'next') renames.push({ from: paths.manifestNext, to: paths.manifest });
  if (renames.length > 0) renameFilesNow(ctx.files, renames);
  const leftovers = [paths.rootNext, paths.publicNext, paths.manifestNext, paths.ledgerStateNext];
  sweep(ctx.files, paths, unsealed.manifest, leftovers);
  // A backup has no empty directories.
  ensureDirectory(ctx.files, paths.keys);
  const temporary = ctx.files.list(paths.keys).filter((name) => name.endsWith('.tmp'));
  removeFilesNow(
    ctx.files,
    temporary.map((name) => `${paths.keys}/${name}`),
  );
}

async function cutUncommittedLines(
  ctx: StoreContext,
  paths: CustodyPaths,
  appender: AuditAppender,
  end: CustodyState['ledgerEnd'],
  governed: boolean,
): Promise<void> {
  const bytes = await cutLedger(ctx.files, paths.ledger, end);
  if (bytes === 0) return;
  const detail = { kind: 'ledger-tail', bytes, ...(governed ? {} : { governed: false }) };
  await appender.append([{ op: 'gap', actor: 'system', result: 'ok', detail }]);
}

/** The genesis names the profile; before adoption home.json does. */
function profileOf(
  ctx: StoreContext,
  paths: CustodyPaths,
  home: HomeFile,
  view: PublicView,
  genesisDigest: string | null,
  lines: number,
): string {
  if (genesisDigest === null) {
    if (home.profile !== undefined) return home.profile;
    throw new RonError('Tampered', 'home.json names no profile, although the home has a custody store');
  }
  for (const line of ledgerLines(ctx.files, paths.ledger, 0, Math.min(lines, 1))) {
    const body = ownBytes(() => decodeCanonical(anyObject, line, 'ledger line 0')['body']);
    const envelope = ownBytes(() => decodeEnvelope(body ?? null, 'body'));
    if (envelopeDigest(envelope) !== genesisDigest) break;
    const profile = decodeCanonical(anyObject, envelope.payload, 'genesis')['profile'];
    if (typeof profile === 'string') return profile;
  }
  throw new RonError('Tampered', `line 0 of the ledger ${view.ledger_id} is not the genesis that was adopted`);
}

function verifyOnly(
  ctx: StoreContext,
  found: { readonly restored: string | null; readonly behind: string | null },
  view: PublicView,
  genesisDigest: string | null,
): VerifyOnly | null {
  const { restored, behind } = found;
  if (restored !== null || behind !== null) {
    const reason = restored === null ? behind! : `this store was restored from a backup at ${restored}`;
    const hint =
      genesisDigest === null
        ? 'Copy it with `ronctl store backup`, restore the copy into another RONCTL_HOME: a new epoch is opened there.'
        : 'Only an executed restore-accept goes on from here: `ronctl governance propose --action restore-accept`.';
    return { code: 'RolledBack', reason, hint, ...(behind === null ? {} : { behind: true }) };
  }
  if (genesisDigest === null || view.ledger_id === null) return null;
  const pin = readPin(ctx, view.ledger_id);
  if (pin === null || pin.genesis_digest === genesisDigest) return null;
  return {
    code: 'PinMismatch',
    reason: `the store was adopted by ${genesisDigest}, and this home pins ${pin.genesis_digest}`,
    hint: 'Compare the 12 words with the members by voice.',
  };
}
