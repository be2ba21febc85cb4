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

/** Class bits that both bytes of a pair have, by the pair as a number. */
export function pairClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  for (const [bit, letters] of ALPHABETS) {
    for (let at = 0; at < letters.length; at++) classes[letters.charCodeAt(at)]! |= bit;
  }
  const pairs = new Uint8Array(65_536);
  for (let pair = 0; pair < pairs.length; pair++) pairs[pair] = classes[pair & 255]! & classes[pair >>> 8]!;
  return pairs;
}

const WORD_BYTES = 4;
const PAIR_BYTES = 2;
/** The pair of a byte with itself, by the byte. */
const TWICE = 257;

/** The offsets from which pieces of `size` cover [from, to); the last one may overlap the one before. */
function* cover(from: number, to: number, size: number): Generator<number> {
  for (let at = from; at + size <= to; at += size) yield at;
  if ((to - from) % size !== 0) yield to - size;
}

/** Where a value stands in the line, without quotes. */
interface Span {
  readonly from: number;
  readonly to: number;
}

export class LineShape {
  readonly #classes: Uint8Array;
  /** Offset and little-endian value of four equal bytes. */
  readonly #words: Int32Array;
  /** Offset and value of an equal byte. */
  readonly #bytes: Int32Array;
  /** Offset and class of two bytes. */
  readonly #pairs: Int32Array;
  /** Offset and class of one byte. */
  readonly #singles: Int32Array;
  readonly #record: ChainRecord;
  readonly #seq: Span;
  /** Where the value of `prev` begins. */
  readonly prevAt: number;
  readonly #ts: Span;
  readonly #mono: Span;
  readonly #kid: Span | null;
  readonly #kidSeq: Span | null;
  readonly #seconds: Span;
  readonly #millis: Span;
  /** Within its minute; neighbours often have the same time. */
  #lastMoment = -1;
  #lastTs = '';

  /** `text` was read as `record`; its members behind `detail` start at `rest`. */
  constructor(text: string, record: ChainRecord, rest: number, classes: Uint8Array) {
    this.#record = record;
    this.#classes = classes;
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
    const prev = span('prev')!;
    this.prevAt = prev.from;
    this.#ts = span('ts')!;
    this.#mono = span('mono', '')!;
    const kid = span('kid');
    this.#kid = kid === null ? null : { from: kid.from, to: text.lastIndexOf('#', kid.to) };
    this.#kidSeq = span('kid_seq', '');
    for (const one of [this.#seq, this.#mono, this.#kidSeq]) counter(one);
    hex(prev);
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
    this.#seconds = { from: seconds, to: seconds + 2 };
    this.#millis = { from: seconds + 3, to: seconds + 6 };
    const literal = Buffer.from(text, 'latin1');
    const words: number[] = [];
    const bytes: number[] = [];
    const pairs: number[] = [];
    const singles: number[] = [];
    for (let from = 0, to = 1; to <= marks.length; to++) {
      const kind = marks[from]!;
      if (to < marks.length && marks[to] === kind) continue;
      if (kind !== LITERAL && to - from < PAIR_BYTES) singles.push(from, kind);
      else if (kind !== LITERAL) for (const at of cover(from, to, PAIR_BYTES)) pairs.push(at, kind);
      else if (to - from < WORD_BYTES) for (let at = from; at < to; at++) bytes.push(at, literal[at]!);
      else for (const at of cover(from, to, WORD_BYTES)) words.push(at, literal.readInt32LE(at));
      from = to;
    }
    this.#words = Int32Array.from(words);
    this.#bytes = Int32Array.from(bytes);
    this.#pairs = Int32Array.from(pairs);
    this.#singles = Int32Array.from(singles);
  }

  /** The record of the line at `start`, or null. The caller has compared the length. `view` is that of `bytes`. */
  read(bytes: Buffer, view: DataView, start: number): ChainRecord | null {
    return this.#matches(view, start) ? this.#take(bytes, start) : null;
  }

  #matches(view: DataView, start: number): boolean {
    const words = this.#words;
    const bytes = this.#bytes;
    const pairs = this.#pairs;
    const singles = this.#singles;
    const classes = this.#classes;
    for (let i = 0; i < words.length; i += 2) {
      if (view.getInt32(start + words[i]!, true) !== words[i + 1]) return false;
    }
    for (let i = 0; i < pairs.length; i += 2) {
      if ((classes[view.getUint16(start + pairs[i]!, true)]! & pairs[i + 1]!) === 0) return false;
    }
    for (let i = 0; i < bytes.length; i += 2) {
      if (view.getUint8(start + bytes[i]!) !== bytes[i + 1]) return false;
    }
    for (let i = 0; i < singles.length; i += 2) {
      if ((classes[view.getUint8(start + singles[i]!) * TWICE]! & singles[i + 1]!) === 0) return false;
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
    const moment = number(this.#seconds) * 1000 + number(this.#millis);
    if (moment !== this.#lastMoment) {
      this.#lastMoment = moment;
      this.#lastTs = text(this.#ts);
    }
    return {
      seq: number(this.#seq),
      ts: this.#lastTs,
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
