// ChaCha20-Poly1305 (RFC 8439) and AES-256-GCM (SP 800-38D) on node:crypto: key 32, nonce 12, tag 16 at the end. Refuses
// other lengths before any arithmetic, so that no short tag or odd nonce is ever judged.

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concat } from '../bytes/framing.ts';
import type { Aead } from './provider.ts';
import { AEADS, type AeadAlg } from './suite.ts';

/** A wrong key or nonce length is a bug of the caller: both are derived or generated, never received. */
export function checkAeadKey(alg: AeadAlg, key: Uint8Array, nonce: Uint8Array): void {
  const { keyBytes, nonceBytes } = AEADS[alg];
  if (key.length !== keyBytes) throw new RangeError(`${alg}: a key of ${keyBytes} bytes is expected`);
  if (nonce.length !== nonceBytes) throw new RangeError(`${alg}: a nonce of ${nonceBytes} bytes is expected`);
}

export function nativeAead(alg: AeadAlg): Aead {
  const { tagBytes } = AEADS[alg];
  // The union of cipher names selects no overload of @types/node, so the two calls are spelt out.
  const cipher = (key: Uint8Array, nonce: Uint8Array) =>
    alg === 'aes-256-gcm'
      ? createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      : createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes });
  const decipher = (key: Uint8Array, nonce: Uint8Array) =>
    alg === 'aes-256-gcm'
      ? createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      : createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: tagBytes });
  return {
    seal: (key, nonce, aad, plaintext) => {
      checkAeadKey(alg, key, nonce);
      const one = cipher(key, nonce);
      one.setAAD(aad, { plaintextLength: plaintext.length });
      const body = one.update(plaintext);
      return concat(body, one.final(), one.getAuthTag());
    },
    open: (key, nonce, aad, sealed) => {
      checkAeadKey(alg, key, nonce);
      if (sealed.length < tagBytes) return null;
      const one = decipher(key, nonce);
      one.setAuthTag(sealed.subarray(sealed.length - tagBytes));
      one.setAAD(aad, { plaintextLength: sealed.length - tagBytes });
      const body = one.update(sealed.subarray(0, sealed.length - tagBytes));
      try {
        one.final();
      } catch {
        body.fill(0);
        return null;
      }
      return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
    },
  };
}
