// The one writer of an epoch of the audit log (log page 4.5, 4.6). A batch: write records; sync the segment; write and sync
// a head slot; then answer. Frontier and HMAC are computed while the segment syncs. Attack: segment and head synced
// in parallel make a power cut look like tampering. The first error of a write or sync is fatal: everything waiting
// fails, nothing is released, and only a fresh open resumes.

import {
  type CheckpointBody,
  createLogVerifier,
  type LogKeyEra,
  type LogSigningKeys,
  logVkeys,
  signCheckpoint,
  type VerifiedCheckpoint,
} from '../audit/checkpoint.ts';
import { countersDigest, countersFile, type KidCounters, kidWithoutVersion } from '../audit/counters.ts';
import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import { encodeSlot, SLOT_OFFSETS } from '../audit/head.ts';
import { leafHash } from '../audit/leaf.ts';
import { buildRecord } from '../audit/record.ts';
import type { Frontier } from '../audit/tree.ts';
import { toBase64Url } from '../bytes/base64.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { concat } from '../bytes/framing.ts';
import { toHex } from '../bytes/hex.ts';
import { utf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import { uuidV7 } from '../bytes/uuid.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { Clock, Files, OpenFile, Random } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type HintRecord, hintOf, writeHints, writeSignIndex } from './audit-index.ts';
import { logFileBytes, requireLogFile } from './audit-log-file.ts';
import { checkpointLine } from './audit-notes.ts';
import { type EpochPaths, logFilePath, segmentOf } from './audit-paths.ts';
import { dropOldTiles, type TileBuilder, writeTiles } from './audit-tiles.ts';
import type { CheckpointInfo } from './custody-port.ts';
import { writeFile } from './durable-file.ts';

export interface AuditDeps {
  readonly files: Files;
  readonly clock: Clock;
  readonly random: Random;
  readonly crypto: Crypto;
}

/** Everything a writer knows after create or open. */
export interface WriterState {
  readonly auditDir: string;
  readonly paths: EpochPaths;
  readonly epoch: number;
  readonly origin: string;
  readonly frontier: Frontier;
  /** Hex leaf hash of the last record, or 64 zeros. */
  readonly prev: string;
  readonly mono: number;
  readonly boot: string;
  readonly counters: KidCounters;
  readonly countersChanged: boolean;
  readonly stateSeq: number | null;
  /** Size after the newest `manifest` record, with the frontier there. */
  readonly manifest: Frontier | null;
  /** Bytes of whole records in the last segment. */
  readonly segmentBytes: number;
  readonly headKey: Uint8Array;
  /** Slot that holds the current head. */
  readonly slot: number;
  /** Bytes of whole lines in checkpoints.jsonl. */
  readonly checkpointsBytes: number;
  readonly checkpoint: VerifiedCheckpoint | null;
  readonly keys: LogSigningKeys;
  readonly eras: readonly LogKeyEra[];
  readonly tiles: TileBuilder;
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

/** Records built and not yet durable. */
interface Staged {
  readonly lines: Uint8Array[];
  readonly leaves: Uint8Array[];
  readonly hints: HintRecord[];
  readonly counters: KidCounters;
  prev: string;
  mono: number;
  boot: string;
  stateSeq: number | null;
  /** counters.json of the newest `state` record in this batch. */
  stateFile: Uint8Array | null;
  countersChanged: boolean;
  /** Size after the newest `manifest` record in this batch. */
  manifestSize: number | null;
}

const LF = Uint8Array.of(0x0a);

export class AuditWriter {
  readonly #deps: AuditDeps;
  readonly #state: WriterState;
  #segment: OpenFile;
  #segmentNumber: number;
  #segmentBytes: number;
  readonly #head: OpenFile;
  #slot: number;
  #headKey: Uint8Array;
  #prev: string;
  #mono: number;
  #boot: string;
  readonly #frontier: Frontier;
  readonly #counters: KidCounters;
  #countersChanged: boolean;
  #stateSeq: number | null;
  #manifest: Frontier | null;
  readonly #untiled: Uint8Array[];
  #hints: HintRecord[];
  #checkpoint: VerifiedCheckpoint | null;
  #checkpointsBytes: number;
  #keys: LogSigningKeys;
  #eras: readonly LogKeyEra[];
  #nextKeys: LogSigningKeys | null = null;
  #queue: Waiting[] = [];
  #queued = 0;
  #pumping = false;
  #signing: Promise<unknown> = Promise.resolve();
  #broken: RonError | null = null;
  #closed = false;

  constructor(deps: AuditDeps, state: WriterState) {
    this.#deps = deps;
    this.#state = state;
    // A segment that is exactly full is followed by the next one only when a record needs it.
    const size = state.frontier.size;
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
    this.#prev = state.prev;
    this.#mono = state.mono;
    this.#boot = state.boot;
    this.#frontier = state.frontier;
    this.#counters = new Map(state.counters);
    this.#countersChanged = state.countersChanged;
    this.#stateSeq = state.stateSeq;
    this.#manifest = state.manifest;
    this.#untiled = [...state.untiled];
    this.#hints = [...state.hints];
    this.#checkpoint = state.checkpoint;
    this.#checkpointsBytes = state.checkpointsBytes;
    this.#keys = state.keys;
    this.#eras = state.eras;
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
    const staged: Staged = {
      lines: [],
      leaves: [],
      hints: [],
      counters: new Map(),
      prev: this.#prev,
      mono: this.#mono,
      boot: this.#boot,
      stateSeq: this.#stateSeq,
      stateFile: null,
      countersChanged: this.#countersChanged,
      manifestSize: null,
    };
    const answers: (() => void)[] = [];
    const accepted: Waiting[] = [];
    for (const call of calls) {
      const before = { ...staged, lines: staged.lines.length, counters: new Map(staged.counters) };
      try {
        const records = call.drafts.map((draft) => this.#stage(draft, call.ts, staged));
        accepted.push(call);
        answers.push(() => call.resolve(records));
      } catch (error) {
        staged.lines.length = before.lines;
        staged.leaves.length = before.lines;
        staged.hints.length = before.lines;
        staged.counters.clear();
        for (const [kid, value] of before.counters) staged.counters.set(kid, value);
        const { prev, mono, boot, stateSeq, stateFile, countersChanged, manifestSize } = before;
        Object.assign(staged, { prev, mono, boot, stateSeq, stateFile, countersChanged, manifestSize });
        answers.push(() => call.reject(error));
      }
    }
    if (staged.lines.length === 0) return answers;
    try {
      await this.#write(staged);
    } catch (error) {
      const broken = this.#fail(error);
      for (const call of accepted) call.reject(broken);
      return answers.filter((_, at) => !accepted.includes(calls[at]!));
    }
    return answers;
  }

  #stage(draft: AuditDraft, ts: string | undefined, staged: Staged): AuditRecord {
    const { clock, random } = this.#deps;
    const seq = this.#frontier.size + staged.lines.length;
    const boot = sha256Hex(utf8(clock.bootId())).slice(0, 8);
    const mono = boot === staged.boot ? Math.max(staged.mono, clock.uptimeMs()) : clock.uptimeMs();
    const kid = draft.kid === undefined ? null : kidWithoutVersion(draft.kid);
    const kidSeq = kid === null ? null : (staged.counters.get(kid) ?? this.#counters.get(kid) ?? 0) + 1;
    let detail = draft.detail;
    let file: Uint8Array | null = null;
    if (draft.op === 'state') {
      file = countersFile(new Map([...this.#counters, ...staged.counters]));
      detail = { ...detail, counters: countersDigest(file) };
    } else if (draft.op === 'manifest') {
      if (staged.stateSeq === null) throw new RonError('Internal', 'a manifest record needs a state record before it');
      detail = { ...detail, state_seq: staged.stateSeq };
    }
    const { record, line } = buildRecord(detail === undefined ? draft : { ...draft, detail }, {
      seq,
      r: toBase64Url(random.bytes(16)),
      prev: staged.prev,
      ts: ts ?? toTime(clock.now()),
      mono,
      boot,
      op_id: draft.op_id ?? uuidV7(clock.now(), random.bytes(16)),
      ...(kidSeq === null ? {} : { kid_seq: kidSeq }),
    });
    const leaf = leafHash(line);
    staged.lines.push(line);
    staged.leaves.push(leaf);
    staged.hints.push(hintOf(record));
    staged.prev = toHex(leaf);
    staged.mono = mono;
    staged.boot = boot;
    if (kid !== null) {
      staged.counters.set(kid, kidSeq!);
      staged.countersChanged = true;
    }
    if (draft.op === 'state') {
      staged.stateSeq = seq;
      staged.stateFile = file;
      staged.countersChanged = false;
    } else if (draft.op === 'manifest') {
      staged.manifestSize = seq + 1;
    }
    return record;
  }

  async #write(staged: Staged): Promise<void> {
    const first = this.#frontier.size;
    const syncs: Promise<void>[] = [];
    for (let at = 0; at < staged.lines.length; ) {
      const seq = first + at;
      if (segmentOf(seq) !== this.#segmentNumber) {
        // Over a border the full segment is synced with this batch, the new one before its first use.
        const full = this.#segment;
        await full.sync();
        await this.#nextSegment(segmentOf(seq));
        full.close();
      }
      const room = LIMITS.auditSegmentRecords - (seq % LIMITS.auditSegmentRecords);
      const lines = staged.lines.slice(at, at + room);
      const bytes = concat(...lines.flatMap((line) => [line, LF]));
      this.#segment.write(bytes, this.#segmentBytes);
      this.#segmentBytes += bytes.length;
      at += lines.length;
    }
    syncs.push(this.#segment.sync());
    let manifest: Frontier | null = null;
    for (const leaf of staged.leaves) {
      this.#frontier.append(leaf);
      this.#untiled.push(leaf);
      if (this.#frontier.size === staged.manifestSize) manifest = this.#frontier.clone();
    }
    const slot = encodeSlot(this.#headKey, this.origin, { size: this.#frontier.size, root: this.#frontier.root() });
    await Promise.all(syncs);
    const next = 1 - this.#slot;
    this.#head.write(slot, SLOT_OFFSETS[next]!);
    await this.#head.sync();
    this.#slot = next;
    this.#prev = staged.prev;
    this.#mono = staged.mono;
    this.#boot = staged.boot;
    for (const [kid, value] of staged.counters) this.#counters.set(kid, value);
    this.#countersChanged = staged.countersChanged;
    this.#stateSeq = staged.stateSeq;
    this.#hints.push(...staged.hints);
    if (manifest !== null) this.#manifest = manifest;
    if (staged.stateFile !== null) await writeFile(this.#deps, this.#state.paths.counters, staged.stateFile);
  }

  async #nextSegment(number: number): Promise<void> {
    const { files } = this.#deps;
    const path = this.#state.paths.segment(number);
    const file = files.open(path, files.info(path) === null ? 'create-new' : 'write');
    this.#segment = file;
    this.#segmentNumber = number;
    this.#segmentBytes = 0;
    file.truncate(0);
    await file.sync();
    files.syncDirectory(this.#state.paths.segments);
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
    if (this.#stateSeq !== null && !this.#countersChanged) return Promise.resolve(null);
    const counters = countersDigest(countersFile(this.#counters));
    return Promise.resolve({ generation, keys: keyCount, counters });
  }

  newestCheckpoint(): CheckpointInfo | null {
    return this.#checkpoint === null ? null : checkpointInfo(this.#checkpoint);
  }

  /** From the next checkpoint on, which carries both pairs, these keys sign (log-key-rotate). */
  rotateLogKeys(next: LogSigningKeys): void {
    this.#nextKeys = next;
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
    const body: CheckpointBody = { origin: this.origin, size: covered.size, root: covered.root() };
    const previous = this.#checkpoint;
    const grown = previous === null || previous.size < body.size;
    try {
      const pairs = grown && this.#nextKeys !== null ? [this.#keys, this.#nextKeys] : this.#pairsAt(body.size);
      if (pairs.length === 2 && grown) await this.#openEra(body.size, pairs[1]!);
      if (grown) await this.#writeTiles(covered);
      const timestamp = Math.max(previous?.timestamp ?? 1, Math.floor(this.#deps.clock.now() / 1000));
      const note = await signCheckpoint(body, timestamp, pairs);
      const log = { origin: this.origin, keys: this.#eras, serviceKeys: NO_SERVICE_KEYS, trust: 'local' } as const;
      const answer = createLogVerifier(log, this.#deps.crypto).check(note);
      if (!answer.ok) throw new RonError('SelfCheckFailed', `the checkpoint just signed is refused: ${answer.message}`);
      if (grown) await this.#appendNote(body.size, note);
      await writeFile(this.#deps, this.#state.paths.checkpoint, note);
      this.#checkpoint = answer.checkpoint;
      if (grown) {
        dropOldTiles(this.#deps.files, this.#state.paths, previous?.size ?? 0, body.size);
        await this.#writeHints(previous?.size ?? 0, body.size);
      }
      return checkpointInfo(answer.checkpoint);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** The same size is signed again by the pairs that signed it first. */
  #pairsAt(size: number): readonly LogSigningKeys[] {
    const era = this.#eras.at(-1);
    const old = this.#oldKeys;
    return old !== null && era !== undefined && era.from === size && this.#eras.length > 1
      ? [old, this.#keys]
      : [this.#keys];
  }

  #oldKeys: LogSigningKeys | null = null;

  async #openEra(size: number, keys: LogSigningKeys): Promise<void> {
    this.#eras = [...this.#eras, { from: size, vkeys: logVkeys(this.origin, keys) }];
    const log = requireLogFile(this.#deps.files, this.#state.auditDir);
    const epochs = log.epochs.map((one) => (one.n === this.epoch ? { ...one, keys: this.#eras } : one));
    await writeFile(this.#deps, logFilePath(this.#state.auditDir), logFileBytes({ ...log, epochs }));
    this.#oldKeys = this.#keys;
    this.#keys = keys;
    this.#nextKeys = null;
  }

  async #writeTiles(covered: Frontier): Promise<void> {
    const { tiles, paths } = this.#state;
    const leaves = this.#untiled.splice(0, covered.size - tiles.size);
    for (const leaf of leaves) tiles.append(leaf);
    await writeTiles(this.#deps, paths, tiles.take());
  }

  async #appendNote(size: number, note: Uint8Array): Promise<void> {
    const { files } = this.#deps;
    const path = this.#state.paths.checkpoints;
    const fresh = files.info(path) === null;
    const line = checkpointLine(size, note);
    const file = files.open(path, fresh ? 'create-new' : 'write');
    try {
      file.write(line, this.#checkpointsBytes);
      await file.sync();
    } finally {
      file.close();
    }
    if (fresh) files.syncDirectory(this.#state.paths.directory);
    this.#checkpointsBytes += line.length;
  }

  async #writeHints(from: number, size: number): Promise<void> {
    for (let number = segmentOf(from); (number + 1) * LIMITS.auditSegmentRecords <= size; number++) {
      await writeSignIndex(this.#deps, this.#state.paths, number);
    }
    await writeHints(this.#deps, this.#state.paths, from, size, this.#hints);
    this.#hints = this.#hints.filter((one) => one.seq >= size);
  }

  /** Writes the current head under a new key into the other slot; from now on only the new key is used. */
  async rekeyHead(newHeadKey: Uint8Array): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    try {
      const next = 1 - this.#slot;
      const slot = encodeSlot(newHeadKey, this.origin, { size: this.size, root: this.root });
      this.#head.write(slot, SLOT_OFFSETS[next]!);
      await this.#head.sync();
      this.#slot = next;
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

const NO_SERVICE_KEYS = { ed25519: new Uint8Array(), ml_dsa_65: new Uint8Array() };

export function checkpointInfo(checkpoint: VerifiedCheckpoint): CheckpointInfo {
  return {
    origin: checkpoint.origin,
    size: checkpoint.size,
    root: toHex(checkpoint.root),
    note: checkpoint.note,
  };
}
