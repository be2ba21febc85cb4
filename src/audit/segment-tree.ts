// Merkle hashes of up to 65,536 leaves, kept for every level, without an object per record. Hashes lie in pairs behind
// their node prefix, 0x01 ‖ left ‖ right, so that a node is hashed from a view; three spare bytes before each pair put the
// hashes at words, which are compared faster than bytes.

import { sha256Latin1 } from '../crypto/hash.ts';
import { LIMITS } from '../limits.ts';
import { HASH_BYTES } from './leaf.ts';
import { frontierShape } from './tree.ts';

const SPARE_BYTES = 3;
const NODE_BYTES = 1 + 2 * HASH_BYTES;
const PAIR_BYTES = SPARE_BYTES + NODE_BYTES;
const NODE_PREFIX = 1;
const CAPACITY = LIMITS.auditSegmentRecords;
const WORDS = HASH_BYTES / 4;

/** Value of every lower-case hex digit; more than a byte for what is none. */
function hexDigits(): Uint16Array {
  const digits = new Uint16Array(256).fill(0x100);
  for (let value = 0; value < 16; value++) digits[value.toString(16).charCodeAt(0)] = value;
  return digits;
}

/** Offset of hash `index` in its level. */
const place = (index: number): number => (index >>> 1) * PAIR_BYTES + SPARE_BYTES + 1 + (index & 1) * HASH_BYTES;

/** What Buffer#write does in the end, without its checks: in a tree of short hashes they are a tenth of the time. */
interface Latin1Buffer extends Buffer {
  latin1Write(text: string, offset: number, length: number): number;
}

interface Level {
  readonly bytes: Latin1Buffer;
  readonly words: Int32Array;
}

function emptyLevel(pairs: number): Level {
  const bytes = Buffer.alloc(pairs * PAIR_BYTES) as Latin1Buffer;
  for (let at = SPARE_BYTES; at < bytes.length; at += PAIR_BYTES) bytes[at] = NODE_PREFIX;
  return { bytes, words: new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
}

export class SegmentTree {
  #levels: Level[] = [];
  #count = 0;
  readonly #digits = hexDigits();

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count === CAPACITY;
  }

  /** Starts again with no leaves; keeps its memory. */
  reset(): void {
    this.#count = 0;
  }

  /** `leaf` as latin1. */
  append(leaf: string): void {
    let index = this.#count++;
    let hashes = this.#level(0, index);
    hashes.latin1Write(leaf, place(index), HASH_BYTES);
    for (let level = 1; (index & 1) === 1; level++) {
      const node = hashes.byteOffset + (index >>> 1) * PAIR_BYTES + SPARE_BYTES;
      const hash = sha256Latin1(new Uint8Array(hashes.buffer, node, NODE_BYTES));
      index >>>= 1;
      hashes = this.#level(level, index);
      hashes.latin1Write(hash, place(index), HASH_BYTES);
    }
  }

  #level(level: number, index: number): Latin1Buffer {
    const known = this.#levels[level];
    const pair = index >>> 1;
    if (known !== undefined && known.bytes.length > pair * PAIR_BYTES) return known.bytes;
    const grown = emptyLevel(Math.max(1, pair * 2));
    if (known !== undefined) grown.bytes.set(known.bytes);
    this.#levels[level] = grown;
    return grown.bytes;
  }

  /** `leaves`: hashes one after the other. */
  appendAll(leaves: Uint8Array): void {
    const bytes = Buffer.from(leaves.buffer, leaves.byteOffset, leaves.length);
    for (let at = 0; at < bytes.length; at += HASH_BYTES) this.append(bytes.toString('latin1', at, at + HASH_BYTES));
  }

  /** The last leaf is what stands at `at` as 64 lower-case hex characters. */
  lastIs(text: Uint8Array, at: number): boolean {
    const leaves = this.#levels[0]!.bytes;
    const digits = this.#digits;
    const from = place(this.#count - 1);
    let differences = 0;
    for (let i = 0; i < HASH_BYTES; i++) {
      const value = (digits[text[at + 2 * i]!]! << 4) | digits[text[at + 2 * i + 1]!]!;
      differences |= value ^ leaves[from + i]!;
    }
    return differences === 0;
  }

  hash(level: number, index: number): Buffer {
    const at = place(index);
    return this.#levels[level]!.bytes.subarray(at, at + HASH_BYTES);
  }

  /** Frontier hashes of the first `size` leaves, left to right, copied. */
  frontier(size: number): Uint8Array[] {
    return frontierShape(size).map(({ level, index }) => new Uint8Array(this.hash(level, index)));
  }

  /** Index of the first of `width` hashes at `level` from `first` on that differs from a tile, or null. */
  firstDifference(level: number, first: number, width: number, tile: Uint8Array): number | null {
    if (width === 0) return null;
    const { words } = this.#levels[level]!;
    const aligned = tile.byteOffset % 4 === 0 ? tile : new Uint8Array(tile);
    const expected = new Int32Array(aligned.buffer, aligned.byteOffset, width * WORDS);
    for (let at = 0; at < width; at++) {
      const from = place(first + at) / 4;
      for (let i = 0; i < WORDS; i++) if (words[from + i] !== expected[at * WORDS + i]) return first + at;
    }
    return null;
  }
}
