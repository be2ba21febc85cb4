// The writing half of the custody store (store page 5): one change at a time, each in the order of R-02. A mutation,
// generation g -> g+1:
//   1. new record files, key files, ledger lines, manifest.next, public.next, root.next: written and synced
//   2. the audit record with generation, manifest_sha256 and public_sha256: the commit point
//   3. renames of root.next, public.next, manifest.next, in this order
//   4. superseded files go; key objects whose state changed are written again; then the answer
// The first storage error is fatal to this writer: only a new open, with its recovery, goes on.

import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { equalBytes } from '../bytes/equal.ts';
import { toTime } from '../bytes/time.ts';
import { wipe } from '../bytes/wipe.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';
import type { Manifest } from '../sealed/manifest.ts';
import { ROOT_KEY_BYTES } from '../sealed/root.ts';
import type { AuditAppender } from './audit-appender.ts';
import {
  logHead,
  nextPublic,
  type PublicChange,
  prepareMutation,
  publicChange,
  rootCost,
  supersededFiles,
} from './custody-change.ts';
import { openNextEpoch } from './custody-epoch.ts';
import { headKey, importLogKeys, type LogKeySet } from './custody-keys.ts';
import { rememberOwn } from './custody-memory.ts';
import {
  type CheckpointInfo,
  type CommitPlace,
  type EpochOpening,
  type LedgerBatch,
  type Mutation,
  type SealedItem,
  verifyOnlyError,
} from './custody-port.ts';
import type { CustodyPaths, CustodyState } from './custody-state.ts';
import { type FileWrite, removeFiles, renameFiles, writeFiles } from './durable-file.ts';
import { appendLedgerLines } from './ledger-segments.ts';
import { prepareChange, readSealed } from './sealed-store.ts';
import { type StagedKeys, writeStaged } from './staged-keys.ts';
import type { StoreContext } from './store-deps.ts';
import { Turns } from './turns.ts';

export class CustodyWriter {
  readonly #ctx: StoreContext;
  readonly #paths: CustodyPaths;
  readonly #serviceKeysChanged: () => Promise<void>;
  readonly #turns = new Turns();
  #state: CustodyState;
  #broken: RonError | null = null;
  /** Between the first write of a change and its end: an error leaves remains that only an open removes. */
  #writing = false;

  constructor(ctx: StoreContext, paths: CustodyPaths, state: CustodyState, serviceKeysChanged: () => Promise<void>) {
    this.#ctx = ctx;
    this.#paths = paths;
    this.#state = state;
    this.#serviceKeysChanged = serviceKeysChanged;
  }

  /** As of the last commit. */
  get state(): CustodyState {
    return this.#state;
  }

  /** Set by the first error of a write: this writer has ended. */
  get broken(): RonError | null {
    return this.#broken ?? this.#state.appender?.broken ?? null;
  }

  /** Resolves when nothing is being written. */
  idle(): Promise<void> {
    return this.#turns.exclusive(async () => undefined);
  }

  writeKeyFiles(files: NonNullable<Mutation['keyFiles']>): Promise<void> {
    const writes = files.map(({ name, bytes }) => ({ path: `${this.#paths.keys}/${name}`, bytes }));
    return this.#turns.exclusive(() => this.#write(() => writeFiles(this.#ctx, writes)));
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
        await renameFiles(this.#ctx.files, [{ from: this.#paths.publicNext, to: this.#paths.publicView }]);
        return this.#signAndRemember(appender);
      }),
    );
  }

  /** Beside the store, which stays as it was restored. */
  stageKeys(which: StagedKeys, keys: SealedItem): Promise<void> {
    return this.#turns.exclusive(async () => {
      this.#demandRolledBack();
      await writeStaged(this.#ctx, this.#paths, this.#state, { id: which, type: which, ...keys });
    });
  }

  #demandRolledBack(): void {
    if (this.#broken !== null) throw this.#broken;
    if (this.#state.verifyOnly?.code === 'RolledBack') return;
    throw new RonError('Conflict', 'this store is neither restored nor rolled back: no epoch is opened');
  }

  /** Opens the next epoch of a restored store and signs it. */
  openEpoch(opening: EpochOpening): Promise<AuditRecord> {
    return this.#turns.exclusive(async () => {
      this.#demandRolledBack();
      try {
        const opened = await openNextEpoch(this.#ctx, this.#paths, this.#state, opening);
        this.#state = opened.state;
        if (opening.accepted?.newKeys.some(({ id }) => id === 'service-keys') === true)
          await this.#serviceKeysChanged();
        await this.#checkpoint(opened.appender);
        return opened.record;
      } catch (error) {
        this.#broken = error instanceof RonError ? error : new RonError('Internal', String(error), { cause: error });
        throw error;
      } finally {
        this.#writing = false;
      }
    });
  }

  /** Runs one write unless writing is refused; a storage error ends this writer. */
  async #write<T>(act: (appender: AuditAppender) => Promise<T>): Promise<T> {
    if (this.#broken !== null) throw this.#broken;
    const { appender, verifyOnly } = this.#state;
    if (verifyOnly !== null) throw verifyOnlyError(verifyOnly);
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

  async #mutate(appender: AuditAppender, mutation: Mutation): Promise<AuditRecord> {
    const before = this.#state;
    const place: CommitPlace = {
      epoch: appender.epoch,
      seq: appender.size,
      generation: before.manifest.generation + 1,
      ts: toTime(this.#ctx.clock.now()),
    };
    const draft = typeof mutation.audit === 'function' ? mutation.audit(place) : mutation.audit;
    const next = nextPublic(mutation, place, before.view);
    const rootKey = mutation.rotateRoot === true ? this.#ctx.random.bytes(ROOT_KEY_BYTES).slice() : before.rootKey;
    const change = await prepareMutation(this.#ctx, this.#paths, before, {
      mutation,
      place,
      rootKey,
      view: next.view,
      audit: logHead(appender),
    });

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
      { path: this.#paths.publicNext, bytes: next.bytes },
      ...change.writes,
    ]);

    before.hold.check();
    const committing: AuditDraft = {
      ...this.#marked(draft),
      generation: place.generation,
      manifest_sha256: change.manifestSha256,
      public_sha256: next.sha256,
    };
    const [record] = await appender.append([committing], place.ts);

    if (mutation.rotateRoot === true) await appender.rekeyHead(headKey(rootKey));
    await renameFiles(this.#ctx.files, [
      ...(change.newRoot ? [{ from: this.#paths.rootNext, to: this.#paths.root }] : []),
      { from: this.#paths.publicNext, to: this.#paths.publicView },
      ...this.#ledgerStateRename(mutation.ledger),
      { from: this.#paths.manifestNext, to: this.#paths.manifest },
    ]);
    await this.#adoptState(mutation, change.manifest, next, rootKey, ledgerEnd);
    await removeFiles(this.#ctx.files, supersededFiles(this.#paths, before.manifest, change.manifest));
    if (late.length > 0) await writeFiles(this.#ctx, late.map(keyWrite));
    return record!;
  }

  async #adoptState(
    mutation: Mutation,
    manifest: Manifest,
    next: PublicChange,
    rootKey: Uint8Array,
    ledgerEnd: CustodyState['ledgerEnd'],
  ): Promise<void> {
    const before = this.#state;
    const passphrase = mutation.passphrase?.slice() ?? before.passphrase;
    this.#state = {
      ...before,
      passphrase,
      kdf: rootCost(before, mutation),
      rootKey,
      genesisDigest: mutation.adopt?.genesisDigest ?? before.genesisDigest,
      manifest,
      view: next.view,
      publicSha256: next.sha256,
      ledgerEnd,
    };
    if (rootKey !== before.rootKey) wipe(before.rootKey);
    if (passphrase !== before.passphrase) wipe(before.passphrase, mutation.passphrase);
    const put = new Set((mutation.puts ?? []).map((one) => one.id));
    if (put.has('service-keys')) await this.#serviceKeysChanged();
    if (put.has('log-keys')) await this.#nextLogKeys();
  }

  /** The checkpoint after a log-key rotation carries both pairs (log page 4.6). */
  async #nextLogKeys(): Promise<void> {
    const { rootKey, manifest } = this.#state;
    const item = readSealed(this.#ctx, this.#paths, { rootKey, manifest }, 'log-keys', 'log-keys');
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
    await renameFiles(this.#ctx.files, [
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
      heads: { genesisDigest, ledger, policy: view.policy, audit: logHead(appender) },
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
    await renameFiles(this.#ctx.files, [{ from: this.#paths.manifestNext, to: this.#paths.manifest }]);
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
