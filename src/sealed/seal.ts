// Sealing (store page 3): fresh salt and nonce per write, a key of its own per write, header bound as AAD.
//   record key = HKDF-SHA256(KEK for the root record, root key for all others; salt; info of the record id; 32)
//   kcv = first 8 bytes of HMAC-SHA256(KEK, "ron-kms/kcv/v1")
//   plaintext = u32be length, canonical JSON `meta`, secret bytes in the order that `meta` names
// Secrets never pass through a string; the plaintext buffer is wiped. GAP-29: no key is used for two writes.

import { canonicalBytes, type JsonObject } from '../bytes/canonical-json.ts';
import { concat, u32be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { wipe } from '../bytes/wipe.ts';
import { hmacSha256 } from '../crypto/hash.ts';
import { hkdfSha256 } from '../crypto/kdf.ts';
import type { Crypto } from '../crypto/provider.ts';
import { encodeHeader, KCV_BYTES, NONCE_BYTES, SALT_BYTES, type SealedHeader } from './header.ts';
import { deriveKek, KDF_SALT_BYTES, type KdfCost, type KdfParameters } from './kdf-parameters.ts';
import { recordInfo, type SealedRecordType } from './record-id.ts';

const RECORD_KEY_BYTES = 32;

export interface SealInput {
  readonly storeId: string;
  readonly id: string;
  readonly type: SealedRecordType;
  readonly generation: number;
  /** RFC 3339 UTC with milliseconds. */
  readonly createdAt: string;
  readonly meta: JsonObject;
  readonly secret: Uint8Array;
}

/** Fresh random bytes (Host.Random). */
export type RandomBytes = (length: number) => Uint8Array;

export function keyCheckValue(kek: Uint8Array): Uint8Array {
  return hmacSha256(kek, utf8('ron-kms/kcv/v1')).subarray(0, KCV_BYTES);
}

export function recordKey(parent: Uint8Array, salt: Uint8Array, type: SealedRecordType, id: string): Uint8Array {
  return hkdfSha256(parent, salt, recordInfo(type, id), RECORD_KEY_BYTES);
}

function sealUnder(crypto: Crypto, parent: Uint8Array, header: SealedHeader, input: SealInput): Uint8Array {
  const aad = encodeHeader(header);
  const meta = canonicalBytes(input.meta);
  const plaintext = concat(u32be(meta.length), meta, input.secret);
  const key = recordKey(parent, header.salt, input.type, input.id);
  try {
    return concat(aad, crypto.aead(header.aead).seal(key, header.nonce, aad, plaintext));
  } finally {
    wipe(plaintext, key);
  }
}

function commonHeader(random: RandomBytes, input: SealInput) {
  return {
    aead: 'chacha20-poly1305',
    created_at: input.createdAt,
    generation: input.generation,
    nonce: random(NONCE_BYTES),
    record_type: input.type,
    salt: random(SALT_BYTES),
    store_id: input.storeId,
  } as const;
}

/** The bytes of a record file under the root key. */
export function sealRecord(crypto: Crypto, random: RandomBytes, rootKey: Uint8Array, input: SealInput): Uint8Array {
  const kid = input.type === 'key-version' ? { kid: input.id } : {};
  return sealUnder(crypto, rootKey, { ...commonHeader(random, input), ...kid, key: 'record' }, input);
}

/** The bytes of a root record under a passphrase: one key derivation with a fresh salt. */
export async function sealRoot(
  crypto: Crypto,
  random: RandomBytes,
  passphrase: Uint8Array,
  cost: KdfCost,
  input: SealInput,
): Promise<Uint8Array> {
  const kdf: KdfParameters = { ...cost, salt: random(KDF_SALT_BYTES) };
  const kek = await deriveKek(crypto, passphrase, kdf);
  try {
    const header: SealedHeader = { ...commonHeader(random, input), key: 'root', kcv: keyCheckValue(kek), kdf };
    return sealUnder(crypto, kek, header, input);
  } finally {
    wipe(kek);
  }
}
