// Inclusion and consistency proofs of RFC 6962 / RFC 9162 section 2.1.3-2.1.5, as pure functions over a hash reader.
// A consistency proof from size 0 proves nothing and is refused here; the witness protocol has its own rule for it.

import { equalBytes } from '../bytes/equal.ts';
import { HASH_BYTES, nodeHash } from './leaf.ts';
import { bit, foldRoot, frontierShape, type Subtree, shiftRight, splitPoint } from './tree.ts';

/** Hash of a perfect subtree of the log; throws when it cannot be read. */
export type HashReader = (subtree: Subtree) => Uint8Array;

/** Root of the leaves [from, to) where `from` is a multiple of the power of two covering the range. */
function rangeHash(read: HashReader, from: number, to: number): Uint8Array {
  const shape = frontierShape(to - from);
  let at = from;
  const hashes = shape.map(({ level }) => {
    const hash = read({ level, index: at / 2 ** level });
    at += 2 ** level;
    return hash;
  });
  return foldRoot(hashes);
}

/** RFC 6962 section 2.1.1: from the leaf upwards. */
export function inclusionProof(index: number, size: number, read: HashReader): Uint8Array[] {
  if (index < 0 || index >= size) throw new RangeError(`no record ${index} in a log of ${size}`);
  const walk = (from: number, to: number): Uint8Array[] => {
    if (to - from === 1) return [];
    const middle = from + splitPoint(to - from);
    return index < middle
      ? [...walk(from, middle), rangeHash(read, middle, to)]
      : [...walk(middle, to), rangeHash(read, from, middle)];
  };
  return walk(0, size);
}

/** RFC 6962 section 2.1.2. Needs 0 < oldSize <= size. */
export function consistencyProof(oldSize: number, size: number, read: HashReader): Uint8Array[] {
  if (oldSize <= 0 || oldSize > size) throw new RangeError(`no consistency proof from ${oldSize} to ${size}`);
  const walk = (from: number, to: number, whole: boolean): Uint8Array[] => {
    if (to === oldSize) return whole ? [] : [rangeHash(read, from, to)];
    const middle = from + splitPoint(to - from);
    return oldSize <= middle
      ? [...walk(from, middle, whole), rangeHash(read, middle, to)]
      : [...walk(middle, to, false), rangeHash(read, from, middle)];
  };
  return walk(0, size, true);
}

const isSize = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const trailingZeros = (value: number): number => {
  let count = 0;
  while (bit(value, count) === 0) count++;
  return count;
};

const bitLength = (value: number): number => {
  let length = 0;
  while (shiftRight(value, length) > 0) length++;
  return length;
};

/** RFC 9162 section 2.1.3.2. False for anything that does not prove it. */
export function verifyInclusion(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size) return false;
  if (leaf.length !== HASH_BYTES || proof.some((hash) => hash.length !== HASH_BYTES)) return false;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) {
        node = shiftRight(node, 1);
        last = shiftRight(last, 1);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    node = shiftRight(node, 1);
    last = shiftRight(last, 1);
  }
  return last === 0 && equalBytes(hash, root);
}

/** RFC 9162 section 2.1.4.2. False for anything that does not prove it, and for size 0 (D11). */
export function verifyConsistency(
  oldSize: number,
  size: number,
  oldRoot: Uint8Array,
  root: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(oldSize) || !isSize(size) || oldSize === 0 || oldSize > size) return false;
  if (oldRoot.length !== HASH_BYTES || proof.some((hash) => hash.length !== HASH_BYTES)) return false;
  if (oldSize === size) return proof.length === 0 && equalBytes(oldRoot, root);
  if (proof.length === 0) return false;
  let node = oldSize - 1;
  let last = size - 1;
  const skip = trailingZeros(oldSize);
  node = shiftRight(node, skip);
  last = shiftRight(last, skip);
  // A power of two is its own first hash.
  const path = node === 0 && bitLength(oldSize) === skip + 1 ? [oldRoot, ...proof] : proof;
  let old = path[0]!;
  let fresh = old;
  for (const sibling of path.slice(1)) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old);
      fresh = nodeHash(sibling, fresh);
      while (node % 2 === 0 && node !== 0) {
        node = shiftRight(node, 1);
        last = shiftRight(last, 1);
      }
    } else {
      fresh = nodeHash(fresh, sibling);
    }
    node = shiftRight(node, 1);
    last = shiftRight(last, 1);
  }
  return last === 0 && equalBytes(old, oldRoot) && equalBytes(fresh, root);
}
