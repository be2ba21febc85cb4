// The port to primitives that exist twice: node:crypto (`native`) and noble (keys page 1). A `Crypto` value is passed in;
// SHA-256, SHA-3, HMAC, HKDF and BLAKE3 are plain imports of crypto/hash.ts and crypto/kdf.ts.
// Private-key operations and KDFs return promises; verify, hash and AEAD are synchronous.

import type { AeadAlg, KemAlg, KemSuite, SignatureAlg, SignatureSuite } from './suite.ts';

export type ProviderName = 'native' | 'noble';

/** An imported private key; `sign` may be called any number of times until `destroy`. */
export interface SigningKey {
  readonly alg: SignatureAlg;
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Promise<Uint8Array>;
  /** Drops the key and wipes what can be wiped. */
  destroy(): void;
}

/** An imported public key, for repeated verification. */
export interface VerifyingKey {
  readonly alg: SignatureAlg;
  /** Never throws for bad bytes: a signature of the wrong length or form is false. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

export interface SignatureScheme {
  readonly suite: SignatureSuite;
  /** A fresh stored secret (`suite.secretBytes`). */
  generate(): Promise<Uint8Array>;
  importSecret(secret: Uint8Array): Promise<SigningKey>;
  /** Null when the bytes are no valid public key (length, encoding, small order). */
  importPublic(publicKey: Uint8Array): VerifyingKey | null;
  /** One-shot; false for any malformed input. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
}

export interface Encapsulation {
  readonly shared: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** An imported private key; `decapsulate` may be called any number of times until `destroy`. */
export interface DecapsulationKey {
  readonly alg: KemAlg;
  readonly publicKey: Uint8Array;
  /** Null when the ciphertext is refused (length, all-zero X25519). ML-KEM itself rejects implicitly. */
  decapsulate(ciphertext: Uint8Array): Promise<Uint8Array | null>;
  destroy(): void;
}

export interface Kem {
  readonly suite: KemSuite;
  generate(): Promise<Uint8Array>;
  importSecret(secret: Uint8Array): Promise<DecapsulationKey>;
  publicKey(secret: Uint8Array): Promise<Uint8Array>;
  /** False for a public key that must be refused (length, FIPS 203 modulus check, low order). */
  isPublicKey(publicKey: Uint8Array): boolean;
  /** Throws InvalidValue for a public key that `isPublicKey` refuses. */
  encapsulate(publicKey: Uint8Array): Promise<Encapsulation>;
  /** One-shot: `importSecret`, `decapsulate`, `destroy`. */
  decapsulate(secret: Uint8Array, ciphertext: Uint8Array): Promise<Uint8Array | null>;
}

export interface Aead {
  /** Ciphertext with the 16-byte tag at its end. */
  seal(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Null when the tag does not match. */
  open(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

export interface Crypto {
  readonly provider: ProviderName;
  signature(alg: SignatureAlg): SignatureScheme;
  kem(alg: KemAlg): Kem;
  aead(alg: AeadAlg): Aead;
  scrypt(
    passphrase: Uint8Array,
    salt: Uint8Array,
    cost: { readonly n: number; readonly r: number; readonly p: number },
    lengthBytes: number,
  ): Promise<Uint8Array>;
  argon2id(
    passphrase: Uint8Array,
    salt: Uint8Array,
    cost: { readonly mKib: number; readonly t: number; readonly p: number },
    lengthBytes: number,
  ): Promise<Uint8Array>;
}
