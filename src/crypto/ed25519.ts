// Ed25519 (RFC 8032, pure) on node:crypto. Step 5 of the verdict (crypto/ed25519-rule.ts) is OpenSSL's: it computes
// [S]B - [k]A without cofactor and compares the bytes with R. Signing takes 23 us and is done at once, not in the pool.

import { type KeyObject, randomBytes } from 'node:crypto';
import { isEd25519PublicKey, passesEd25519PreChecks } from './ed25519-rule.ts';
import {
  checkSecret,
  HeldKey,
  plain,
  privateKeyObject,
  publicBytesOf,
  publicKeyObject,
  signNow,
  verifyNow,
} from './key-object.ts';
import type { SignatureScheme } from './provider.ts';
import { SIGNATURES } from './suite.ts';

const suite = SIGNATURES.ed25519;

function judge(publicKey: Uint8Array, key: () => KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return passesEd25519PreChecks(publicKey, signature) && verifyNow(key(), message, signature);
}

export function nativeEd25519(): SignatureScheme {
  return {
    suite,
    generate: async () => plain(randomBytes(suite.secretBytes)),
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      const key = privateKeyObject('ed25519', secret);
      const held = new HeldKey(key, suite.set);
      return {
        alg: suite.alg,
        publicKey: publicBytesOf(key),
        sign: async (message) => signNow(held.get(), message),
        destroy: () => held.destroy(),
      };
    },
    importPublic: (publicKey) => {
      if (!isEd25519PublicKey(publicKey)) return null;
      const bytes = Uint8Array.from(publicKey);
      const key = publicKeyObject('ed25519', bytes);
      return { alg: suite.alg, verify: (message, signature) => judge(bytes, () => key, message, signature) };
    },
    verify: (publicKey, message, signature) =>
      judge(publicKey, () => publicKeyObject('ed25519', publicKey), message, signature),
  };
}
