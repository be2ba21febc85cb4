// RFC 8785 canonical JSON, restricted to what we sign (governance page 1): UTF-8 without BOM, integers within 2^53-1,
// no -0, no fraction or exponent, no lone surrogates, no duplicate members, at most 16 arrays and objects inside one
// another. Received bytes must equal their canonical form. The writer is the canonicalize package behind a guard: it drops
// `undefined` silently, we refuse it.

import canonicalize from 'canonicalize';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { fromUtf8, utf8 } from './text.ts';

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [member: string]: Json;
}

/** Throws a TypeError naming the member when a value is outside the restricted set: a bug of the caller. */
function guard(value: unknown, path: string, depth: number): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new TypeError(`${path}: not an integer in range`);
    return;
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new TypeError(`${path}: lone surrogate`);
    return;
  }
  if (depth >= LIMITS.jsonDepth) throw new TypeError(`${path}: nested deeper than ${LIMITS.jsonDepth}`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) guard(value[i], `${path}[${i}]`, depth + 1);
    return;
  }
  const prototype = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError(`${path}: not plain JSON`);
  for (const [member, inner] of Object.entries(value as object)) {
    if (!member.isWellFormed()) throw new TypeError(`${path}: member name with a lone surrogate`);
    guard(inner, path === '' ? member : `${path}.${member}`, depth + 1);
  }
}

/** Canonical text of a value; throws TypeError on undefined, floats, -0, lone surrogates, cycles and foreign objects. */
export function canonicalText(value: unknown): string {
  guard(value, '', 0);
  return canonicalize(value)!;
}

/** Canonical bytes of a value, without a final newline. */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8(canonicalText(value));
}

/** A file of ours: canonical bytes and one LF. */
export function canonicalFile(value: unknown): Uint8Array {
  return utf8(`${canonicalText(value)}\n`);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Recursive descent over the text; every refusal names the offset (or line and column) and the member path. */
class Parser {
  readonly #text: string;
  readonly #what: string;
  /** White space, any member order and any escape are accepted: a file that a person wrote. */
  readonly #byHand: boolean;
  #at = 0;

  constructor(text: string, what: string, byHand = false) {
    this.#text = text;
    this.#what = what;
    this.#byHand = byHand;
  }

  parse(): Json {
    const value = this.#value('', 0);
    this.#space();
    if (this.#at !== this.#text.length) this.#refuse('', 'bytes after the end of the value');
    return value;
  }

  #refuse(path: string, why: string): never {
    const place = path === '' ? this.#place() : `member ${path}, ${this.#place()}`;
    throw new RonError('Malformed', `${this.#what}: ${why} (${place})`, path === '' ? {} : { field: path });
  }

  #place(): string {
    if (!this.#byHand) return `offset ${this.#at}`;
    const before = this.#text.slice(0, this.#at).split('\n');
    return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
  }

  #space(): void {
    while (this.#byHand && ' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at++;
  }

  /** The next character that is no white space. */
  #peek(): string | undefined {
    this.#space();
    return this.#text[this.#at];
  }

  #value(path: string, depth: number): Json {
    this.#space();
    const first = this.#text[this.#at];
    if ((first === '{' || first === '[') && depth >= LIMITS.jsonDepth) {
      this.#refuse(path, `nested deeper than ${LIMITS.jsonDepth}`);
    }
    if (first === '{') return this.#object(path, depth);
    if (first === '[') return this.#array(path, depth);
    if (first === '"') return this.#string(path);
    if (first === '-' || (first !== undefined && first >= '0' && first <= '9')) return this.#number(path);
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#refuse(
      path,
      first === undefined
        ? 'the text ends too early'
        : this.#byHand
          ? 'no JSON value'
          : 'no JSON value, or white space',
    );
  }

  #object(path: string, depth: number): JsonObject {
    const out: Record<string, Json> = Object.create(null) as Record<string, Json>;
    this.#at++;
    if (this.#peek() === '}') {
      this.#at++;
      return out;
    }
    for (let previous: string | null = null; ; ) {
      if (this.#peek() !== '"') this.#refuse(path, 'a member name is expected');
      const name = this.#string(path);
      const inner = path === '' ? name : `${path}.${name}`;
      if (Object.hasOwn(out, name)) this.#refuse(inner, 'duplicate member');
      if (!this.#byHand && previous !== null && name < previous)
        this.#refuse(inner, 'members are not in canonical order');
      previous = name;
      if (this.#peek() !== ':') this.#refuse(inner, 'a colon is expected');
      this.#at++;
      out[name] = this.#value(inner, depth + 1);
      const next = this.#peek();
      if (next !== '}' && next !== ',') this.#refuse(path, 'a comma or a closing brace is expected');
      this.#at++;
      if (next === '}') return out;
    }
  }

  #array(path: string, depth: number): Json[] {
    const out: Json[] = [];
    this.#at++;
    if (this.#peek() === ']') {
      this.#at++;
      return out;
    }
    for (;;) {
      out.push(this.#value(`${path}[${out.length}]`, depth + 1));
      const next = this.#peek();
      if (next !== ']' && next !== ',') this.#refuse(path, 'a comma or a closing bracket is expected');
      this.#at++;
      if (next === ']') return out;
    }
  }

  #string(path: string): string {
    const start = this.#at;
    let end = start + 1;
    for (; ; end++) {
      const unit = this.#text.charCodeAt(end);
      if (Number.isNaN(unit)) this.#refuse(path, 'a string does not end');
      if (unit === QUOTE) break;
      if (unit === BACKSLASH) end++;
      else if (unit < 0x20) this.#refuse(path, 'a control character in a string');
    }
    const raw = this.#text.slice(start, end + 1);
    let value: string;
    try {
      value = JSON.parse(raw) as string;
    } catch {
      return this.#refuse(path, 'a bad escape in a string');
    }
    if (!value.isWellFormed()) this.#refuse(path, 'a lone surrogate');
    if (!this.#byHand && JSON.stringify(value) !== raw) this.#refuse(path, 'a string that is not in canonical form');
    this.#at = end + 1;
    return value;
  }

  #number(path: string): number {
    const match = /^-?(?:0|[1-9][0-9]*)/.exec(this.#text.slice(this.#at, this.#at + 32));
    if (match === null) return this.#refuse(path, 'not a number');
    const following = this.#text[this.#at + match[0].length];
    if (following !== undefined && /[0-9.eE+-]/.test(following)) {
      this.#refuse(path, 'only integers up to 2^53-1 without fraction, exponent or leading zero are allowed');
    }
    const value = Number(match[0]);
    if (!Number.isSafeInteger(value)) this.#refuse(path, 'an integer beyond 2^53-1');
    if (Object.is(value, -0)) this.#refuse(path, 'negative zero');
    this.#at += match[0].length;
    return value;
  }
}

/** Parses canonical text. Objects have no prototype. `what` names the input in errors (`Malformed`). */
export function parseCanonicalText(text: string, what: string): Json {
  return new Parser(text, what).parse();
}

/** Parses JSON that a person wrote: the same values, with white space, any member order and any escape. */
export function parseHandWritten(text: string, what: string): Json {
  return new Parser(text, what, true).parse();
}

/** Parses canonical bytes (no final newline). */
export function parseCanonical(bytes: Uint8Array, what: string): Json {
  const text = fromUtf8(bytes);
  if (text === null) throw new RonError('Malformed', `${what}: not UTF-8`);
  if (text.startsWith('\ufeff')) throw new RonError('Malformed', `${what}: starts with a byte order mark`);
  return parseCanonicalText(text, what);
}

/** Parses a file of ours: canonical bytes and exactly one LF. */
export function parseCanonicalFile(bytes: Uint8Array, what: string): Json {
  if (bytes.length === 0) throw new RonError('Malformed', `${what}: empty file`);
  if (bytes[bytes.length - 1] !== 0x0a)
    throw new RonError('Malformed', `${what}: does not end in one line feed; it may be cut off`);
  return parseCanonical(bytes.subarray(0, -1), what);
}
