// Builds the records of one batch (log page 4.3): seq, links, clock, kid counters, and what `state` and `manifest` records
// name. Nothing is written here; a call whose draft is refused leaves the batch as it was.

import { countersDigest, countersFile, type KidCounters, kidWithoutVersion } from '../audit/counters.ts';
import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import { leafHash } from '../audit/leaf.ts';
import type { LineReader } from '../audit/line.ts';
import { buildRecord } from '../audit/record.ts';
import { toBase64Url } from '../bytes/base64.ts';
import { toHex } from '../bytes/hex.ts';
import { utf8 } from '../bytes/text.ts';
import { toTime } from '../bytes/time.ts';
import { uuidV7 } from '../bytes/uuid.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';
import type { Clock, Random } from '../host.ts';
import { type HintRecord, hintOf } from './audit-index.ts';

/** Where a log ends: what the next record follows from. */
export interface LogTip {
  /** Hex leaf hash of the last record, or 64 zeros. */
  readonly prev: string;
  readonly mono: number;
  readonly boot: string;
  /** Seq of the newest `state` record. */
  readonly stateSeq: number | null;
  /** A counter has moved since that record. */
  readonly countersChanged: boolean;
}

interface Ledger {
  /** Counters that this batch has moved. */
  readonly moved: KidCounters;
  readonly stateFile: Uint8Array | null;
  readonly manifestSize: number | null;
}

export class Batch {
  readonly lines: Uint8Array[] = [];
  readonly leaves: Uint8Array[] = [];
  readonly hints: HintRecord[] = [];
  readonly #deps: { readonly clock: Clock; readonly random: Random };
  readonly #first: number;
  readonly #counters: KidCounters;
  readonly #reader: LineReader;
  readonly #boot: string;
  #tip: LogTip;
  #ledger: Ledger = { moved: new Map(), stateFile: null, manifestSize: null };

  /** `first`: seq of the first record; `counters`: as they are before it. */
  constructor(
    deps: { readonly clock: Clock; readonly random: Random },
    first: number,
    tip: LogTip,
    counters: KidCounters,
    reader: LineReader,
  ) {
    this.#deps = deps;
    this.#first = first;
    this.#tip = tip;
    this.#counters = counters;
    this.#reader = reader;
    this.#boot = sha256Hex(utf8(deps.clock.bootId())).slice(0, 8);
  }

  get tip(): LogTip {
    return this.#tip;
  }

  get moved(): KidCounters {
    return this.#ledger.moved;
  }

  /** counters.json of the newest `state` record in the batch. */
  get stateFile(): Uint8Array | null {
    return this.#ledger.stateFile;
  }

  /** Size of the log after the newest `manifest` record in the batch. */
  get manifestSize(): number | null {
    return this.#ledger.manifestSize;
  }

  /** Adds all drafts of one call or none of them. */
  add(drafts: readonly AuditDraft[], ts: string | undefined): AuditRecord[] {
    const before = { count: this.lines.length, tip: this.#tip, ledger: this.#ledger };
    this.#ledger = { ...this.#ledger, moved: new Map(this.#ledger.moved) };
    try {
      return drafts.map((draft) => this.#build(draft, ts));
    } catch (error) {
      for (const kept of [this.lines, this.leaves, this.hints]) kept.length = before.count;
      this.#tip = before.tip;
      this.#ledger = before.ledger;
      throw error;
    }
  }

  #build(draft: AuditDraft, ts: string | undefined): AuditRecord {
    const { clock, random } = this.#deps;
    const { moved } = this.#ledger;
    const seq = this.#first + this.lines.length;
    const boot = this.#boot;
    const uptime = clock.uptimeMs();
    const mono = boot === this.#tip.boot ? Math.max(this.#tip.mono, uptime) : uptime;
    const kid = draft.kid === undefined ? null : kidWithoutVersion(draft.kid);
    const kidSeq = kid === null ? null : (moved.get(kid) ?? this.#counters.get(kid) ?? 0) + 1;
    const stateFile = draft.op === 'state' ? countersFile(new Map([...this.#counters, ...moved])) : null;
    const detail = this.#detail(draft, stateFile);
    const { record, line } = buildRecord(
      detail === undefined ? draft : { ...draft, detail },
      {
        seq,
        r: toBase64Url(random.bytes(16)),
        prev: this.#tip.prev,
        ts: ts ?? toTime(clock.now()),
        mono,
        boot,
        op_id: draft.op_id ?? uuidV7(clock.now(), random.bytes(16)),
        ...(kidSeq === null ? {} : { kid_seq: kidSeq }),
      },
      this.#reader,
    );
    const leaf = leafHash(line);
    this.lines.push(line);
    this.leaves.push(leaf);
    this.hints.push(hintOf(record));
    if (kid !== null) moved.set(kid, kidSeq!);
    this.#tip = {
      prev: toHex(leaf),
      mono,
      boot,
      stateSeq: draft.op === 'state' ? seq : this.#tip.stateSeq,
      countersChanged: draft.op === 'state' ? false : this.#tip.countersChanged || kid !== null,
    };
    if (stateFile !== null) this.#ledger = { ...this.#ledger, stateFile };
    if (draft.op === 'manifest') this.#ledger = { ...this.#ledger, manifestSize: seq + 1 };
    return record;
  }

  /** What only the place of a record decides: the digest of the counters, the `state` record that holds. */
  #detail(draft: AuditDraft, stateFile: Uint8Array | null): AuditDraft['detail'] {
    if (stateFile !== null) return { ...draft.detail, counters: countersDigest(stateFile) };
    if (draft.op !== 'manifest') return draft.detail;
    const { stateSeq } = this.#tip;
    if (stateSeq === null) throw new RonError('Internal', 'a manifest record needs a state record before it');
    return { ...draft.detail, state_seq: stateSeq };
  }
}
