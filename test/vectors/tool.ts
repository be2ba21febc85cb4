// The vector tool: what must never happen in the product, namely deterministic ML-DSA and SLH-DSA signatures and
// encapsulation with chosen randomness (keys page 12). Only noble can do it. Also the seeded bytes of the generators.

import { hash } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { slh_dsa_sha2_128s } from '@noble/post-quantum/slh-dsa.js';
import type { MlDsaSet } from '../../src/crypto/ml-dsa.ts';
import type { MlKemSet } from '../../src/crypto/ml-kem.ts';
import type { Encapsulation } from '../../src/crypto/provider.ts';
import type { KemAlg } from '../../src/crypto/suite.ts';
import { dhkemSecret } from '../../src/crypto/x25519.ts';

export const ML_DSA = { 'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 } as const;
export const ML_KEM = { 'ML-KEM-512': ml_kem512, 'ML-KEM-768': ml_kem768, 'ML-KEM-1024': ml_kem1024 } as const;

/** Bytes that depend on the label alone: SHAKE256("ronctl vectors" 00 label). */
export function seeded(label: string, lengthBytes: number): Uint8Array {
  return new Uint8Array(
    hash('shake256', `ronctl vectors\0${label}`, { outputEncoding: 'buffer', outputLength: lengthBytes }),
  );
}

/** ML-DSA.Sign of FIPS 204 with rnd = 32 zero bytes and an empty context. */
export function signMlDsa(set: MlDsaSet, seed: Uint8Array, message: Uint8Array): Uint8Array {
  const scheme = ML_DSA[set];
  return scheme.sign(message, scheme.keygen(seed).secretKey, { extraEntropy: false });
}

/** slh_sign of FIPS 205 with opt_rand = PK.seed and an empty context. */
export function signSlhDsa(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return slh_dsa_sha2_128s.sign(message, secret, { extraEntropy: false });
}

/** The 64-byte private key of three 16-byte seeds. */
export function slhDsaSecret(seed48: Uint8Array): Uint8Array {
  return slh_dsa_sha2_128s.keygen(seed48).secretKey;
}

export function encapsulateMlKem(set: MlKemSet, publicKey: Uint8Array, randomness: Uint8Array): Encapsulation {
  const made = ML_KEM[set].encapsulate(publicKey, randomness);
  return { shared: made.sharedSecret, ciphertext: made.cipherText };
}

/** Bytes of randomness that an encapsulation takes. */
export const RANDOMNESS_BYTES: Readonly<Record<KemAlg, number>> = { x25519: 32, 'ml-kem': 32, 'x-wing': 64 };

/** Randomness: the ephemeral X25519 secret; ML-KEM's m; both, m first (X-Wing's eseed). */
export function encapsulateWith(kem: KemAlg, publicKey: Uint8Array, randomness: Uint8Array): Encapsulation {
  if (kem === 'ml-kem') return encapsulateMlKem('ML-KEM-768', publicKey, randomness);
  if (kem === 'x-wing') {
    const made = ml_kem768_x25519.encapsulate(publicKey, randomness);
    return { shared: made.sharedSecret, ciphertext: made.cipherText };
  }
  const ciphertext = x25519.getPublicKey(randomness);
  return { shared: dhkemSecret(x25519.getSharedSecret(randomness, publicKey), ciphertext, publicKey), ciphertext };
}
