// XSalsa20-Poly1305 as NaCl's secretbox: key 32, nonce 24, tag of 16 bytes in front. Only macaroons use it, for the key of a
// third-party caveat; everything of our own is sealed with crypto/aead.ts. node:crypto has no Salsa20, so there is one
// implementation, loaded when it is asked for.

export const SECRETBOX_NONCE_BYTES = 24;
const KEY_BYTES = 32;
const TAG_BYTES = 16;

export interface Secretbox {
  /** tag || ciphertext */
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Null when the tag is wrong or the box is too short to have one. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Uint8Array | null;
}

function check(key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new RangeError(`secretbox: a key of ${KEY_BYTES} bytes is expected`);
  if (nonce.length !== SECRETBOX_NONCE_BYTES)
    throw new RangeError(`secretbox: a nonce of ${SECRETBOX_NONCE_BYTES} bytes is expected`);
}

export async function loadSecretbox(): Promise<Secretbox> {
  const { xsalsa20poly1305 } = await import('@noble/ciphers/salsa.js');
  return {
    seal: (key, nonce, plaintext) => {
      check(key, nonce);
      return xsalsa20poly1305(key, nonce).encrypt(plaintext);
    },
    open: (key, nonce, sealed) => {
      check(key, nonce);
      if (sealed.length < TAG_BYTES) return null;
      try {
        return xsalsa20poly1305(key, nonce).decrypt(sealed);
      } catch {
        return null;
      }
    },
  };
}
