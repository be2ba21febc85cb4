// ML-KEM (FIPS 203) on node:crypto. The stored secret is the 64-byte seed d || z. Decapsulation rejects implicitly: a
// wrong key or a changed ciphertext gives another secret, which shows up as an AEAD failure.

import { decapsulate, encapsulate, type KeyObject, randomBytes } from 'node:crypto';
import { refusePublicKey, withOneShots } from './kem-key.ts';
import { checkSecret, HeldKey, plain, privateKeyObject, publicBytesOf, publicKeyObject } from './key-object.ts';
import type { Kem } from './provider.ts';
import type { KemSuite } from './suite.ts';

const TYPES = { 'ML-KEM-512': 'ml-kem-512', 'ML-KEM-768': 'ml-kem-768', 'ML-KEM-1024': 'ml-kem-1024' } as const;

export type MlKemSet = keyof typeof TYPES;

const Q = 3329;
const RHO_BYTES = 32;
/** Recipients whose public key stays imported: that costs as much as the encapsulation. */
const RECIPIENTS_KEPT = 64;

/** Length, and the modulus check of FIPS 203 section 7.2: every 12-bit coefficient of t is below q. */
export function isMlKemPublicKey(bytes: Uint8Array, suite: KemSuite): boolean {
  if (bytes.length !== suite.publicBytes) return false;
  for (let i = 0; i < bytes.length - RHO_BYTES; i += 3) {
    const middle = bytes[i + 1]!;
    if ((bytes[i]! | ((middle & 0x0f) << 8)) >= Q || ((middle >> 4) | (bytes[i + 2]! << 4)) >= Q) return false;
  }
  return true;
}

/** `set` decides the algorithm, `suite` its lengths; sets other than ML-KEM-768 are reached by their vectors only. */
export function nativeMlKem(set: MlKemSet, suite: KemSuite): Kem {
  const type = TYPES[set];
  const recipients = new Map<string, KeyObject>();
  const recipient = (publicKey: Uint8Array): KeyObject => {
    const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength).toString('latin1');
    const known = recipients.get(name);
    if (known !== undefined) return known;
    if (!isMlKemPublicKey(publicKey, suite)) refusePublicKey(suite);
    const key = publicKeyObject(type, publicKey);
    if (recipients.size >= RECIPIENTS_KEPT) recipients.clear();
    recipients.set(name, key);
    return key;
  };
  return withOneShots({
    suite,
    generate: async () => plain(randomBytes(suite.secretBytes)),
    isPublicKey: (publicKey) => isMlKemPublicKey(publicKey, suite),
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      const key = privateKeyObject(type, secret);
      const held = new HeldKey(key, suite.set);
      return {
        alg: suite.alg,
        publicKey: publicBytesOf(key),
        decapsulate: async (ciphertext) =>
          ciphertext.length === suite.ciphertextBytes ? plain(decapsulate(held.get(), ciphertext)) : null,
        destroy: () => held.destroy(),
      };
    },
    encapsulate: async (publicKey) => {
      const made = encapsulate(recipient(publicKey));
      return { shared: plain(made.sharedKey), ciphertext: plain(made.ciphertext) };
    },
  });
}
