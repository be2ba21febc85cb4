// X25519 (RFC 7748) and DHKEM(X25519, HKDF-SHA256) of RFC 9180 section 4.1 on top of it. Refuses public keys of low order,
// and an all-zero result in every KEM (keys page 2): it would make the shared secret independent of our key.

import { diffieHellman, type KeyObject, randomBytes } from 'node:crypto';
import { equalBytes } from '../bytes/equal.ts';
import { concat, u16be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { wipe } from '../bytes/wipe.ts';
import { labeledExpand, labeledExtract } from './hpke-labels.ts';
import { refusePublicKey, withOneShots } from './kem-key.ts';
import { checkSecret, HeldKey, plain, privateKeyObject, publicBytesOf, publicKeyObject } from './key-object.ts';
import type { Kem } from './provider.ts';
import { KEMS } from './suite.ts';

const suite = KEMS.x25519;

/** The exchange of one provider. */
export interface X25519 {
  importSecret(secret: Uint8Array): X25519Key;
}

export interface X25519Key {
  readonly publicKey: Uint8Array;
  /** The raw 32-byte result; null for a public key of another length or of low order. */
  exchange(publicKey: Uint8Array): Uint8Array | null;
  destroy(): void;
}

// u of the low-order points on curve and twist: 0, 1, two of order 8, p - 1, p, p + 1. Bit 255 is ignored by X25519.
const LOW_ORDER_U: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => Uint8Array.from(Buffer.from(hex, 'hex')));

/** True for 32 bytes that are not of low order. */
export function isX25519PublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== suite.publicBytes) return false;
  const u = Uint8Array.from(bytes);
  u[31]! &= 0x7f;
  return !LOW_ORDER_U.some((low) => equalBytes(low, u));
}

/** Null in place of an all-zero result. */
export function refuseZero(result: Uint8Array): Uint8Array | null {
  return result.every((byte) => byte === 0) ? null : result;
}

export function nativeX25519(): X25519 {
  const held = (key: KeyObject): X25519Key => {
    const slot = new HeldKey(key, suite.set);
    return {
      publicKey: publicBytesOf(key),
      exchange: (publicKey) =>
        isX25519PublicKey(publicKey)
          ? refuseZero(
              plain(diffieHellman({ privateKey: slot.get(), publicKey: publicKeyObject('x25519', publicKey) })),
            )
          : null,
      destroy: () => slot.destroy(),
    };
  };
  return {
    importSecret: (secret) => {
      checkSecret(secret, 'X25519', suite.secretBytes);
      return held(privateKeyObject('x25519', secret));
    },
  };
}

const SUITE_ID = concat(utf8('KEM'), u16be(0x0020));
const NO_SALT = new Uint8Array(0);

/** ExtractAndExpand of RFC 9180 section 4.1 with kem_context = enc || pkR. */
export function dhkemSecret(exchanged: Uint8Array, enc: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const prk = labeledExtract(SUITE_ID, NO_SALT, 'eae_prk', exchanged);
  const shared = labeledExpand(SUITE_ID, prk, 'shared_secret', concat(enc, publicKey), suite.sharedBytes);
  wipe(prk);
  return shared;
}

export function dhkem(x25519: X25519): Kem {
  return withOneShots({
    suite,
    generate: async () => plain(randomBytes(suite.secretBytes)),
    isPublicKey: isX25519PublicKey,
    importSecret: async (secret) => {
      const key = x25519.importSecret(secret);
      return {
        alg: suite.alg,
        publicKey: key.publicKey,
        decapsulate: async (ciphertext) => {
          const exchanged = key.exchange(ciphertext);
          if (exchanged === null) return null;
          const shared = dhkemSecret(exchanged, ciphertext, key.publicKey);
          wipe(exchanged);
          return shared;
        },
        destroy: () => key.destroy(),
      };
    },
    encapsulate: async (publicKey) => {
      const secret = randomBytes(suite.secretBytes);
      const ephemeral = x25519.importSecret(secret);
      wipe(secret);
      const exchanged = ephemeral.exchange(publicKey) ?? refusePublicKey(suite);
      const ciphertext = ephemeral.publicKey;
      ephemeral.destroy();
      const shared = dhkemSecret(exchanged, ciphertext, publicKey);
      wipe(exchanged);
      return { shared, ciphertext };
    },
  });
}
