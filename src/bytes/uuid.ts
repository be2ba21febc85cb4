// UUIDs of RFC 9562: v7 for operation ids that ronctl makes, v4 for homes and keys, v8 for governed effects.
// Pure functions of given bytes; the caller brings time and randomness. Only lower case with hyphens is read; nil, max and
// other variants are refused.

import { fromHex, toHex } from './hex.ts';

const TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function format(bytes: Uint8Array, version: number): string {
  if (bytes.length !== 16) throw new RangeError(`a UUID has 16 bytes, not ${bytes.length}`);
  const out = bytes.slice();
  out[6] = (version << 4) | (out[6]! & 0x0f);
  out[8] = 0x80 | (out[8]! & 0x3f);
  const hex = toHex(out);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Version 4 over 16 random bytes (section 5.4). */
export function uuidV4(random16: Uint8Array): string {
  return format(random16, 4);
}

/** Version 7 (section 5.7): 48 bits of Unix ms, then `random16` from its seventh byte on. */
export function uuidV7(nowMs: number, random16: Uint8Array): string {
  if (!Number.isSafeInteger(nowMs) || nowMs < 0 || nowMs >= 2 ** 48)
    throw new RangeError(`time out of range: ${nowMs}`);
  const out = random16.slice();
  for (let i = 0, rest = nowMs; i < 6; i++, rest = Math.floor(rest / 256)) out[5 - i] = rest % 256;
  return format(out, 7);
}

/** Version 8 (section 5.8) over 16 given bytes; version and variant bits overwrite six of them. */
export function uuidV8(bytes16: Uint8Array): string {
  return format(bytes16, 8);
}

/** Version and raw bytes of a UUID in lower case with hyphens; null for anything else. */
export function parseUuid(text: string): { readonly version: number; readonly bytes: Uint8Array } | null {
  if (!TEXT.test(text)) return null;
  return { version: Number(text[14]), bytes: fromHex(text.replaceAll('-', ''))! };
}
