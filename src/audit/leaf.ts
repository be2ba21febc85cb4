// RFC 6962 section 2.1 over SHA-256 (log page 4.3): leaf = SHA-256(0x00 ‖ line without LF), node = SHA-256(0x01 ‖ left ‖
// right), empty root = SHA-256(""). The prefixes keep a record from posing as a node.

import { concat } from '../bytes/framing.ts';
import { fromHex } from '../bytes/hex.ts';
import { sha256 } from '../crypto/hash.ts';

export const HASH_BYTES = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export function leafHash(line: Uint8Array): Uint8Array {
  return sha256(concat(LEAF, line));
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concat(NODE, left, right));
}

/** Root of the empty log. */
export function emptyRoot(): Uint8Array {
  return fromHex('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', HASH_BYTES)!;
}

/** `prev` of the first record of an epoch. */
export const NO_PREVIOUS = '0'.repeat(64);
