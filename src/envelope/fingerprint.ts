// Fingerprint of a signed object (governance page 1; R-27, I-36): 12 words of the English BIP-39 list for the first 132
// bits of H, most significant first, shown as three lines of four and compared by voice. No BIP-39 checksum is in it.

import { fromHex } from '../bytes/hex.ts';
import { bip39English } from './bip39-english.ts';

const WORDS = 12;
const BITS_PER_WORD = 11;

/** The 12 words of `sha256:<64 hex>`. Throws a RangeError for anything else: a bug of the caller. */
export function fingerprintWords(digestH: string): readonly string[] {
  const digest = digestH.startsWith('sha256:') ? fromHex(digestH.slice(7), 32) : null;
  if (digest === null) throw new RangeError(`not a sha256 digest: ${digestH}`);
  const list = bip39English();
  const words: string[] = [];
  for (let n = 0; n < WORDS; n++) {
    let index = 0;
    for (let bit = n * BITS_PER_WORD; bit < (n + 1) * BITS_PER_WORD; bit++) {
      index = (index << 1) | ((digest[bit >> 3]! >> (7 - (bit & 7))) & 1);
    }
    words.push(list[index]!);
  }
  return words;
}

/** Three lines of four words. */
export function fingerprintLines(digestH: string): readonly string[] {
  const words = fingerprintWords(digestH);
  return [0, 4, 8].map((from) => words.slice(from, from + 4).join(' '));
}
