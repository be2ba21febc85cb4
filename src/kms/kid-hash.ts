// How a key is named in logs, events and labels (C-48): never by its kid, which holds the tenant and a UUID.

import { utf8 } from '../bytes/text.ts';
import { blake3Hex } from '../crypto/blake3.ts';

/** The same keys sign again and again: a hash costs more than the rest of a log line. */
const REMEMBERED = 4096;
const known = new Map<string, string>();

/** The first 8 hex of BLAKE3 over the kid without its version. */
export function kidHash(kid: string): string {
  const end = kid.lastIndexOf('#v');
  const plain = end < 0 ? kid : kid.slice(0, end);
  let hash = known.get(plain);
  if (hash === undefined) {
    hash = blake3Hex(utf8(plain)).slice(0, 8);
    if (known.size >= REMEMBERED) known.clear();
    known.set(plain, hash);
  }
  return hash;
}
