// SLH-DSA-SHA2-128s (FIPS 205) on node:crypto: empty context, no pre-hash. The stored secret is the 64-byte private key
// SK.seed, SK.prf, PK.seed, PK.root, because Node exports no seed. A signature costs 0.2 s: always in the libuv pool.

import { generateKeyPair } from 'node:crypto';
import {
  checkSecret,
  HeldKey,
  privateKeyObject,
  publicBytesOf,
  publicKeyObject,
  secretBytesOf,
  signInPool,
  verifyNow,
} from './key-object.ts';
import type { SignatureScheme } from './provider.ts';
import { SIGNATURES } from './suite.ts';

const suite = SIGNATURES['slh-dsa'];
const TYPE = 'slh-dsa-sha2-128s';

export function nativeSlhDsa(): SignatureScheme {
  return {
    suite,
    generate: () =>
      new Promise((resolve, reject) => {
        generateKeyPair(TYPE, {}, (error, _publicKey, privateKey) => {
          if (error === null) resolve(secretBytesOf(TYPE, privateKey));
          else reject(error);
        });
      }),
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      const key = privateKeyObject(TYPE, secret);
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
      const key = publicKeyObject(TYPE, publicKey);
      return {
        alg: suite.alg,
        verify: (message, signature) => signature.length === suite.signatureBytes && verifyNow(key, message, signature),
      };
    },
    verify: (publicKey, message, signature) =>
      publicKey.length === suite.publicBytes &&
      signature.length === suite.signatureBytes &&
      verifyNow(publicKeyObject(TYPE, publicKey), message, signature),
  };
}
