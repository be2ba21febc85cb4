// HPKE (RFC 9180), base mode, one message with sequence 0; HKDF-SHA256 (0x0001); no PSK, no auth, no export (keys page 7).
//   KEM 0x0020 x25519, 0x0041 ml-kem, 0x647a x-wing        AEAD 0x0002 AES-256-GCM, 0x0003 ChaCha20-Poly1305
// DHKEM runs ExtractAndExpand inside the KEM; the secrets of 0x0041 and 0x647a enter the key schedule as they are.

import { concat, u16be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { wipe } from '../bytes/wipe.ts';
import { labeledExpand, labeledExtract } from './hpke-labels.ts';
import type { Crypto, DecapsulationKey } from './provider.ts';
import { AEADS, type AeadAlg, type KemAlg } from './suite.ts';

const KEM_IDS: Readonly<Record<KemAlg, number>> = { x25519: 0x0020, 'ml-kem': 0x0041, 'x-wing': 0x647a };
const AEAD_IDS: Readonly<Record<AeadAlg, number>> = { 'aes-256-gcm': 0x0002, 'chacha20-poly1305': 0x0003 };
const KDF_ID = 0x0001;

export interface HpkeSuite {
  readonly kem: KemAlg;
  readonly aead: AeadAlg;
}

const EMPTY = new Uint8Array(0);

/** KeySchedule of section 5.1 with mode_base; the nonce of sequence 0 is base_nonce itself. */
export function hpkeKeySchedule(
  suite: HpkeSuite,
  shared: Uint8Array,
  info: Uint8Array,
): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const { keyBytes, nonceBytes } = AEADS[suite.aead];
  const suiteId = concat(utf8('HPKE'), u16be(KEM_IDS[suite.kem]), u16be(KDF_ID), u16be(AEAD_IDS[suite.aead]));
  const pskIdHash = labeledExtract(suiteId, EMPTY, 'psk_id_hash', EMPTY);
  const infoHash = labeledExtract(suiteId, EMPTY, 'info_hash', info);
  const context = concat(Uint8Array.of(0), pskIdHash, infoHash);
  const secret = labeledExtract(suiteId, shared, 'secret', EMPTY);
  const key = labeledExpand(suiteId, secret, 'key', context, keyBytes);
  const nonce = labeledExpand(suiteId, secret, 'base_nonce', context, nonceBytes);
  wipe(secret);
  return { key, nonce };
}

/** Throws InvalidValue when the public key must be refused. */
export async function sealBase(
  crypto: Crypto,
  suite: HpkeSuite,
  publicKey: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Promise<{ readonly enc: Uint8Array; readonly ciphertext: Uint8Array }> {
  const { shared, ciphertext: enc } = await crypto.kem(suite.kem).encapsulate(publicKey);
  const { key, nonce } = hpkeKeySchedule(suite, shared, info);
  try {
    return { enc, ciphertext: crypto.aead(suite.aead).seal(key, nonce, aad, plaintext) };
  } finally {
    wipe(shared, key);
  }
}

/** Null for every failure, without a difference that the caller could show: decapsulation, all-zero X25519, AEAD. */
export async function openBase(
  crypto: Crypto,
  suite: HpkeSuite,
  secret: Uint8Array | DecapsulationKey,
  enc: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  ciphertext: Uint8Array,
): Promise<Uint8Array | null> {
  const shared =
    secret instanceof Uint8Array ? await crypto.kem(suite.kem).decapsulate(secret, enc) : await secret.decapsulate(enc);
  if (shared === null) return null;
  const { key, nonce } = hpkeKeySchedule(suite, shared, info);
  try {
    return crypto.aead(suite.aead).open(key, nonce, aad, ciphertext);
  } finally {
    wipe(shared, key);
  }
}
