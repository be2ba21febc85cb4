// Lines of a log mostly repeat one another: same members, same lengths, other digests, counters and times. A shape is learned
// from a line that was accepted in full and matches others of the same length byte by byte: equal outside the changing
// fields, and of the right class of characters inside them. So a match is accepted in full as well; no match says nothing.

import type { ChainRecord } from './chain-record.ts';

const LITERAL = 0;
const HEX = 1;
const DIGIT = 2;
const NOT_ZERO = 4;
/** 0..5, the tens of a second. */
const TENS = 8;
const BASE64URL = 16;
/** Last character of 16 bytes in base64url, and the variant digit of a UUID. */
const LAST = 32;
const VARIANT = 64;

const ALPHABETS: readonly (readonly [number, string])[] = [
  [HEX, '0123456789abcdef'],
  [DIGIT, '0123456789'],
  [NOT_ZERO, '123456789'],
  [TENS, '012345'],
  [BASE64URL, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'],
  [LAST, 'AQgw'],
  [VARIANT, '89ab'],
];

/** Class bits of every byte value. */
export function byteClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  for (const [bit, letters] of ALPHABETS) {
    for (let at = 0; at < letters.length; at++) classes[letters.charCodeAt(at)]! |= bit;
  }
  return classes;
}

/** Where a value stands in the line, without quotes. */
interface Span {
  readonly from: number;
  readonly to: number;
}

export class LineShape {
  readonly #literal: Uint8Array;
  readonly #classes: Uint8Array;
  /** from, to, class; covering the line. */
  readonly #runs: Int32Array;
  readonly #record: ChainRecord;
  readonly #seq: Span;
  readonly #prev: Span;
  readonly #ts: Span;
  readonly #mono: Span;
  readonly #kid: Span | null;
  readonly #kidSeq: Span | null;

  /** `text` was read as `record`; its members behind `detail` start at `rest`. */
  constructor(text: string, record: ChainRecord, rest: number, classes: Uint8Array) {
    this.#record = record;
    this.#classes = classes;
    this.#literal = Buffer.from(text, 'latin1');
    const marks = new Uint8Array(text.length);
    const span = (member: string, prefix = '"'): Span | null => {
      const marker = `"${member}":${prefix}`;
      const at = text.indexOf(marker, rest);
      if (at < 0) return null;
      const from = at + marker.length;
      const end = prefix === '' ? text.indexOf(',', from) : text.indexOf('"', from);
      return { from, to: end };
    };
    const mark = (one: Span | null, kind: number): void => {
      if (one !== null) marks.fill(kind, one.from, one.to);
    };
    const hex = (one: Span | null): void => {
      if (one === null) return;
      for (let at = one.from; at < one.to; at++) marks[at] = text[at] === '-' ? LITERAL : HEX;
    };
    const counter = (one: Span | null): void => {
      mark(one, DIGIT);
      // A single 0 stays what it is; a longer number does not begin with 0.
      if (one !== null) marks[one.from] = text[one.from] === '0' ? LITERAL : NOT_ZERO;
    };
    this.#seq = span('seq', '')!;
    this.#prev = span('prev')!;
    this.#ts = span('ts')!;
    this.#mono = span('mono', '')!;
    const kid = span('kid');
    this.#kid = kid === null ? null : { from: kid.from, to: text.lastIndexOf('#', kid.to) };
    this.#kidSeq = span('kid_seq', '');
    for (const one of [this.#seq, this.#mono, this.#kidSeq]) counter(one);
    hex(this.#prev);
    mark(span('input_hash', '"b3:'), HEX);
    mark(span('req'), HEX);
    if (this.#kid !== null) hex({ from: this.#kid.to - 36, to: this.#kid.to });
    const opId = span('op_id')!;
    hex(opId);
    marks[opId.from + 14] = LITERAL;
    marks[opId.from + 19] = VARIANT;
    const r = span('r')!;
    mark(r, BASE64URL);
    marks[r.to - 1] = LAST;
    // Up to the minute the time is equal, so that it is a real one; then SS.mmm.
    const seconds = this.#ts.from + '2026-01-31T23:59:'.length;
    marks[seconds] = TENS;
    for (const at of [1, 3, 4, 5]) marks[seconds + at] = DIGIT;
    const runs: number[] = [];
    for (let from = 0, at = 1; at <= marks.length; at++) {
      if (at < marks.length && marks[at] === marks[from]) continue;
      runs.push(from, at, marks[from]!);
      from = at;
    }
    this.#runs = Int32Array.from(runs);
  }

  /** The record of the line at `start`, or null. The caller has compared the length. */
  read(bytes: Buffer, start: number): ChainRecord | null {
    return this.#matches(bytes, start) ? this.#take(bytes, start) : null;
  }

  #matches(bytes: Uint8Array, start: number): boolean {
    const literal = this.#literal;
    const classes = this.#classes;
    const runs = this.#runs;
    for (let run = 0; run < runs.length; run += 3) {
      const to = runs[run + 1]!;
      const kind = runs[run + 2]!;
      if (kind === LITERAL) {
        for (let at = runs[run]!; at < to; at++) if (bytes[start + at] !== literal[at]) return false;
      } else {
        let common = kind;
        for (let at = runs[run]!; at < to; at++) common &= classes[bytes[start + at]!]!;
        if (common === 0) return false;
      }
    }
    return true;
  }

  #take(bytes: Buffer, start: number): ChainRecord {
    const { boot, op, ok, detail } = this.#record;
    const text = (span: Span): string => bytes.toString('latin1', start + span.from, start + span.to);
    const number = (span: Span): number => {
      let value = 0;
      for (let at = start + span.from; at < start + span.to; at++) value = value * 10 + bytes[at]! - 0x30;
      return value;
    };
    return {
      seq: number(this.#seq),
      prev: text(this.#prev),
      ts: text(this.#ts),
      mono: number(this.#mono),
      boot,
      op,
      ok,
      kid: this.#kid === null ? undefined : text(this.#kid),
      kidSeq: this.#kidSeq === null ? 0 : number(this.#kidSeq),
      generation: undefined,
      detail,
    };
  }
}
