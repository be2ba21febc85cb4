// The semantic pass over records in order (log page 4.3, 4.8): seq, kid counters, generations, monotonic clock, ledger
// order. A chain may start in the middle (a segment checked by a worker): then the first value of each kind is kept, and
// `join` compares the border. A fall of `ts` is listed, not judged.

import { LIMITS } from '../limits.ts';
import type { ChainRecord } from './chain-record.ts';
import type { KidCounters } from './counters.ts';
import type { FindingCode } from './findings.ts';
import { AUDIT_OPS } from './ops.ts';

export interface ChainProblem {
  readonly code: FindingCode;
  readonly seq: number;
  readonly message: string;
}

interface BootTime {
  readonly seq: number;
  readonly boot: string;
  readonly mono: number;
}

interface GenerationMark {
  readonly seq: number;
  readonly generation: number;
  /** Raised by this record, so that the one before was generation - 1. */
  readonly raised: boolean;
}

interface LedgerMark {
  readonly seq: number;
  readonly ledgerId: string;
  readonly ledgerSeq: number;
}

/** Plain data, structured-clonable: what a stretch of records says at its two borders. */
export interface ChainEnds {
  readonly kids: KidCounters;
  readonly firstKids: Map<string, { readonly seq: number; readonly kidSeq: number }>;
  readonly firstTime: BootTime | null;
  readonly lastTime: BootTime | null;
  readonly firstTs: string | null;
  readonly lastTs: string | null;
  readonly firstGeneration: GenerationMark | null;
  readonly lastGeneration: GenerationMark | null;
  readonly firstLedger: LedgerMark | null;
  readonly lastLedger: LedgerMark | null;
  readonly state: { readonly seq: number; readonly counters: string; readonly kids: KidCounters } | null;
}

const member = (record: ChainRecord, name: string): unknown => record.detail?.[name];

/** `complete`: nothing comes before this chain, so every kid starts at 1. */
export class RecordChain {
  #kids: KidCounters = new Map();
  readonly #firstKids = new Map<string, { seq: number; kidSeq: number }>();
  #firstTime: BootTime | null = null;
  #lastTime: BootTime | null = null;
  #firstTs: string | null = null;
  #lastTs: string | null = null;
  #firstGeneration: GenerationMark | null = null;
  #lastGeneration: GenerationMark | null = null;
  #firstLedger: LedgerMark | null = null;
  #lastLedger: LedgerMark | null = null;
  #state: { seq: number; counters: string; kids: KidCounters } | null = null;
  #complete: boolean;
  readonly #report: (problem: ChainProblem) => void;

  constructor(complete: boolean, report: (problem: ChainProblem) => void) {
    this.#complete = complete;
    this.#report = report;
  }

  /** Counters known from counters.json: from here on every kid is known. */
  seedCounters(kids: KidCounters): void {
    this.#kids = new Map(kids);
    this.#complete = true;
  }

  get kids(): KidCounters {
    return this.#kids;
  }

  get lastTime(): BootTime | null {
    return this.#lastTime;
  }

  get generation(): number | null {
    return this.#lastGeneration?.generation ?? null;
  }

  next(record: ChainRecord, seq: number): void {
    if (record.seq !== seq) this.#say('record-invalid', seq, `seq is ${record.seq}, expected ${seq}`);
    this.#time(seq, record.boot, record.mono, record.ts);
    if (record.kid !== undefined) this.#kid(record.kid, record.kidSeq, seq);
    if (record.generation !== undefined) {
      this.#generation({
        seq,
        generation: record.generation,
        raised: AUDIT_OPS[record.op].mutation && record.ok,
      });
    }
    if (record.op === 'ledger.append' && record.ok) {
      this.#ledger({
        seq,
        ledgerId: String(member(record, 'ledger_id')),
        ledgerSeq: Number(member(record, 'seq')),
      });
    } else if (record.op === 'state') {
      this.#state = { seq, counters: String(member(record, 'counters')), kids: new Map(this.#kids) };
    }
  }

  /** Checks the border to the stretch that follows, and takes over its end. */
  join(after: ChainEnds): void {
    const before = after.state === null ? null : new Map(this.#kids);
    for (const [kid, first] of after.firstKids) this.#kid(kid, first.kidSeq, first.seq);
    for (const [kid, last] of after.kids) this.#kids.set(kid, last);
    if (after.firstTime !== null) {
      this.#time(after.firstTime.seq, after.firstTime.boot, after.firstTime.mono, after.firstTs!);
      this.#lastTime = after.lastTime;
      this.#lastTs = after.lastTs;
    }
    if (after.firstGeneration !== null) {
      this.#generation(after.firstGeneration);
      this.#lastGeneration = after.lastGeneration;
    }
    if (after.firstLedger !== null) {
      this.#ledger(after.firstLedger);
      this.#lastLedger = after.lastLedger;
    }
    if (after.state !== null && before !== null) {
      this.#state = { ...after.state, kids: new Map([...before, ...after.state.kids]) };
    }
  }

  /** The newest `state` record and the counters that it must name; only for a complete chain. */
  get state(): { readonly seq: number; readonly counters: string; readonly kids: KidCounters } | null {
    return this.#state;
  }

  ends(): ChainEnds {
    return {
      kids: this.#kids,
      firstKids: this.#firstKids,
      firstTime: this.#firstTime,
      lastTime: this.#lastTime,
      firstTs: this.#firstTs,
      lastTs: this.#lastTs,
      firstGeneration: this.#firstGeneration,
      lastGeneration: this.#lastGeneration,
      firstLedger: this.#firstLedger,
      lastLedger: this.#lastLedger,
      state: this.#state,
    };
  }

  #say(code: FindingCode, seq: number, message: string): void {
    this.#report({ code, seq, message });
  }

  #kid(kid: string, kidSeq: number, seq: number): void {
    const last = this.#kids.get(kid);
    const expected = last === undefined ? (this.#complete ? 1 : null) : last + 1;
    if (expected === null) this.#firstKids.set(kid, { seq, kidSeq });
    else if (kidSeq !== expected) this.#say('counter', seq, `kid_seq of ${kid} is ${kidSeq}, expected ${expected}`);
    this.#kids.set(kid, kidSeq);
  }

  #time(seq: number, boot: string, mono: number, ts: string): void {
    const last = this.#lastTime;
    if (last !== null && last.boot === boot && mono < last.mono - LIMITS.clockSlackMs) {
      this.#say('clock', seq, `mono falls from ${last.mono} to ${mono} within one boot`);
    }
    if (this.#lastTs !== null && ts < this.#lastTs) {
      this.#say('wall-clock-fell', seq, `ts falls from ${this.#lastTs} to ${ts}`);
    }
    this.#lastTime = { seq, boot, mono };
    this.#lastTs = ts;
    this.#firstTime ??= this.#lastTime;
    this.#firstTs ??= ts;
  }

  #generation(mark: GenerationMark): void {
    const last = this.#lastGeneration;
    const before = mark.raised ? mark.generation - 1 : mark.generation;
    if (last !== null && last.generation !== before) {
      this.#say('generation', mark.seq, `generation ${mark.generation} follows ${last.generation}`);
    }
    this.#firstGeneration ??= mark;
    this.#lastGeneration = mark;
  }

  #ledger(mark: LedgerMark): void {
    const last = this.#lastLedger;
    if (last !== null && (last.ledgerId !== mark.ledgerId || mark.ledgerSeq <= last.ledgerSeq)) {
      this.#say('ledger-order', mark.seq, `ledger line ${mark.ledgerSeq} follows ${last.ledgerSeq}`);
    }
    this.#firstLedger ??= mark;
    this.#lastLedger = mark;
  }
}
