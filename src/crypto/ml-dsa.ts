// ML-DSA (FIPS 204) on node:crypto: empty context, no pre-hash (keys page 2), hedged signing in the libuv pool. The stored
// secret is the 32-byte seed. The parameter set follows from the suite; nothing negotiates it.

import { randomBytes } from 'node:crypto';
import {
  checkSecret,
  HeldKey,
  plain,
  privateKeyObject,
  publicBytesOf,
  publicKeyObject,
  signInPool,
  verifyNow,
} from './key-object.ts';
import type { SignatureScheme } from './provider.ts';
import type { SignatureSuite } from './suite.ts';

const TYPES = { 'ML-DSA-44': 'ml-dsa-44', 'ML-DSA-65': 'ml-dsa-65', 'ML-DSA-87': 'ml-dsa-87' } as const;

export type MlDsaSet = keyof typeof TYPES;

/** `set` decides the algorithm, `suite` its lengths; ML-DSA-87 is reached by its vectors only. */
export function nativeMlDsa(set: MlDsaSet, suite: SignatureSuite): SignatureScheme {
  const type = TYPES[set];
  return {
    suite,
    generate: async () => plain(randomBytes(suite.secretBytes)),
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      const key = privateKeyObject(type, secret);
      const held = new HeldKey(key, suite.set);
      return {
        alg: suite.alg,
        publicKey: publicBytesOf(key),
        sign: async (message) => signInPool(held.get(), message),
        destroy: () => held.destroy(),
      };
    },
    // Every 10-bit coefficient of t1 is in range, so length is all there is to check.
    importPublic: (publicKey) => {
      if (publicKey.length !== suite.publicBytes) return null;
      const key = publicKeyObject(type, publicKey);
      return {
        alg: suite.alg,
        verify: (message, signature) => signature.length === suite.signatureBytes && verifyNow(key, message, signature),
      };
    },
    verify: (publicKey, message, signature) =>
      publicKey.length === suite.publicBytes &&
      signature.length === suite.signatureBytes &&
      verifyNow(publicKeyObject(type, publicKey), message, signature),
  };
}
