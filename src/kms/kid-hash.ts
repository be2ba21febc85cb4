// How a key is named in logs, events and labels (C-48): never by its kid, which holds the tenant and a UUID.

import { utf8 } from '../bytes/text.ts';
import { blake3Hex } from '../crypto/blake3.ts';

/** The first 8 hex of BLAKE3 over the kid without its version. */
export function kidHash(kid: string): string {
  return blake3Hex(utf8(kid.replace(/#v\d+$/, ''))).slice(0, 8);
}
