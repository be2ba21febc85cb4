// Key derivation: HKDF-SHA256 (RFC 5869) as a plain import, scrypt (RFC 7914) and argon2id (RFC 9106) of the native
// provider. HKDF is written on HMAC because node:crypto's refuses an `info` over 1024 bytes, which the standard allows.

import { argon2, scrypt } from 'node:crypto';
import { concat, u8 } from '../bytes/framing.ts';
import { wipe } from '../bytes/wipe.ts';
import { hmacSha256 } from './hash.ts';
import { plain } from './key-object.ts';
import type { Crypto } from './provider.ts';

const HASH_BYTES = 32;

/** A pseudorandom key of 32 bytes; an empty salt stands for 32 zero bytes. */
export function hkdfExtract(salt: Uint8Array, inputKey: Uint8Array): Uint8Array {
  return hmacSha256(salt, inputKey);
}

/** `lengthBytes` from 1 to 8160 (255 blocks). */
export function hkdfExpand(pseudorandomKey: Uint8Array, info: Uint8Array, lengthBytes: number): Uint8Array {
  if (!Number.isInteger(lengthBytes) || lengthBytes < 1 || lengthBytes > 255 * HASH_BYTES) {
    throw new RangeError(`HKDF-SHA256: 1 to ${255 * HASH_BYTES} bytes can be derived, not ${lengthBytes}`);
  }
  const out = new Uint8Array(lengthBytes);
  let block: Uint8Array = new Uint8Array(0);
  for (let done = 0, counter = 1; done < lengthBytes; done += HASH_BYTES, counter++) {
    const next = hmacSha256(pseudorandomKey, concat(block, info, u8(counter)));
    wipe(block);
    block = next;
    out.set(block.subarray(0, lengthBytes - done), done);
  }
  wipe(block);
  return out;
}

export function hkdfSha256(inputKey: Uint8Array, salt: Uint8Array, info: Uint8Array, lengthBytes: number): Uint8Array {
  const pseudorandomKey = hkdfExtract(salt, inputKey);
  try {
    return hkdfExpand(pseudorandomKey, info, lengthBytes);
  } finally {
    wipe(pseudorandomKey);
  }
}

/** The memory ceiling is twice what scrypt needs, so that the parameters are judged by their owner and not by Node. */
export const nativeScrypt: Crypto['scrypt'] = (passphrase, salt, { n, r, p }, lengthBytes) =>
  new Promise((resolve, reject) => {
    scrypt(passphrase, salt, lengthBytes, { N: n, r, p, maxmem: 256 * n * r }, (error, key) => {
      if (error === null) resolve(plain(key));
      else reject(error);
    });
  });

export const nativeArgon2id: Crypto['argon2id'] = (passphrase, salt, { mKib, t, p }, lengthBytes) =>
  new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      { message: passphrase, nonce: salt, memory: mKib, passes: t, parallelism: p, tagLength: lengthBytes },
      (error, key) => {
        if (error === null) resolve(plain(key));
        else reject(error);
      },
    );
  });
