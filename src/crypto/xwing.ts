// X-Wing (draft-connolly-cfrg-xwing-kem), KEM 0x647a: X25519 and ML-KEM-768 from one 32-byte seed.
//   SHAKE256(seed, 96) = ML-KEM seed 64 || X25519 secret 32
//   public key = ML-KEM 1184 || X25519 32        ciphertext = ML-KEM 1088 || X25519 32
//   secret = SHA3-256(ssM || ssX || ctX || pkX || 5c 2e 2f 2f 5e 5c)       label last
// Unlike the draft, an all-zero X25519 result is refused (keys page 2).

import { hash, randomBytes } from 'node:crypto';
import { concat } from '../bytes/framing.ts';
import { wipe } from '../bytes/wipe.ts';
import { sha3x256 } from './hash.ts';
import { refusePublicKey, withOneShots } from './kem-key.ts';
import { checkSecret, plain } from './key-object.ts';
import type { Kem } from './provider.ts';
import { KEMS } from './suite.ts';
import { isX25519PublicKey, type X25519 } from './x25519.ts';

const suite = KEMS['x-wing'];
const PUBLIC_M = KEMS['ml-kem'].publicBytes;
const CIPHERTEXT_M = KEMS['ml-kem'].ciphertextBytes;
const SEED_M = KEMS['ml-kem'].secretBytes;

const LABEL = Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c);

function combine(sharedM: Uint8Array, sharedX: Uint8Array, ctX: Uint8Array, pkX: Uint8Array): Uint8Array {
  const input = concat(sharedM, sharedX, ctX, pkX, LABEL);
  const shared = sha3x256(input);
  wipe(input, sharedM, sharedX);
  return shared;
}

/** The KEM over an exchange and ML-KEM-768 of one provider. */
export function xWing(x25519: X25519, mlKem: Kem): Kem {
  return withOneShots({
    suite,
    generate: async () => plain(randomBytes(suite.secretBytes)),
    isPublicKey: (publicKey) =>
      publicKey.length === suite.publicBytes &&
      mlKem.isPublicKey(publicKey.subarray(0, PUBLIC_M)) &&
      isX25519PublicKey(publicKey.subarray(PUBLIC_M)),
    importSecret: async (secret) => {
      checkSecret(secret, suite.set, suite.secretBytes);
      const expanded = hash('shake256', secret, { outputEncoding: 'buffer', outputLength: 96 });
      const keyM = await mlKem.importSecret(plain(expanded.subarray(0, SEED_M)));
      const keyX = x25519.importSecret(plain(expanded.subarray(SEED_M)));
      wipe(expanded);
      return {
        alg: suite.alg,
        publicKey: concat(keyM.publicKey, keyX.publicKey),
        decapsulate: async (ciphertext) => {
          if (ciphertext.length !== suite.ciphertextBytes) return null;
          const ctX = ciphertext.subarray(CIPHERTEXT_M);
          const sharedX = keyX.exchange(ctX);
          if (sharedX === null) return null;
          const sharedM = await keyM.decapsulate(ciphertext.subarray(0, CIPHERTEXT_M));
          return sharedM === null ? null : combine(sharedM, sharedX, ctX, keyX.publicKey);
        },
        destroy: () => {
          keyM.destroy();
          keyX.destroy();
        },
      };
    },
    encapsulate: async (publicKey) => {
      if (publicKey.length !== suite.publicBytes) refusePublicKey(suite);
      const pkX = publicKey.subarray(PUBLIC_M);
      const secret = randomBytes(KEMS.x25519.secretBytes);
      const ephemeral = x25519.importSecret(secret);
      wipe(secret);
      const sharedX = ephemeral.exchange(pkX) ?? refusePublicKey(suite);
      ephemeral.destroy();
      const madeM = await mlKem.encapsulate(publicKey.subarray(0, PUBLIC_M));
      return {
        shared: combine(madeM.shared, sharedX, ephemeral.publicKey, pkX),
        ciphertext: concat(madeM.ciphertext, ephemeral.publicKey),
      };
    },
  });
}
