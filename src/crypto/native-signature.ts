// A post-quantum signature scheme on node:crypto: empty context, no pre-hash (keys page 2), signing in the libuv pool. What
// differs between ML-DSA and SLH-DSA is the key type and how a secret is made. Refuses keys and signatures of another length;
// an encoding of the right length has nothing else to check.

import {
  checkSecret,
  HeldKey,
  type KeyType,
  privateKeyObject,
  publicBytesOf,
  publicKeyObject,
  signInPool,
  verifyNow,
} from './key-object.ts';
import type { SignatureScheme } from './provider.ts';
import type { SignatureSuite } from './suite.ts';

/** `generate` gives the stored form of a new secret. */
export function nativeSignature(
  type: KeyType,
  suite: SignatureSuite,
  generate: SignatureScheme['generate'],
): SignatureScheme {
  return {
    suite,
    generate,
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
