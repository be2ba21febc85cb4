// The custody store on files (store page 4-6): the unsealed, locked and recovered store behind custody-port.ts, the only
// writer of store, ledger and audit log. A mutation, generation g -> g+1:
//   1. new record files, key files, ledger lines, manifest.next, public.next, root.next: written and synced
//   2. the audit record with generation, manifest_sha256 and public_sha256: the commit point
//   3. renames of root.next, public.next, manifest.next, in this order
//   4. superseded files go; key objects whose state changed are written again; then the answer
// The first storage error is fatal to this writer: only a new open, with its recovery, goes on.

import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { equalBytes } from '../bytes/equal.ts';
import { toHex } from '../bytes/hex.ts';
import { toTime } from '../bytes/time.ts';
import { wipe } from '../bytes/wipe.ts';
import { hmacSha256, sha256Hex } from '../crypto/hash.ts';
import type { DualSigningKeys } from '../envelope/dual-signature.ts';
import { RonError } from '../errors.ts';
import type { PublicView } from '../keys/public-view.ts';
import { LIMITS } from '../limits.ts';
import { CUSTODY_KDF, type KdfCost } from '../sealed/kdf-parameters.ts';
import type { LogHead, Manifest } from '../sealed/manifest.ts';
import { recordHash } from '../sealed/record-id.ts';
import { ROOT_KEY_BYTES } from '../sealed/root.ts';
import type { AuditAppender } from './audit-appender.ts';
import {
  destroyLogKeys,
  headKey,
  idempotencyKey,
  importLogKeys,
  importServiceKeys,
  type LogKeySet,
  vkeysOf,
} from './custody-keys.ts';
import { findOperation, recordAt, recordsFrom } from './custody-log.ts';
import { rememberOwn } from './custody-memory.ts';
import type { CheckpointInfo, CommitPlace, CustodyStore, LedgerBatch, Mutation, SealedItem } from './custody-port.ts';
import { recordIds, recordTypeOf } from './custody-records.ts';
import type { CustodyPaths, CustodyState } from './custody-state.ts';
import { type FileWrite, removeFiles, renameFiles, writeFiles } from './durable-file.ts';
import { appendLedgerLines, ledgerLines } from './ledger-segments.ts';
import { encodePublicView } from './public-view.ts';
import { type ChangeInput, type PreparedChange, prepareChange, type RecordPut, readSealed } from './sealed-store.ts';
import type { StoreContext } from './store-deps.ts';
import { Turns } from './turns.ts';

interface PublicChange {
  readonly view: PublicView;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

export class FileCustodyStore implements CustodyStore {
  readonly #ctx: StoreContext;
  readonly #paths: CustodyPaths;
  readonly #turns = new Turns();
  #state: CustodyState;
  #serviceKeys: Promise<DualSigningKeys> | null = null;
  #broken: RonError | null = null;
  /** Between the first write of a change and its end: an error leaves remains that only an open removes. */
  #writing = false;
  #closed = false;

  /** For custody-open.ts. */
  constructor(ctx: StoreContext, paths: CustodyPaths, state: CustodyState) {
    this.#ctx = ctx;
    this.#paths = paths;
    this.#state = state;
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

  get verifyOnly(): string | null {
    return this.#state.verifyOnly?.reason ?? null;
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
    const writes = files.map(({ name, bytes }) => ({ path: `${this.#paths.keys}/${name}`, bytes }));
    return this.#turns.exclusive(() => this.#write(() => writeFiles(this.#ctx, writes)));
  }

  async serviceKeys(): Promise<DualSigningKeys> {
    this.#serviceKeys ??= this.read('service-keys').then(async (item) => {
      const keys = await importServiceKeys(this.#ctx.crypto, item);
      wipe(item.secret);
      return keys;
    });
    return this.#serviceKeys;
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
    return this.#turns.exclusive(() => this.#write((appender) => this.#mutate(appender, mutation)));
  }

  append(drafts: readonly AuditDraft[]): Promise<readonly AuditRecord[]> {
    return this.#turns.shared(() =>
      this.#write((appender) => appender.append(drafts.map((draft) => this.#marked(draft)))),
    );
  }

  appendLedger(batch: LedgerBatch): Promise<AuditRecord> {
    return this.#turns.exclusive(() => this.#write((appender) => this.#appendLedger(appender, batch)));
  }

  checkpoint(): Promise<CheckpointInfo> {
    return this.#turns.exclusive(() => this.#write((appender) => this.#checkpoint(appender)));
  }

  /** Commits the view that this store was opened with under a `manifest` record: for a public.json that was lost. */
  commitView(): Promise<CheckpointInfo> {
    return this.#turns.exclusive(() =>
      this.#write(async (appender) => {
        const { view, bytes, sha256 } = publicChange(this.#state.view);
        this.#writing = true;
        await writeFiles(this.#ctx, [{ path: this.#paths.publicNext, bytes }]);
        this.#state = { ...this.#state, view, publicSha256: sha256 };
        await this.#commitHeads(appender);
        renameFiles(this.#ctx.files, [{ from: this.#paths.publicNext, to: this.#paths.publicView }]);
        return this.#signAndRemember(appender);
      }),
    );
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

  findOperation(opId: string, fromSeq = 0): AuditRecord | null {
    return findOperation(this.#ctx.files, this.#state.epoch, this.logSize, opId, fromSeq);
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
    await this.#turns.exclusive(async () => undefined);
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

  /** Runs one write unless writing is refused; a storage error ends this writer. */
  async #write<T>(act: (appender: AuditAppender) => Promise<T>): Promise<T> {
    if (this.#broken !== null) throw this.#broken;
    const { appender, verifyOnly } = this.#state;
    if (verifyOnly !== null) {
      const detail = verifyOnly.hint === undefined ? {} : { hint: verifyOnly.hint };
      throw new RonError(verifyOnly.code, `nothing is written: ${verifyOnly.reason}`, detail);
    }
    if (appender === null) throw new RonError('Internal', 'a dry run tried to write');
    try {
      return await act(appender);
    } catch (error) {
      if (!(error instanceof RonError)) this.#broken = new RonError('Internal', String(error), { cause: error });
      else if (this.#writing || error.code === 'StorageFault') this.#broken = error;
      throw error;
    } finally {
      this.#writing = false;
    }
  }

  /** While there is no genesis every record says so. */
  #marked(draft: AuditDraft): AuditDraft {
    if (this.#state.genesisDigest !== null || draft.op === 'genesis.adopt') return draft;
    return { ...draft, detail: { ...draft.detail, governed: false } };
  }

  #logHead(appender: AuditAppender): LogHead {
    return { origin: appender.origin, size: appender.size, root: toHex(appender.root) };
  }

  async #mutate(appender: AuditAppender, mutation: Mutation): Promise<AuditRecord> {
    const before = this.#state;
    const place: CommitPlace = {
      seq: appender.size,
      generation: before.manifest.generation + 1,
      ts: toTime(this.#ctx.clock.now()),
    };
    const draft = typeof mutation.audit === 'function' ? mutation.audit(place) : mutation.audit;
    const publicChange = this.#nextPublic(mutation, place);
    const rootKey = mutation.rotateRoot === true ? this.#ctx.random.bytes(ROOT_KEY_BYTES).slice() : before.rootKey;
    const change = await this.#prepare(appender, mutation, place, rootKey, publicChange.view);

    const early = (mutation.keyFiles ?? []).filter(
      (file) => this.#ctx.files.info(`${this.#paths.keys}/${file.name}`) === null,
    );
    const late = (mutation.keyFiles ?? []).filter((file) => !early.includes(file));
    const keyWrite = (file: { readonly name: string; readonly bytes: Uint8Array }): FileWrite => ({
      path: `${this.#paths.keys}/${file.name}`,
      bytes: file.bytes,
    });
    this.#writing = true;
    const ledgerEnd = await this.#writeLedger(mutation.ledger);
    await writeFiles(this.#ctx, [
      ...early.map(keyWrite),
      { path: this.#paths.publicNext, bytes: publicChange.bytes },
      ...change.writes,
    ]);

    before.hold.check();
    const committing: AuditDraft = {
      ...this.#marked(draft),
      generation: place.generation,
      manifest_sha256: change.manifestSha256,
      public_sha256: publicChange.sha256,
    };
    const [record] = await appender.append([committing], place.ts);

    if (mutation.rotateRoot === true) await appender.rekeyHead(headKey(rootKey));
    renameFiles(this.#ctx.files, [
      ...(change.newRoot ? [{ from: this.#paths.rootNext, to: this.#paths.root }] : []),
      { from: this.#paths.publicNext, to: this.#paths.publicView },
      ...this.#ledgerStateRename(mutation.ledger),
      { from: this.#paths.manifestNext, to: this.#paths.manifest },
    ]);
    await this.#adoptState(mutation, change.manifest, publicChange, rootKey, ledgerEnd);
    removeFiles(this.#ctx.files, supersededFiles(this.#paths, before.manifest, change.manifest));
    if (late.length > 0) await writeFiles(this.#ctx, late.map(keyWrite));
    return record!;
  }

  #nextPublic(mutation: Mutation, place: CommitPlace): PublicChange {
    const { view } = this.#state;
    const ledger =
      mutation.ledger === undefined
        ? view.ledger
        : { ...mutation.ledger.head, state_sha256: sha256Hex(mutation.ledger.state) };
    const current: PublicView = {
      ...view,
      generation: place.generation,
      ledger_id: mutation.adopt?.ledgerId ?? view.ledger_id,
      ledger,
    };
    const next = mutation.publicView === undefined ? current : mutation.publicView(current, place);
    return publicChange({ ...next, v: 1, store_id: view.store_id, generation: place.generation, ledger });
  }

  async #prepare(
    appender: AuditAppender,
    mutation: Mutation,
    place: CommitPlace,
    rootKey: Uint8Array,
    view: PublicView,
  ): Promise<PreparedChange> {
    const { manifest, storeId, passphrase, kdf } = this.#state;
    const genesisDigest = mutation.adopt?.genesisDigest ?? this.#state.genesisDigest;
    const dropped = new Set([...(mutation.drops ?? []), ...(mutation.puts ?? []).map((put) => put.id)]);
    const kept = new Map(manifest.records);
    for (const id of dropped) kept.delete(recordHash(id));
    const puts: RecordPut[] = [...(mutation.puts ?? [])];
    if (mutation.rotateRoot === true) puts.push(...(await this.#resealed(kept)));
    const newRoot = mutation.rotateRoot === true || mutation.adopt !== undefined || mutation.passphrase !== undefined;
    const root: ChangeInput['root'] = {
      passphrase: mutation.passphrase ?? passphrase,
      cost: mutation.passphrase === undefined ? kdf : this.#freshKdf,
      genesisDigest,
    };
    return prepareChange(this.#ctx, this.#paths, {
      storeId,
      generation: place.generation,
      rootKey,
      kept,
      puts,
      ...(newRoot ? { root } : {}),
      heads: {
        genesisDigest,
        ledger: view.ledger === null ? null : { seq: view.ledger.seq, hash: view.ledger.hash },
        policy: view.policy,
        audit: this.#logHead(appender),
      },
    });
  }

  /** Cost of a root under a new passphrase; a test may lower it through custody-open.ts. */
  get #freshKdf(): KdfCost {
    return this.#state.freshKdf ?? CUSTODY_KDF;
  }

  /** Every kept record with its content, to be sealed under a new root key. Empties `kept`. */
  async #resealed(kept: Map<string, unknown>): Promise<RecordPut[]> {
    const puts: RecordPut[] = [];
    for (const id of this.recordIds()) {
      if (!kept.delete(recordHash(id))) continue;
      puts.push({ id, type: recordTypeOf(id), ...(await this.read(id)) });
    }
    return puts;
  }

  async #adoptState(
    mutation: Mutation,
    manifest: Manifest,
    publicChange: PublicChange,
    rootKey: Uint8Array,
    ledgerEnd: CustodyState['ledgerEnd'],
  ): Promise<void> {
    const before = this.#state;
    const passphrase = mutation.passphrase?.slice() ?? before.passphrase;
    this.#state = {
      ...before,
      passphrase,
      kdf: mutation.passphrase === undefined ? before.kdf : this.#freshKdf,
      rootKey,
      genesisDigest: mutation.adopt?.genesisDigest ?? before.genesisDigest,
      manifest,
      view: publicChange.view,
      publicSha256: publicChange.sha256,
      ledgerEnd,
    };
    if (rootKey !== before.rootKey) wipe(before.rootKey);
    if (passphrase !== before.passphrase) wipe(before.passphrase, mutation.passphrase);
    const put = new Set((mutation.puts ?? []).map((one) => one.id));
    if (put.has('service-keys')) await this.#dropServiceKeys();
    if (put.has('log-keys')) await this.#nextLogKeys();
  }

  async #dropServiceKeys(): Promise<void> {
    const keys = await this.#serviceKeys;
    this.#serviceKeys = null;
    keys?.ed25519.destroy();
    keys?.mlDsa.destroy();
  }

  /** The checkpoint after a log-key rotation carries both pairs (log page 4.6). */
  async #nextLogKeys(): Promise<void> {
    const item = await this.read('log-keys');
    const logKeys: LogKeySet = await importLogKeys(this.#ctx.crypto, item);
    wipe(item.secret);
    // A pair that only waits in the record (`next_`) changes nothing for the log.
    const held = this.#state.logKeys.current;
    if (!equalBytes(held.ed25519.publicKey, logKeys.current.ed25519.publicKey)) {
      this.#state.appender?.rotateLogKeys(logKeys.current);
    }
    this.#state = { ...this.#state, logKeys };
  }

  async #writeLedger(batch: LedgerBatch | undefined): Promise<CustodyState['ledgerEnd']> {
    const { ledgerEnd } = this.#state;
    if (batch === undefined) return ledgerEnd;
    const end = await appendLedgerLines(this.#ctx.files, this.#paths.ledger, ledgerEnd, batch.lines);
    if (end.size !== batch.head.seq + 1) {
      throw new RonError('Internal', `a ledger batch ends at line ${end.size - 1}, its head says ${batch.head.seq}`);
    }
    await writeFiles(this.#ctx, [{ path: this.#paths.ledgerStateNext, bytes: batch.state }]);
    return end;
  }

  #ledgerStateRename(batch: LedgerBatch | undefined): { readonly from: string; readonly to: string }[] {
    return batch === undefined ? [] : [{ from: this.#paths.ledgerStateNext, to: this.#paths.ledgerState }];
  }

  async #appendLedger(appender: AuditAppender, batch: LedgerBatch): Promise<AuditRecord> {
    const { view, hold } = this.#state;
    const ledger = { ...batch.head, state_sha256: sha256Hex(batch.state) };
    const next = publicChange({ ...view, ledger });
    this.#writing = true;
    const ledgerEnd = await this.#writeLedger(batch);
    await writeFiles(this.#ctx, [{ path: this.#paths.publicNext, bytes: next.bytes }]);
    hold.check();
    const detail: JsonObject = { ledger_id: batch.ledgerId, ...batch.head };
    const draft: AuditDraft = { op: 'ledger.append', actor: batch.actor, result: 'ok', detail };
    const [record] = await appender.append([{ ...this.#marked(draft), public_sha256: next.sha256 }]);
    renameFiles(this.#ctx.files, [
      { from: this.#paths.publicNext, to: this.#paths.publicView },
      ...this.#ledgerStateRename(batch),
    ]);
    this.#state = { ...this.#state, view: next.view, publicSha256: next.sha256, ledgerEnd };
    return record!;
  }

  async #checkpoint(appender: AuditAppender): Promise<CheckpointInfo> {
    if (appender.newestCheckpoint()?.size !== appender.size) await this.#commitHeads(appender);
    return this.#signAndRemember(appender);
  }

  /** The manifest with the current heads, under a `manifest` record. */
  async #commitHeads(appender: AuditAppender): Promise<void> {
    const { manifest, view, storeId, rootKey, publicSha256, hold, genesisDigest } = this.#state;
    const system = { actor: 'system', result: 'ok' } as const;
    const state = await appender.stateDetail(manifest.generation, view.keys.length);
    if (state !== null) await appender.append([this.#marked({ op: 'state', ...system, detail: state })]);
    const ledger = view.ledger === null ? null : { seq: view.ledger.seq, hash: view.ledger.hash };
    const change = await prepareChange(this.#ctx, this.#paths, {
      storeId,
      generation: manifest.generation,
      rootKey,
      kept: manifest.records,
      puts: [],
      heads: { genesisDigest, ledger, policy: view.policy, audit: this.#logHead(appender) },
    });
    this.#writing = true;
    await writeFiles(this.#ctx, change.writes);
    hold.check();
    await appender.append([
      this.#marked({
        op: 'manifest',
        ...system,
        generation: manifest.generation,
        manifest_sha256: change.manifestSha256,
        public_sha256: publicSha256,
        detail: ledger === null ? {} : { ledger },
      }),
    ]);
    renameFiles(this.#ctx.files, [{ from: this.#paths.manifestNext, to: this.#paths.manifest }]);
    this.#state = { ...this.#state, manifest: change.manifest };
  }

  /** This home is the first to remember what it signs (log page 4.8). */
  async #signAndRemember(appender: AuditAppender): Promise<CheckpointInfo> {
    this.#writing = true;
    const checkpoint = await appender.signCheckpoint();
    await rememberOwn(this.#ctx, this.#paths.audit, checkpoint.note);
    return checkpoint;
  }
}

function publicChange(view: PublicView): PublicChange {
  const bytes = encodePublicView(view);
  return { view, bytes, sha256: sha256Hex(bytes) };
}

/** Record files of the manifest before that the one after does not name. */
function supersededFiles(paths: CustodyPaths, before: Manifest, after: Manifest): string[] {
  return [...before.records]
    .filter(([hash, ref]) => hash !== recordHash('root') && after.records.get(hash)?.generation !== ref.generation)
    .map(([hash, ref]) => `${paths.records}/${hash}.${ref.generation}.ronk`);
}
