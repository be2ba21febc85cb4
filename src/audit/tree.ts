// Merkle tree shapes of RFC 6962: the frontier of a growing log (one hash per 1-bit of its size), and the largest perfect
// subtrees of a range. Sizes are safe integers, so no 32-bit shifts here.

import { emptyRoot, nodeHash } from './leaf.ts';

/** `floor(value / 2^bits)`. */
export const shiftRight = (value: number, bits: number): number => Math.floor(value / 2 ** bits);
export const bit = (value: number, index: number): number => shiftRight(value, index) % 2;

/** Largest power of two below `size` (size >= 2). */
export function splitPoint(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** A perfect subtree: the leaves from `index * 2^level` on, `2^level` of them. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

/** The perfect subtrees that make up the leaves 0..size, from left to right. */
export function frontierShape(size: number): Subtree[] {
  const out: Subtree[] = [];
  for (let level = Math.ceil(Math.log2(size + 1)); level >= 0; level--) {
    if (bit(size, level) === 1) out.push({ level, index: shiftRight(size, level) - 1 });
  }
  return out;
}

/** Folds frontier hashes (left to right) to the root. */
export function foldRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let root: Uint8Array | null = null;
  for (let i = hashes.length - 1; i >= 0; i--) root = root === null ? hashes[i]! : nodeHash(hashes[i]!, root);
  return root ?? emptyRoot();
}

/** The frontier of a log that grows leaf by leaf. */
export class Frontier {
  #size = 0;
  /** Hash of the perfect subtree at each level whose bit is set in the size. */
  readonly #levels: (Uint8Array | null)[] = [];

  get size(): number {
    return this.#size;
  }

  /** Hashes in the order of `frontierShape(size)`. */
  static restore(size: number, hashes: readonly Uint8Array[]): Frontier {
    const shape = frontierShape(size);
    if (shape.length !== hashes.length) throw new RangeError('frontier of another size');
    const frontier = new Frontier();
    frontier.#size = size;
    for (const [at, { level }] of shape.entries()) frontier.#levels[level] = hashes[at]!;
    return frontier;
  }

  append(leaf: Uint8Array): void {
    this.appendSubtree(leaf, 0);
  }

  /** Appends a whole perfect subtree of 2^level leaves; the size must be a multiple of that. */
  appendSubtree(hash: Uint8Array, level: number): void {
    if (this.#size % 2 ** level !== 0) throw new RangeError('subtree at an unaligned size');
    let carry = hash;
    let at = level;
    for (; bit(this.#size, at) === 1; at++) {
      carry = nodeHash(this.#levels[at]!, carry);
      this.#levels[at] = null;
    }
    this.#levels[at] = carry;
    this.#size += 2 ** level;
  }

  hashes(): Uint8Array[] {
    return frontierShape(this.#size).map(({ level }) => this.#levels[level]!);
  }

  root(): Uint8Array {
    return foldRoot(this.hashes());
  }

  clone(): Frontier {
    return Frontier.restore(this.#size, this.hashes());
  }
}
