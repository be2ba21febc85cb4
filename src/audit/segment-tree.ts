// Merkle hashes of up to 65,536 leaves, kept for every level, without an object per record. Hashes lie in pairs behind
// their node prefix: pair j of a level is 65 bytes, 0x01 ‖ left ‖ right, so that a node is hashed from a view.

import { sha256Latin1 } from '../crypto/hash.ts';
import { LIMITS } from '../limits.ts';
import { HASH_BYTES } from './leaf.ts';
import { TILE_WIDTH } from './tile.ts';
import { frontierShape } from './tree.ts';

const PAIR_BYTES = 1 + 2 * HASH_BYTES;
const NODE_PREFIX = 1;
const CAPACITY = LIMITS.auditSegmentRecords;

/** Offset of hash `index` in its level. */
const place = (index: number): number => (index >>> 1) * PAIR_BYTES + 1 + (index & 1) * HASH_BYTES;

export class SegmentTree {
  #levels: Buffer[] = [];
  #count = 0;

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

  /** `leaf` as 64 lower-case hex characters. */
  append(leaf: string): void {
    let index = this.#count++;
    let hashes = this.#level(0, index);
    hashes.write(leaf, place(index), HASH_BYTES, 'hex');
    for (let level = 1; (index & 1) === 1; level++) {
      const pair = (index >>> 1) * PAIR_BYTES;
      const hash = sha256Latin1(hashes.subarray(pair, pair + PAIR_BYTES));
      index >>>= 1;
      hashes = this.#level(level, index);
      hashes.write(hash, place(index), HASH_BYTES, 'latin1');
    }
  }

  #level(level: number, index: number): Buffer {
    const known = this.#levels[level];
    const needed = ((index >>> 1) + 1) * PAIR_BYTES;
    if (known !== undefined && known.length >= needed) return known;
    const pairs = Math.max(1, Math.min(CAPACITY >>> 1, ((known?.length ?? 0) / PAIR_BYTES) * 2, CAPACITY));
    const grown = Buffer.alloc(Math.max(pairs * PAIR_BYTES, needed));
    known?.copy(grown);
    for (let at = 0; at < grown.length; at += PAIR_BYTES) grown[at] = NODE_PREFIX;
    this.#levels[level] = grown;
    return grown;
  }

  hash(level: number, index: number): Buffer {
    const at = place(index);
    return this.#levels[level]!.subarray(at, at + HASH_BYTES);
  }

  /** Frontier hashes of the first `size` leaves, left to right, copied. */
  frontier(size: number): Uint8Array[] {
    return frontierShape(size).map(({ level, index }) => new Uint8Array(this.hash(level, index)));
  }

  /** Index of the first of `width` hashes at `level` from `first` on that differs from a tile, or null. */
  firstDifference(level: number, first: number, width: number, tile: Uint8Array): number | null {
    for (let at = 0; at < width; at++) {
      const from = place(first + at);
      const hashes = this.#levels[level]!;
      if (hashes.compare(tile, at * HASH_BYTES, (at + 1) * HASH_BYTES, from, from + HASH_BYTES) !== 0)
        return first + at;
    }
    return null;
  }

  /** The hashes of a tile at level 0 (leaves) or 1 (every 256). */
  tile(level: 0 | 1, first: number, width: number): Uint8Array {
    const out = new Uint8Array(width * HASH_BYTES);
    for (let at = 0; at < width; at++) out.set(this.hash(level === 0 ? 0 : 8, first + at), at * HASH_BYTES);
    return out;
  }
}

/** Tiles of levels 0 and 1 lie within one segment: 65,536 = 256 * 256. */
export const SEGMENT_TILES = CAPACITY / TILE_WIDTH;
