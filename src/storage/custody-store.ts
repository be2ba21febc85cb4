// The custody store on files (store page 4-6): the unsealed, locked and recovered store behind custody-port.ts, the only
// writer of store, ledger and audit log. Reads its records, its log and its ledger; what it writes is custody-writer.ts.

import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import { fromHex, toHex } from '../bytes/hex.ts';
import { wipe } from '../bytes/wipe.ts';
import { hmacSha256, sha256Hex } from '../crypto/hash.ts';
import type { DualSigningKeys } from '../envelope/dual-signature.ts';
import { RonError } from '../errors.ts';
import type { PublicView } from '../keys/public-view.ts';
import { LIMITS } from '../limits.ts';
import { destroyLogKeys, idempotencyKey, importServiceKeys, vkeysOf } from './custody-keys.ts';
import { demandInPlace, findEarlier, findOperation, recordAt, recordsFrom } from './custody-log.ts';
import type {
  CheckpointInfo,
  CustodyStore,
  EpochOpening,
  LedgerBatch,
  Mutation,
  SealedItem,
  VerifyOnly,
} from './custody-port.ts';
import { recordIds, recordTypeOf } from './custody-records.ts';
import type { CustodyPaths, CustodyState } from './custody-state.ts';
import { CustodyWriter } from './custody-writer.ts';
import { ledgerLines } from './ledger-segments.ts';
import { readSealed } from './sealed-store.ts';
import { readStaged, type StagedKeys } from './staged-keys.ts';
import type { StoreContext } from './store-deps.ts';

export class FileCustodyStore implements CustodyStore {
  readonly #ctx: StoreContext;
  readonly #paths: CustodyPaths;
  readonly #writer: CustodyWriter;
  #serviceKeys: Promise<DualSigningKeys> | null = null;
  #closed = false;
  /** Of records that stand in an earlier epoch. */
  readonly #origins = new WeakMap<AuditRecord, string>();

  /** For custody-open.ts. */
  constructor(ctx: StoreContext, paths: CustodyPaths, state: CustodyState) {
    this.#ctx = ctx;
    this.#paths = paths;
    this.#writer = new CustodyWriter(ctx, paths, state, () => this.#dropServiceKeys());
  }

  get #state(): CustodyState {
    return this.#writer.state;
  }

  get storeId(): string {
    return this.#state.storeId;
  }

  get profile(): string {
    return this.#state.profile;
  }

  get origin(): string {
    return this.#state.origin;
  }

  get genesisDigest(): string | null {
    return this.#state.genesisDigest;
  }

  get verifyOnly(): VerifyOnly | null {
    return this.#state.verifyOnly;
  }

  get broken(): RonError | null {
    return this.#writer.broken;
  }

  get view(): PublicView {
    return this.#state.view;
  }

  get logSize(): number {
    return this.#state.appender?.size ?? this.#state.scannedSize;
  }

  async read(id: string): Promise<SealedItem> {
    const { rootKey, manifest } = this.#state;
    const opened = readSealed(this.#ctx, this.#paths, { rootKey, manifest }, id, recordTypeOf(id));
    return { meta: opened.meta, secret: opened.secret };
  }

  recordIds(): readonly string[] {
    return recordIds(this.#ctx.files, this.#paths, this.#state.manifest);
  }

  keyFile(name: string): Uint8Array | null {
    return this.#ctx.files.read(`${this.#paths.keys}/${name}`, LIMITS.signedFileBytes);
  }

  writeKeyFiles(files: NonNullable<Mutation['keyFiles']>): Promise<void> {
    return this.#writer.writeKeyFiles(files);
  }

  async serviceKeys(): Promise<DualSigningKeys> {
    const made = this.#serviceKeys ?? this.#importServiceKeys();
    this.#serviceKeys = made;
    try {
      return await made;
    } catch (error) {
      // A file that could not be read once may be there again.
      if (this.#serviceKeys === made) this.#serviceKeys = null;
      throw error;
    }
  }

  async #importServiceKeys(): Promise<DualSigningKeys> {
    const item = await this.read('service-keys');
    const keys = await importServiceKeys(this.#ctx.crypto, item);
    wipe(item.secret);
    return keys;
  }

  logVkeys(): { readonly ed25519: string; readonly mlDsa44: string } {
    return vkeysOf(this.#state.origin, this.#state.logKeys.current);
  }

  async requestDigest(canonicalRequest: Uint8Array): Promise<string> {
    const key = idempotencyKey(this.#state.rootKey);
    try {
      return toHex(hmacSha256(key, canonicalRequest));
    } finally {
      wipe(key);
    }
  }

  mutate(mutation: Mutation): Promise<AuditRecord> {
    return this.#writer.mutate(mutation);
  }

  append(drafts: readonly AuditDraft[]): Promise<readonly AuditRecord[]> {
    return this.#writer.append(drafts);
  }

  appendLedger(batch: LedgerBatch): Promise<AuditRecord> {
    return this.#writer.appendLedger(batch);
  }

  checkpoint(): Promise<CheckpointInfo> {
    return this.#writer.checkpoint();
  }

  openEpoch(opening: EpochOpening): Promise<AuditRecord> {
    return this.#writer.openEpoch(opening);
  }

  async stagedKeys(which: StagedKeys): Promise<SealedItem | null> {
    return readStaged(this.#ctx, this.#paths, this.#state, which);
  }

  stageKeys(which: StagedKeys, keys: SealedItem): Promise<void> {
    return this.#writer.stageKeys(which, keys);
  }

  /** Commits the view that this store was opened with under a `manifest` record: for a public.json that was lost. */
  commitView(): Promise<CheckpointInfo> {
    return this.#writer.commitView();
  }

  newestCheckpoint(): CheckpointInfo {
    const found = this.#state.appender?.newestCheckpoint() ?? this.#state.checkpoint;
    if (found === null) throw new RonError('NotAuthenticated', 'the audit log has no checkpoint yet');
    return found;
  }

  record(seq: number): AuditRecord {
    return recordAt(this.#ctx.files, this.#state.epoch, seq, this.logSize);
  }

  records(fromSeq: number): Iterable<AuditRecord> {
    return recordsFrom(this.#ctx.files, this.#state.epoch, fromSeq, this.logSize);
  }

  originOf(record: AuditRecord): string {
    return this.#origins.get(record) ?? this.origin;
  }

  findOperation(opId: string, fromSeq = 0, accept: (record: AuditRecord) => boolean = () => true): AuditRecord | null {
    const { files } = this.#ctx;
    const { epoch, checkpoint: opened, appender } = this.#state;
    const found = findOperation(files, epoch, this.logSize, opId, fromSeq, accept);
    if (found === null) {
      const earlier = fromSeq > 0 ? null : findEarlier(this.#ctx, this.#paths.audit, this.origin, opId, accept);
      if (earlier !== null) this.#origins.set(earlier.record, earlier.origin);
      return earlier?.record ?? null;
    }
    const signed = appender?.newestCheckpoint() ?? opened;
    const checkpoint = signed === null ? null : { size: signed.size, root: fromHex(signed.root, 32)! };
    demandInPlace(files, epoch, found, { size: this.logSize, checkpoint });
    return found;
  }

  ledgerLines(fromSeq: number): Iterable<Uint8Array> {
    return ledgerLines(this.#ctx.files, this.#paths.ledger, fromSeq, this.#state.ledgerEnd.size);
  }

  ledgerState(): Uint8Array | null {
    const bytes = this.#ctx.files.read(this.#paths.ledgerState, LIMITS.stateFileBytes);
    return bytes !== null && sha256Hex(bytes) === this.view.ledger?.state_sha256 ? bytes : null;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writer.idle();
    const { appender, hold, logKeys, passphrase, rootKey } = this.#state;
    try {
      const keys = await this.#serviceKeys?.catch(() => null);
      keys?.ed25519.destroy();
      keys?.mlDsa.destroy();
      destroyLogKeys(logKeys);
      wipe(rootKey, passphrase);
      appender?.close();
    } finally {
      hold.release();
    }
  }

  async #dropServiceKeys(): Promise<void> {
    const keys = await this.#serviceKeys;
    this.#serviceKeys = null;
    keys?.ed25519.destroy();
    keys?.mlDsa.destroy();
  }
}
