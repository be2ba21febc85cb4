// The second provider: the noble libraries for everything that exists twice (D-02). It is a check on the native one and a
// documented setting, not a fallback. Ed25519 goes through crypto/ed25519-rule.ts and the point API: noble's own
// `ed25519.verify` multiplies by the cofactor and would give another verdict.

import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { argon2idAsync } from '@noble/hashes/argon2.js';
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { randomBytes } from '@noble/hashes/utils.js';
import { ml_kem768_x25519 } from '@noble/post-quantum/hybrid.js';
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js';
import { ml_kem512, ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { slh_dsa_sha2_128s } from '@noble/post-quantum/slh-dsa.js';
import { equalBytes } from '../bytes/equal.ts';
import { concat } from '../bytes/framing.ts';
import { wipe } from '../bytes/wipe.ts';
import { RonError } from '../errors.ts';
import { checkAeadKey } from './aead.ts';
import { isEd25519PublicKey, passesEd25519PreChecks } from './ed25519-rule.ts';
import { refusePublicKey, withOneShots } from './kem-key.ts';
import { checkSecret } from './key-object.ts';
import type { MlDsaSet } from './ml-dsa.ts';
import { isMlKemPublicKey, type MlKemSet } from './ml-kem.ts';
import type { Aead, Crypto, Kem, SignatureScheme, SigningKey } from './provider.ts';
import { AEADS, type AeadAlg, KEMS, type KemSuite, SIGNATURES, type SignatureSuite } from './suite.ts';
import { dhkem, isX25519PublicKey, refuseZero, type X25519 } from './x25519.ts';

/** A copy of a secret that is wiped on `destroy`; using it afterwards is a bug of the caller. */
class HeldSecret {
  readonly #bytes: Uint8Array;
  readonly #set: string;
  #gone = false;

  constructor(bytes: Uint8Array, set: string) {
    this.#bytes = Uint8Array.from(bytes);
    this.#set = set;
  }

  get(): Uint8Array {
    if (this.#gone) throw new RonError('Internal', `${this.#set}: the key was used after it was destroyed`);
    return this.#bytes;
  }

  destroy(): void {
    this.#gone = true;
    wipe(this.#bytes);
  }
}

function signingKey(
  suite: SignatureSuite,
  secret: Uint8Array,
  publicKey: Uint8Array,
  sign: (message: Uint8Array, secret: Uint8Array) => Uint8Array,
): SigningKey {
  const held = new HeldSecret(secret, suite.set);
  return {
    alg: suite.alg,
    publicKey,
    sign: async (message) => sign(message, held.get()),
    destroy: () => held.destroy(),
  };
}

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);

/** Step 5 of the verdict: bytes([S]B - [k]A) == R with k = SHA-512(R || A || M) mod L, without cofactor. */
function ed25519Equation(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const { Point } = ed25519;
  let a: InstanceType<typeof Point>;
  try {
    a = Point.fromBytes(publicKey, false);
  } catch {
    return false;
  }
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  const k = littleEndian(sha512(concat(r, publicKey, message))) % Point.Fn.ORDER;
  const computed = Point.BASE.multiplyUnsafe(s).add(a.negate().multiplyUnsafe(k));
  return equalBytes(computed.toBytes(), r);
}

function nobleEd25519(): SignatureScheme {
  const suite = SIGNATURES.ed25519;
  const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
    passesEd25519PreChecks(publicKey, signature) && ed25519Equation(publicKey, message, signature);
  return {
    suite,
    generate: async () => randomBytes(suite.secretBytes),
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      return signingKey(suite, secret, ed25519.getPublicKey(secret), (message, seed) => ed25519.sign(message, seed));
    },
    importPublic: (publicKey) => {
      if (!isEd25519PublicKey(publicKey)) return null;
      const bytes = Uint8Array.from(publicKey);
      return { alg: suite.alg, verify: (message, signature) => verify(bytes, message, signature) };
    },
    verify,
  };
}

const ML_DSA = { 'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 } as const;

/** Hedged signing with an empty context. ML-DSA-87 is reached by its vectors only. */
export function nobleMlDsa(set: MlDsaSet, suite: SignatureSuite): SignatureScheme {
  const scheme = ML_DSA[set];
  const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
    publicKey.length === suite.publicBytes &&
    signature.length === suite.signatureBytes &&
    scheme.verify(signature, message, publicKey);
  return {
    suite,
    generate: async () => randomBytes(suite.secretBytes),
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      const pair = scheme.keygen(secret);
      const key = signingKey(suite, pair.secretKey, pair.publicKey, (message, expanded) =>
        scheme.sign(message, expanded),
      );
      wipe(pair.secretKey);
      return key;
    },
    importPublic: (publicKey) => {
      if (publicKey.length !== suite.publicBytes) return null;
      const bytes = Uint8Array.from(publicKey);
      return { alg: suite.alg, verify: (message, signature) => verify(bytes, message, signature) };
    },
    verify,
  };
}

function nobleSlhDsa(): SignatureScheme {
  const suite = SIGNATURES['slh-dsa'];
  const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
    publicKey.length === suite.publicBytes &&
    signature.length === suite.signatureBytes &&
    slh_dsa_sha2_128s.verify(signature, message, publicKey);
  return {
    suite,
    generate: async () => slh_dsa_sha2_128s.keygen().secretKey,
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      return signingKey(suite, secret, slh_dsa_sha2_128s.getPublicKey(secret), (message, bytes) =>
        slh_dsa_sha2_128s.sign(message, bytes),
      );
    },
    importPublic: (publicKey) => {
      if (publicKey.length !== suite.publicBytes) return null;
      const bytes = Uint8Array.from(publicKey);
      return { alg: suite.alg, verify: (message, signature) => verify(bytes, message, signature) };
    },
    verify,
  };
}

export function nobleX25519(): X25519 {
  return {
    importSecret: (secret) => {
      checkSecret(secret, 'X25519', KEMS.x25519.secretBytes);
      const held = new HeldSecret(secret, 'X25519');
      return {
        publicKey: x25519.getPublicKey(secret),
        exchange: (publicKey) =>
          isX25519PublicKey(publicKey) ? refuseZero(x25519.getSharedSecret(held.get(), publicKey)) : null,
        destroy: () => held.destroy(),
      };
    },
  };
}

const ML_KEM = { 'ML-KEM-512': ml_kem512, 'ML-KEM-768': ml_kem768, 'ML-KEM-1024': ml_kem1024 } as const;

/** Sets other than ML-KEM-768 are reached by their vectors only. */
export function nobleMlKem(set: MlKemSet, suite: KemSuite): Kem {
  const kem = ML_KEM[set];
  return withOneShots({
    suite,
    generate: async () => randomBytes(suite.secretBytes),
    isPublicKey: (publicKey) => isMlKemPublicKey(publicKey, suite),
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      const pair = kem.keygen(secret);
      const held = new HeldSecret(pair.secretKey, suite.set);
      wipe(pair.secretKey);
      return {
        alg: suite.alg,
        publicKey: pair.publicKey,
        decapsulate: async (ciphertext) =>
          ciphertext.length === suite.ciphertextBytes ? kem.decapsulate(ciphertext, held.get()) : null,
        destroy: () => held.destroy(),
      };
    },
    encapsulate: async (publicKey) => {
      if (!isMlKemPublicKey(publicKey, suite)) refusePublicKey(suite);
      const made = kem.encapsulate(publicKey);
      return { shared: made.sharedSecret, ciphertext: made.cipherText };
    },
  });
}

/** noble's own X-Wing, not our combiner over its parts: the two are then a check on each other. */
function nobleXWing(): Kem {
  const suite = KEMS['x-wing'];
  const mBytes = KEMS['ml-kem'].publicBytes;
  const isPublicKey = (publicKey: Uint8Array): boolean =>
    publicKey.length === suite.publicBytes &&
    isMlKemPublicKey(publicKey.subarray(0, mBytes), KEMS['ml-kem']) &&
    isX25519PublicKey(publicKey.subarray(mBytes));
  return withOneShots({
    suite,
    generate: async () => randomBytes(suite.secretBytes),
    isPublicKey,
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      const held = new HeldSecret(secret, suite.set);
      return {
        alg: suite.alg,
        publicKey: ml_kem768_x25519.getPublicKey(secret),
        decapsulate: async (ciphertext) =>
          ciphertext.length === suite.ciphertextBytes &&
          isX25519PublicKey(ciphertext.subarray(KEMS['ml-kem'].ciphertextBytes))
            ? ml_kem768_x25519.decapsulate(ciphertext, held.get())
            : null,
        destroy: () => held.destroy(),
      };
    },
    encapsulate: async (publicKey) => {
      if (!isPublicKey(publicKey)) refusePublicKey(suite);
      const made = ml_kem768_x25519.encapsulate(publicKey);
      return { shared: made.sharedSecret, ciphertext: made.cipherText };
    },
  });
}

function nobleAead(alg: AeadAlg): Aead {
  const cipher = alg === 'aes-256-gcm' ? gcm : chacha20poly1305;
  return {
    seal: (key, nonce, aad, plaintext) => {
      checkAeadKey(alg, key, nonce);
      return cipher(key, nonce, aad).encrypt(plaintext);
    },
    open: (key, nonce, aad, sealed) => {
      checkAeadKey(alg, key, nonce);
      if (sealed.length < AEADS[alg].tagBytes) return null;
      try {
        return cipher(key, nonce, aad).decrypt(sealed);
      } catch {
        return null;
      }
    },
  };
}

let made: Crypto | undefined;

/** One value per process, so that self-tests run once. Unchecked: commands get theirs from crypto/select.ts. */
export function nobleCrypto(): Crypto {
  made ??= makeNoble();
  return made;
}

function makeNoble(): Crypto {
  const signatures = {
    ed25519: nobleEd25519(),
    'ml-dsa': nobleMlDsa('ML-DSA-65', SIGNATURES['ml-dsa']),
    'ml-dsa-44': nobleMlDsa('ML-DSA-44', SIGNATURES['ml-dsa-44']),
    'slh-dsa': nobleSlhDsa(),
  };
  const kems = {
    x25519: dhkem(nobleX25519()),
    'ml-kem': nobleMlKem('ML-KEM-768', KEMS['ml-kem']),
    'x-wing': nobleXWing(),
  };
  const aeads = {
    'chacha20-poly1305': nobleAead('chacha20-poly1305'),
    'aes-256-gcm': nobleAead('aes-256-gcm'),
  };
  return {
    provider: 'noble',
    signature: (alg) => signatures[alg],
    kem: (alg) => kems[alg],
    aead: (alg) => aeads[alg],
    scrypt: (passphrase, salt, { n, r, p }, lengthBytes) =>
      scryptAsync(passphrase, salt, { N: n, r, p, dkLen: lengthBytes, maxmem: 256 * n * r }),
    argon2id: (passphrase, salt, { mKib, t, p }, lengthBytes) =>
      argon2idAsync(passphrase, salt, { m: mKib, t, p, dkLen: lengthBytes }),
  };
}
