// The one writer of an epoch of the audit log (log page 4.5). A batch: write records; sync the segment; write and sync a
// head slot; then answer. Attack: segment and head synced in parallel make a power cut look like tampering. The
// first error of a write or sync is fatal: everything waiting fails, nothing is released, and only a fresh open
// resumes.

import type { LogSigningKeys, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { countersDigest, countersFile, type KidCounters } from '../audit/counters.ts';
import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import { encodeSlot, SLOT_OFFSETS } from '../audit/head.ts';
import { LineReader } from '../audit/line.ts';
import type { Frontier } from '../audit/tree.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { concat } from '../bytes/framing.ts';
import { toHex } from '../bytes/hex.ts';
import { RonError } from '../errors.ts';
import type { OpenFile, PlacedBytes } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { Batch, type LogTip } from './audit-batch.ts';
import type { HintRecord } from './audit-index.ts';
import { segmentOf } from './audit-paths.ts';
import { type AuditDeps, CheckpointSigner, type SignerState, type Unsigned } from './audit-signer.ts';
import type { CheckpointInfo } from './custody-port.ts';
import { writeFile, writeInOrder } from './durable-file.ts';

/** Everything a writer knows after create or open. */
export interface WriterState extends SignerState, LogTip {
  readonly frontier: Frontier;
  readonly counters: KidCounters;
  /** The frontier just behind the newest `manifest` record. */
  readonly manifest: Frontier | null;
  /** Bytes of whole records in the last segment. */
  readonly segmentBytes: number;
  readonly headKey: Uint8Array;
  /** Slot that holds the current head. */
  readonly slot: number;
  /** Leaf hashes behind the tiles. */
  readonly untiled: readonly Uint8Array[];
  /** Of the records behind the newest checkpoint. */
  readonly hints: readonly HintRecord[];
}

interface Waiting {
  readonly drafts: readonly AuditDraft[];
  readonly ts: string | undefined;
  resolve(records: readonly AuditRecord[]): void;
  reject(error: unknown): void;
}

const LF = Uint8Array.of(0x0a);

export class AuditWriter {
  readonly #deps: AuditDeps;
  readonly #state: WriterState;
  readonly #signer: CheckpointSigner;
  #segment: OpenFile;
  #segmentNumber: number;
  #segmentBytes: number;
  readonly #head: OpenFile;
  #slot: number;
  #headKey: Uint8Array;
  #tip: LogTip;
  readonly #frontier: Frontier;
  readonly #counters: KidCounters;
  #manifest: Frontier | null;
  readonly #unsigned: Unsigned;
  readonly #reader = new LineReader();
  #queue: Waiting[] = [];
  #queued = 0;
  #pumping = false;
  #signing: Promise<unknown> = Promise.resolve();
  #broken: RonError | null = null;
  #closed = false;

  constructor(deps: AuditDeps, state: WriterState) {
    this.#deps = deps;
    this.#state = state;
    this.#signer = new CheckpointSigner(deps, state);
    // A segment that is exactly full is followed by the next one only when a record needs it.
    const { size } = state.frontier;
    this.#segmentNumber = size === 0 ? 0 : segmentOf(size - 1);
    this.#segmentBytes = state.segmentBytes;
    this.#segment = deps.files.open(state.paths.segment(this.#segmentNumber), 'write');
    try {
      this.#head = deps.files.open(state.paths.head, 'write');
    } catch (error) {
      this.#segment.close();
      throw error;
    }
    this.#slot = state.slot;
    this.#headKey = state.headKey;
    this.#tip = state;
    this.#frontier = state.frontier;
    this.#counters = new Map(state.counters);
    this.#manifest = state.manifest;
    this.#unsigned = { leaves: [...state.untiled], hints: [...state.hints] };
  }

  get origin(): string {
    return this.#state.origin;
  }

  get epoch(): number {
    return this.#state.epoch;
  }

  get size(): number {
    return this.#frontier.size;
  }

  get broken(): RonError | null {
    return this.#broken;
  }

  get root(): Uint8Array {
    return this.#frontier.root();
  }

  /** Resolves when the records are durable. `ts` (RFC 3339 UTC ms) stands in all of them; the clock's when absent. */
  append(drafts: readonly AuditDraft[], ts?: string): Promise<readonly AuditRecord[]> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    if (this.#closed) return Promise.reject(new RonError('Internal', 'the audit log is closed'));
    if (drafts.length === 0) return Promise.resolve([]);
    if (this.#queued > 0 && this.#queued + drafts.length > LIMITS.auditQueueRecords) {
      return Promise.reject(new RonError('Busy', `${this.#queued} audit records are waiting to be written`));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ drafts, ts, resolve, reject });
      this.#queued += drafts.length;
      if (!this.#pumping) {
        this.#pumping = true;
        // Calls made in the same turn share the first batch.
        queueMicrotask(() => void this.#pump());
      }
    });
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0 && this.#broken === null) {
      const calls: Waiting[] = [];
      let records = 0;
      for (const call of this.#queue) {
        if (calls.length > 0 && records + call.drafts.length > LIMITS.auditBatchRecords) break;
        calls.push(call);
        records += call.drafts.length;
      }
      this.#queue = this.#queue.slice(calls.length);
      const answers = await this.#commit(calls);
      this.#queued -= records;
      for (const answer of answers) answer();
    }
    this.#pumping = false;
  }

  /** Makes one batch durable; returns what each call is to be told. Never throws. */
  async #commit(calls: readonly Waiting[]): Promise<(() => void)[]> {
    const batch = new Batch(this.#deps, this.size, this.#tip, this.#counters, this.#reader);
    const accepted: { readonly call: Waiting; readonly records: readonly AuditRecord[] }[] = [];
    const answers: (() => void)[] = [];
    for (const call of calls) {
      try {
        accepted.push({ call, records: batch.add(call.drafts, call.ts) });
      } catch (error) {
        answers.push(() => call.reject(error));
      }
    }
    try {
      if (batch.lines.length > 0) await this.#write(batch);
      return [
        ...answers,
        ...accepted.map(
          ({ call, records }) =>
            () =>
              call.resolve(records),
        ),
      ];
    } catch (error) {
      const broken = this.#fail(error);
      return [
        ...answers,
        ...accepted.map(
          ({ call }) =>
            () =>
              call.reject(broken),
        ),
      ];
    }
  }

  async #write(batch: Batch): Promise<void> {
    const { files } = this.#deps;
    const segment = await this.#lastSegment(batch.lines);
    let manifest: Frontier | null = null;
    for (const leaf of batch.leaves) {
      this.#frontier.append(leaf);
      if (this.#frontier.size === batch.manifestSize) manifest = this.#frontier.clone();
    }
    const head = this.#nextHead(this.#headKey);
    // Attack: the directory is moved or removed, and records go on into files that nobody finds again.
    if (!(await writeInOrder(files, [segment, head]))) {
      throw new RonError('StorageFault', 'the audit log is no longer where it was opened: it was moved or removed');
    }
    this.#slot = 1 - this.#slot;
    this.#tip = batch.tip;
    for (const [kid, value] of batch.moved) this.#counters.set(kid, value);
    this.#unsigned.leaves.push(...batch.leaves);
    this.#unsigned.hints.push(...batch.hints);
    if (manifest !== null) this.#manifest = manifest;
    if (batch.stateFile !== null) await writeFile(this.#deps, this.#state.paths.counters, batch.stateFile);
  }

  /** What goes into the last segment of the batch; over a border the full ones are written and synced first. */
  async #lastSegment(lines: readonly Uint8Array[]): Promise<PlacedBytes> {
    const first = this.#frontier.size;
    for (let at = 0; ; ) {
      const seq = first + at;
      if (segmentOf(seq) !== this.#segmentNumber) await this.#nextSegment(segmentOf(seq));
      const room = LIMITS.auditSegmentRecords - (seq % LIMITS.auditSegmentRecords);
      const bytes = concat(...lines.slice(at, at + room).flatMap((line) => [line, LF]));
      const part = { file: this.#segment, bytes, position: this.#segmentBytes };
      this.#segmentBytes += bytes.length;
      at += room;
      if (at >= lines.length) return part;
      part.file.write(part.bytes, part.position);
      await part.file.sync();
    }
  }

  async #nextSegment(number: number): Promise<void> {
    const { files } = this.#deps;
    const path = this.#state.paths.segment(number);
    const file = files.open(path, files.info(path) === null ? 'create-new' : 'write');
    this.#segment.close();
    this.#segment = file;
    this.#segmentNumber = number;
    this.#segmentBytes = 0;
    file.truncate(0);
    await file.sync();
    await files.syncDirectory(this.#state.paths.segments);
  }

  /** The head as it will be, into the slot that does not hold the current one. */
  #nextHead(key: Uint8Array): PlacedBytes {
    const bytes = encodeSlot(key, this.origin, { size: this.size, root: this.root });
    return { file: this.#head, bytes, position: SLOT_OFFSETS[1 - this.#slot]! };
  }

  /** The first error is fatal: nothing waiting is released, and nothing is tried again on these descriptors. */
  #fail(error: unknown): RonError {
    this.#broken ??=
      error instanceof RonError
        ? error
        : new RonError('Internal', `the audit log failed: ${error instanceof Error ? error.message : String(error)}`, {
            cause: error,
          });
    const waiting = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    for (const call of waiting) call.reject(this.#broken);
    this.close();
    return this.#broken;
  }

  /**
   * `detail` of the `state` record that must precede the next manifest record, or null when no counter has changed since
   * the last one. The appender fills in the digest again at the record's place, and writes counters.json with it.
   */
  stateDetail(generation: number, keyCount: number): Promise<JsonObject | null> {
    if (this.#tip.stateSeq !== null && !this.#tip.countersChanged) return Promise.resolve(null);
    const counters = countersDigest(countersFile(this.#counters));
    return Promise.resolve({ generation, keys: keyCount, counters });
  }

  newestCheckpoint(): CheckpointInfo | null {
    return this.#signer.checkpoint === null ? null : checkpointInfo(this.#signer.checkpoint);
  }

  /** From the next checkpoint on, which carries both pairs, these keys sign (log-key-rotate). */
  rotateLogKeys(next: LogSigningKeys): void {
    this.#signer.rotate(next);
  }

  /** Signs the log up to its newest `manifest` record; the same size again when nothing has come since. */
  signCheckpoint(): Promise<CheckpointInfo> {
    const turn = this.#signing.then(() => this.#sign());
    this.#signing = turn.catch(() => undefined);
    return turn;
  }

  async #sign(): Promise<CheckpointInfo> {
    if (this.#broken !== null) throw this.#broken;
    const covered = this.#manifest;
    if (covered === null) throw new RonError('Internal', 'a checkpoint ends with a manifest record, and there is none');
    try {
      return checkpointInfo(await this.#signer.sign(covered, this.#unsigned));
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** Writes the current head under a new key into the other slot; from now on only the new key is used. */
  async rekeyHead(newHeadKey: Uint8Array): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    try {
      const { file, bytes, position } = this.#nextHead(newHeadKey);
      file.write(bytes, position);
      await file.sync();
      this.#slot = 1 - this.#slot;
      this.#headKey = newHeadKey.slice();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#segment.close();
    this.#head.close();
  }
}

export function checkpointInfo(checkpoint: VerifiedCheckpoint): CheckpointInfo {
  return {
    origin: checkpoint.origin,
    size: checkpoint.size,
    root: toHex(checkpoint.root),
    note: checkpoint.note,
    signedAtMs: checkpoint.timestamp * 1000,
  };
}
