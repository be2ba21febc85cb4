// JSON as the ron-audit crate reads it: integers from -2^63 to 2^64-1 without loss, no fraction, exponent or -0, strings
// without lone surrogates, white space allowed, at most 127 arrays and objects inside one another. Members keep their order;
// what repeats one is told, and the last one counts. Refused (Malformed): anything else, with its offset.

import { RonError } from '../errors.ts';

export type Lossless = null | boolean | bigint | string | readonly Lossless[] | LosslessObject;

export interface LosslessObject {
  /** In the order of the text; a repeated name keeps the place of its first, as an ordered map does. */
  readonly members: ReadonlyMap<string, Lossless>;
  /** Names that stood more than once. */
  readonly repeated: readonly string[];
}

const DEPTH = 127;
const MIN = -(2n ** 63n);
const MAX = 2n ** 64n - 1n;
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\r\n]*/y;
const WORD = /true|false|null/y;

export const isObject = (value: Lossless): value is LosslessObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

class Reader {
  readonly #text: string;
  readonly #what: string;
  #at = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
  }

  whole(): Lossless {
    const value = this.#value(0);
    this.#take(SPACE);
    if (this.#at < this.#text.length) this.#refuse('bytes after the end of the value');
    return value;
  }

  #refuse(why: string): never {
    throw new RonError('Malformed', `${this.#what}: ${why} (offset ${this.#at})`);
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  #skip(character: string): boolean {
    this.#take(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #value(depth: number): Lossless {
    this.#take(SPACE);
    const first = this.#text[this.#at];
    if ((first === '{' || first === '[') && depth >= DEPTH) this.#refuse(`nested deeper than ${DEPTH}`);
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"') return this.#string();
    const word = this.#take(WORD);
    if (word !== null) return word[0] === 'null' ? null : word[0] === 'true';
    return this.#integer();
  }

  #integer(): bigint {
    const start = this.#at;
    const found = this.#take(NUMBER);
    if (found === null) return this.#refuse('no JSON value');
    const [text, fraction, exponent] = found;
    this.#at = start;
    if (fraction !== undefined || exponent !== undefined || text === '-0') {
      return this.#refuse(`floats are not allowed in audit payloads: ${text.slice(0, 40)}`);
    }
    if (text.length > 20) return this.#refuse(`beyond 64 bits: ${text.slice(0, 40)}`);
    const value = BigInt(text);
    if (value < MIN || value > MAX) return this.#refuse(`beyond 64 bits: ${text}`);
    this.#at = start + text.length;
    return value;
  }

  #string(): string {
    const found = this.#take(STRING);
    if (found === null) return this.#refuse('no string, or one that does not end');
    const value = JSON.parse(found[0]) as string;
    return value.isWellFormed() ? value : this.#refuse('a lone surrogate');
  }

  #array(depth: number): readonly Lossless[] {
    this.#at++;
    const items: Lossless[] = [];
    if (this.#skip(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#skip(','));
    return this.#skip(']') ? items : this.#refuse('`,` or `]` is expected');
  }

  #object(depth: number): LosslessObject {
    this.#at++;
    const members = new Map<string, Lossless>();
    const repeated: string[] = [];
    if (this.#skip('}')) return { members, repeated };
    do {
      this.#take(SPACE);
      const name = this.#string();
      if (!this.#skip(':')) this.#refuse('`:` is expected');
      if (members.has(name)) repeated.push(name);
      members.set(name, this.#value(depth + 1));
    } while (this.#skip(','));
    return this.#skip('}') ? { members, repeated } : this.#refuse('`,` or `}` is expected');
  }
}

/** Throws Malformed naming `what`. */
export const parseLossless = (text: string, what: string): Lossless => new Reader(text, what).whole();
