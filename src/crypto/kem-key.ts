// What every KEM shares: the one-shot forms on top of `importSecret`, and the refusal of a public key.

import { RonError } from '../errors.ts';
import type { Kem } from './provider.ts';
import type { KemSuite } from './suite.ts';

/** Completes a KEM with `publicKey` and `decapsulate` of a secret in bytes. */
export function withOneShots(kem: Omit<Kem, 'publicKey' | 'decapsulate'>): Kem {
  return {
    ...kem,
    publicKey: async (secret) => {
      const key = await kem.importSecret(secret);
      const publicKey = key.publicKey;
      key.destroy();
      return publicKey;
    },
    decapsulate: async (secret, ciphertext) => {
      const key = await kem.importSecret(secret);
      try {
        return await key.decapsulate(ciphertext);
      } finally {
        key.destroy();
      }
    },
  };
}

export function refusePublicKey(suite: KemSuite): never {
  throw new RonError('InvalidValue', `${suite.set}: not a valid public key (${suite.publicBytes} bytes are expected)`);
}
