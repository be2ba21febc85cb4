// SHA-256, SHA-512, SHA-3 and HMAC from node:crypto. BLAKE3 is in crypto/blake3.ts, so that only its users load it.

import { createHash, createHmac, hash } from 'node:crypto';

/** A text is hashed as UTF-8. */
export function sha256Hex(input: Uint8Array | string): string {
  return hash('sha256', input, 'hex');
}

/** With a length node:crypto does not look at the name of the algorithm again: 15 % of a short hash. */
const LATIN1 = { outputEncoding: 'latin1', outputLength: 32 } as const;

/** The 32 bytes as a latin1 string, for bulk hashing into a buffer without an allocation per hash. */
export function sha256Latin1(bytes: Uint8Array): string {
  return hash('sha256', bytes, LATIN1);
}

/** By way of the string: the runtime needs longer for a buffer than for a short hash. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = sha256Latin1(bytes);
  const out = new Uint8Array(32);
  for (let at = 0; at < out.length; at++) out[at] = digest.charCodeAt(at);
  return out;
}

export function sha512(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha512', bytes, 'buffer'));
}

export function sha3x256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(hash('sha3-256', bytes, 'buffer'));
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(message).digest());
}

/** SHA-256 of bytes that come in pieces; `hex` ends it. */
export function sha256Stream(): { update(bytes: Uint8Array): void; hex(): string } {
  const stream = createHash('sha256');
  return {
    update: (bytes) => {
      stream.update(bytes);
    },
    hex: () => stream.digest('hex'),
  };
}
