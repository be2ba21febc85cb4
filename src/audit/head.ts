// The authenticated head (log page 4.5): 8,192 bytes, two slots at offsets 0 and 4,096, written in turn.
//   slot = u64be size ‖ root[32] ‖ tag[32]
//   tag  = HMAC-SHA256(K, "ron-audit/head/v1" 00 origin 00 u64be size ‖ root)
// Current = valid tag with the larger size. One torn sector spares the other slot. Attack: an unkeyed tail is
// edited while the service is down, and the restarted service signs it.

import { equalBytes } from '../bytes/equal.ts';
import { concat, readU64be, u8, u64be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { hmacSha256 } from '../crypto/hash.ts';

export const HEAD_FILE_BYTES = 8192;
export const SLOT_OFFSETS = [0, 4096] as const;
export const SLOT_BYTES = 72;
/** HKDF info of K, from the root key, no salt, 32 bytes. */
export const HEAD_KEY_INFO = 'ron-kms/audit-tail/v1';

export interface HeadSlot {
  readonly size: number;
  readonly root: Uint8Array;
}

export function headTag(key: Uint8Array, origin: string, slot: HeadSlot): Uint8Array {
  return hmacSha256(key, concat(utf8('ron-audit/head/v1'), u8(0), utf8(origin), u8(0), u64be(slot.size), slot.root));
}

export function encodeSlot(key: Uint8Array, origin: string, slot: HeadSlot): Uint8Array {
  return concat(u64be(slot.size), slot.root, headTag(key, origin, slot));
}

/** The two slots as written, unchecked; null for one that was never written or is cut off. */
export function readSlots(file: Uint8Array): readonly ((HeadSlot & { readonly tag: Uint8Array }) | null)[] {
  return SLOT_OFFSETS.map((offset) => {
    const bytes = file.subarray(offset, offset + SLOT_BYTES);
    if (bytes.length < SLOT_BYTES || bytes.every((byte) => byte === 0)) return null;
    const size = readU64be(bytes, 0);
    return size === null ? null : { size, root: bytes.slice(8, 40), tag: bytes.slice(40, 72) };
  });
}

/** The current head under any of the keys (two during a root rotation), with its slot number and key; null = none valid. */
export function currentHead(
  file: Uint8Array,
  keys: readonly Uint8Array[],
  origin: string,
): (HeadSlot & { readonly slot: number; readonly key: Uint8Array }) | null {
  let best: (HeadSlot & { readonly slot: number; readonly key: Uint8Array }) | null = null;
  for (const [number, slot] of readSlots(file).entries()) {
    if (slot === null || file.length !== HEAD_FILE_BYTES) continue;
    const key = keys.find((one) => equalBytes(headTag(one, origin, slot), slot.tag));
    if (key !== undefined && (best === null || slot.size > best.size)) {
      best = { size: slot.size, root: slot.root, slot: number, key };
    }
  }
  return best;
}
