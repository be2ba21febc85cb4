// Judges a ron-audit chain, record by record (I-50, log page 4.9): hash, link, seq, one writer and stream, the start at b3:0,
// and, as remarks, falling times and exceeded bounds. What no chain of this kind can show: that its end was not cut, and who
// wrote it.

import { RonError } from '../errors.ts';
import type { FindingCode } from './findings.ts';
import {
  exceededBounds,
  GENESIS_PREV,
  type HashRule,
  matchingRule,
  parseRonAudit,
  type RonAuditRecord,
} from './ron-audit.ts';

export interface ChainFinding {
  readonly code: FindingCode;
  readonly message: string;
  /** Number of the record in the file, from 0. */
  readonly index?: number;
}

export interface RonAuditVerdict {
  readonly records: number;
  /** With those that are no records. */
  readonly lines: number;
  /** Records by the rule under which their hash is right. */
  readonly rules: Readonly<Record<HashRule, number>>;
  readonly writer_id: string | null;
  readonly stream: string | null;
  /** Decimal; null for an empty chain. */
  readonly first_seq: string | null;
  readonly last_seq: string | null;
  /** self_hash of the last record. */
  readonly head: string | null;
  readonly findings: readonly ChainFinding[];
  readonly findings_total: number;
}

const KEPT = 100;

export class RonAuditChain {
  readonly #findings: ChainFinding[] = [];
  #total = 0;
  #records = 0;
  #parsed = 0;
  readonly #rules = { sorted: 0, declared: 0 };
  #first: RonAuditRecord | null = null;
  #last: RonAuditRecord | null = null;
  /** The line before was no record: its link and seq are unknown. */
  #broken = false;

  #add(code: FindingCode, message: string, index?: number): void {
    this.#total++;
    if (this.#findings.length < KEPT) this.#findings.push({ code, message, ...(index === undefined ? {} : { index }) });
  }

  /** One line without LF. Throws Malformed when the first one is no record: then the file is none of these. */
  push(text: string | null): void {
    const index = this.#records++;
    let record: RonAuditRecord;
    try {
      if (text === null) throw new RonError('Malformed', `record ${index}: not UTF-8`);
      record = parseRonAudit(text, `record ${index}`);
    } catch (error) {
      if (!(error instanceof RonError) || index === 0) throw error;
      this.#add('record-invalid', error.message, index);
      this.#broken = true;
      return;
    }
    this.#judge(record, index);
    this.#parsed++;
    this.#first ??= record;
    this.#last = record;
    this.#broken = false;
  }

  #judge(record: RonAuditRecord, index: number): void {
    const rule = matchingRule(record);
    if (rule === null) this.#add('hash-mismatch', 'self_hash is not that of the record under any rule', index);
    else this.#rules[rule]++;
    for (const bound of exceededBounds(record)) this.#add('bounds-exceeded', bound, index);
    const last = this.#last;
    if (last === null) {
      if (record.prev !== GENESIS_PREV) {
        this.#add(
          'chain-start',
          `prev of the first record is not ${GENESIS_PREV}: what came before is not here`,
          index,
        );
      }
      return;
    }
    if (record.stream !== last.stream || record.writer_id !== last.writer_id) {
      this.#add('mixed-chain', 'another writer or stream than the record before', index);
    }
    if (record.ts_ms < last.ts_ms) this.#add('wall-clock-fell', `ts_ms falls to ${record.ts_ms}`, index);
    if (this.#broken) return;
    if (record.prev !== last.self_hash)
      this.#add('link-mismatch', 'prev is not the self_hash of the record before', index);
    if (record.seq !== last.seq + 1n) this.#add('seq-mismatch', `seq ${record.seq} follows ${last.seq}`, index);
  }

  end(): RonAuditVerdict {
    if (this.#records === 0) this.#add('empty-chain', 'there is no record: nothing is shown to be complete');
    const first = this.#first;
    return {
      records: this.#parsed,
      lines: this.#records,
      rules: { ...this.#rules },
      writer_id: first?.writer_id ?? null,
      stream: first?.stream ?? null,
      first_seq: first === null ? null : String(first.seq),
      last_seq: this.#last === null ? null : String(this.#last.seq),
      head: this.#last?.self_hash ?? null,
      findings: this.#findings,
      findings_total: this.#total,
    };
  }
}
