// Creating and opening the audit log for writing (log page 4.5, I-26). Open checks the newest checkpoint with both
// signatures, the frontier from its tiles, the manifest record at size - 1, counters.json, and every record behind, up to
// the authenticated head. Bytes beyond the head were never acknowledged: they are cut, and a `gap` record says so. A log
// shorter than its head, or different at it, is Tampered (10): nothing is appended, no checkpoint is signed.

import {
  createLogVerifier,
  formatOrigin,
  type LogKeyEra,
  type LogSigningKeys,
  logVkeys,
  type VerifiedCheckpoint,
} from '../audit/checkpoint.ts';
import { countersFile, type KidCounters } from '../audit/counters.ts';
import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import { currentHead, encodeSlot, HEAD_FILE_BYTES } from '../audit/head.ts';
import { emptyRoot, NO_PREVIOUS } from '../audit/leaf.ts';
import { Frontier } from '../audit/tree.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { fail, ownBytes, RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { keylessHead } from './audit-head-scan.ts';
import { recordsBackwards } from './audit-lines.ts';
import { type LogEpoch, logFileBytes, ownLogFile } from './audit-log-file.ts';
import { epochPaths, logFilePath } from './audit-paths.ts';
import { recoverEpoch } from './audit-recovery.ts';
import type { AuditDeps, SignerState } from './audit-signer.ts';
import { TileBuilder } from './audit-tiles.ts';
import { AuditWriter } from './audit-writer.ts';
import type { CheckpointInfo } from './custody-port.ts';
import { ensureDirectory, writeFile } from './durable-file.ts';

/** The audit log as its one writer sees it. */
export interface AuditAppender {
  readonly origin: string;
  readonly epoch: number;
  /** Durable records; the next seq while nothing is being appended. */
  readonly size: number;
  readonly root: Uint8Array;
  /** The first error of a write or sync, which ended this writer. */
  readonly broken: RonError | null;
  /** All durable, in order, when resolved; concurrent calls share a batch. `ts` overrides the clock (RFC 3339 UTC ms). */
  append(drafts: readonly AuditDraft[], ts?: string): Promise<readonly AuditRecord[]>;
  /** Signs up to the newest `manifest` record; an unchanged log is signed again with a new timestamp. */
  signCheckpoint(): Promise<CheckpointInfo>;
  newestCheckpoint(): CheckpointInfo | null;
  /** Detail of the `state` record due before the next `manifest`, or null when no kid counter has changed. */
  stateDetail(generation: number, keyCount: number): Promise<JsonObject | null>;
  /** The next checkpoint carries the signatures of both pairs, later ones only of these (log-key-rotate). */
  rotateLogKeys(next: LogSigningKeys): void;
  rekeyHead(newHeadKey: Uint8Array): Promise<void>;
  close(): void;
}

export interface CreateAuditLog {
  readonly auditDir: string;
  /** 32 lower hex. */
  readonly storeId: string;
  /** `init --log-origin`. */
  readonly base: string;
  readonly logKeys: LogSigningKeys;
  readonly serviceKeys: { readonly ed25519: Uint8Array; readonly ml_dsa_65: Uint8Array };
  /** HKDF-SHA256(root key, no salt, `ron-kms/audit-tail/v1`, 32). */
  readonly headKey: Uint8Array;
}

/** Makes an empty log of epoch 0: empty segment, head at size 0, then log.json. The caller appends `init` first. */
export async function createAuditLog(deps: AuditDeps, request: CreateAuditLog): Promise<AuditAppender> {
  const { auditDir, base, storeId, serviceKeys } = request;
  const epoch = { ...request, epoch: 0, counters: new Map() };
  const { writer, listed } = await createEpoch(deps, epoch);
  await writeFile(deps, logFilePath(auditDir), logFileBytes({ storeId, base, serviceKeys, epochs: [listed] }));
  return writer;
}

export interface CreateEpoch extends Omit<CreateAuditLog, 'serviceKeys'> {
  readonly epoch: number;
  /** Of the epochs before: each kid goes on counting. */
  readonly counters: KidCounters;
}

/** Files of an empty epoch: they are no log until log.json lists it, as `listed` says. */
export async function createEpoch(
  deps: AuditDeps,
  request: CreateEpoch,
): Promise<{ readonly writer: AuditAppender; readonly listed: LogEpoch }> {
  const { epoch } = request;
  const origin = formatOrigin(request.base, request.storeId, epoch);
  const paths = epochPaths(request.auditDir, epoch);
  const { files } = deps;
  for (const directory of [request.auditDir, paths.directory, paths.segments]) ensureDirectory(files, directory);
  await makeEmptyFile(files, paths.segment(0));
  files.syncDirectoryNow(paths.segments);
  const head = new Uint8Array(HEAD_FILE_BYTES);
  head.set(encodeSlot(request.headKey, origin, { size: 0, root: emptyRoot() }), 0);
  await writeFile(deps, paths.head, head);
  if (epoch > 0) await writeFile(deps, paths.counters, countersFile(request.counters));
  const eras: LogKeyEra[] = [{ from: 0, vkeys: logVkeys(origin, request.logKeys) }];
  const writer = new AuditWriter(deps, {
    auditDir: request.auditDir,
    paths,
    epoch,
    origin,
    frontier: new Frontier(),
    prev: NO_PREVIOUS,
    mono: 0,
    boot: '',
    counters: request.counters,
    countersChanged: false,
    stateSeq: null,
    manifest: null,
    segmentBytes: 0,
    headKey: request.headKey.slice(),
    slot: 0,
    checkpointsBytes: 0,
    checkpoint: null,
    keys: request.logKeys,
    eras,
    tiles: TileBuilder.empty(),
    untiled: [],
    hints: [],
  });
  return { writer, listed: { n: epoch, origin, keys: eras } };
}

async function makeEmptyFile(files: Files, path: string): Promise<void> {
  const file = files.open(path, 'create-new');
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

export interface OpenAuditLog {
  readonly auditDir: string;
  readonly storeId: string;
  readonly logKeys: LogSigningKeys;
  /** The pair before, while a log-key-rotate record is not yet under a checkpoint. */
  readonly previousLogKeys?: LogSigningKeys;
  /** Head keys that may be in force: two during a root rotation. */
  readonly headKeys: readonly Uint8Array[];
  /** True while no genesis is adopted: `gap` records say `governed:false`. */
  readonly ungoverned: boolean;
  /** The newest checkpoint that this home remembers: the log must not be shorter. */
  readonly remembered?: VerifiedCheckpoint | null;
}

/** Opens the newest epoch for writing. Throws Tampered, or LogTruncated when the log is missing. */
export async function openAuditLog(deps: AuditDeps, request: OpenAuditLog): Promise<AuditAppender> {
  const { files } = deps;
  const log = ownLogFile(files, request.auditDir);
  if (log === null) return fail('LogTruncated', `${logFilePath(request.auditDir)} is missing`);
  if (log.storeId !== request.storeId) {
    throw new RonError('Tampered', `the audit log belongs to store ${log.storeId}, not to ${request.storeId}`);
  }
  const epoch = log.epochs.at(-1)!;
  const paths = epochPaths(request.auditDir, epoch.n);
  const keys = currentKeys(epoch, request);
  const local = { origin: epoch.origin, keys: epoch.keys, serviceKeys: log.serviceKeys, trust: 'local' } as const;
  const verifier = ownBytes(() => createLogVerifier(local, deps.crypto));
  const file = files.read(paths.head, HEAD_FILE_BYTES);
  if (file === null) return fail('Tampered', `${paths.head} is missing`, { field: 'head-mismatch' });
  const head = currentHead(file, request.headKeys, epoch.origin);
  if (head === null) return fail('Tampered', `${paths.head}: no slot carries a valid tag`, { field: 'head-mismatch' });
  const found = await recoverEpoch(deps, {
    paths,
    verifier,
    head,
    remembered: request.remembered ?? null,
    firstEpoch: epoch.n === 0,
  });
  const { next, ...change } = keyChange(epoch, request, found.checkpoint?.size ?? 0);
  const writer = new AuditWriter(deps, {
    ...found,
    auditDir: request.auditDir,
    paths,
    epoch: epoch.n,
    origin: epoch.origin,
    headKey: head.key.slice(),
    slot: head.slot,
    keys: keys.signing,
    eras: epoch.keys,
    ...change,
  });
  try {
    const coming = next ?? keys.next;
    if (coming !== null) writer.rotateLogKeys(coming);
    const gaps = found.gaps.map(
      (detail): AuditDraft => ({
        op: 'gap',
        actor: 'system',
        result: 'ok',
        detail: request.ungoverned ? { ...detail, governed: false } : detail,
      }),
    );
    await writer.append(gaps);
    return writer;
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** log.json is a hint: its newest keys must be the sealed ones, or the pair before them. */
function currentKeys(
  epoch: LogEpoch,
  request: OpenAuditLog,
): { readonly signing: LogSigningKeys; readonly next: LogSigningKeys | null } {
  const listed = epoch.keys.at(-1)!.vkeys.join('\n');
  if (listed === logVkeys(epoch.origin, request.logKeys).join('\n')) return { signing: request.logKeys, next: null };
  const old = request.previousLogKeys;
  if (old !== undefined && listed === logVkeys(epoch.origin, old).join('\n')) {
    return { signing: old, next: request.logKeys };
  }
  throw new RonError('Tampered', 'the log keys in audit/log.json are not those of the sealed store', {
    field: 'log-keys-changed',
  });
}

/**
 * Where the keys changed with the newest checkpoint, or were to change with the one that a crash left out after log.json said
 * it: the pair before signs that size too, also when it is signed again.
 */
function keyChange(
  epoch: LogEpoch,
  { logKeys, previousLogKeys: old }: OpenAuditLog,
  signed: number,
): Partial<Pick<SignerState, 'keys' | 'eras' | 'old'>> & { readonly next: LogSigningKeys | null } {
  const [before, last] = epoch.keys.slice(-2);
  if (last === undefined || old === undefined || last.from < signed) return { next: null };
  if (before!.vkeys.join('\n') !== logVkeys(epoch.origin, old).join('\n')) return { next: null };
  if (last.from === signed) return { old, next: null };
  return { keys: old, eras: epoch.keys.slice(0, -1), next: logKeys };
}

export interface AuditHeadScan {
  /** Records up to the head. */
  readonly size: number;
  /** Newest values in these records; null when no record carries one. */
  readonly manifestSha256: string | null;
  readonly publicSha256: string | null;
  readonly generation: number | null;
}

/**
 * What the log says before anything is unsealed (store page 5): the tags of `head` cannot be checked yet, so the slot
 * counts whose root the records have. Null when there is no log; Tampered when no slot fits the records.
 */
export function scanAuditHead(files: Files, auditDir: string): AuditHeadScan | null {
  const log = ownLogFile(files, auditDir);
  if (log === null) return null;
  const paths = epochPaths(auditDir, log.epochs.at(-1)!.n);
  const head = keylessHead(files, paths);
  if (head === null) return fail('Tampered', `${paths.head} does not fit the records`, { field: 'head-mismatch' });
  let manifestSha256: string | null = null;
  let publicSha256: string | null = null;
  let generation: number | null = null;
  for (const record of recordsBackwards(files, paths, head.size)) {
    manifestSha256 ??= record.manifest_sha256 ?? null;
    publicSha256 ??= record.public_sha256 ?? null;
    generation ??= record.generation ?? null;
    if (manifestSha256 !== null && publicSha256 !== null && generation !== null) break;
  }
  return { size: head.size, manifestSha256, publicSha256, generation };
}
