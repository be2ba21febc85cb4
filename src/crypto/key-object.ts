// Raw key bytes as node:crypto KeyObjects, and the one place that calls crypto.sign and crypto.verify. Both take the
// KeyObject itself, never an options object: Node ignores a misspelt option (keys page 1), and none is wanted, because
// every signature of ours has an empty context and no pre-hash. The tests judge this by its effect.

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { RonError } from '../errors.ts';

/** OpenSSL names of the key types in use, with the raw form of their private half. */
const PRIVATE_FORMAT = {
  ed25519: 'raw-private',
  x25519: 'raw-private',
  'slh-dsa-sha2-128s': 'raw-private',
  'ml-dsa-44': 'raw-seed',
  'ml-dsa-65': 'raw-seed',
  'ml-dsa-87': 'raw-seed',
  'ml-kem-512': 'raw-seed',
  'ml-kem-768': 'raw-seed',
  'ml-kem-1024': 'raw-seed',
} as const;

export type KeyType = keyof typeof PRIVATE_FORMAT;

/** A Uint8Array over the same memory, so that no Buffer leaves this layer. */
export function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** Refuses a secret of the wrong length before anything is computed; the bytes are not in the error. */
export function checkSecret(secret: Uint8Array, set: string, lengthBytes: number): void {
  if (secret.length !== lengthBytes) {
    throw new RonError('InvalidValue', `${set}: a secret of ${lengthBytes} bytes is expected, ${secret.length} given`);
  }
}

export function privateKeyObject(type: KeyType, secret: Uint8Array): KeyObject {
  const key = Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength);
  return createPrivateKey({ key, format: PRIVATE_FORMAT[type], asymmetricKeyType: type });
}

export function publicKeyObject(type: KeyType, publicKey: Uint8Array): KeyObject {
  const key = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength);
  return createPublicKey({ key, format: 'raw-public', asymmetricKeyType: type });
}

/** The raw public half of a private key. */
export function publicBytesOf(key: KeyObject): Uint8Array {
  return plain(createPublicKey(key).export({ format: 'raw-public' }));
}

/** Stored form of a fresh private key. */
export function secretBytesOf(type: KeyType, key: KeyObject): Uint8Array {
  return plain(key.export({ format: PRIVATE_FORMAT[type] }));
}

export function signNow(key: KeyObject, message: Uint8Array): Uint8Array {
  return plain(sign(null, message, key));
}

/** Signs in the libuv pool. */
export function signInPool(key: KeyObject, message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    sign(null, message, key, (error, signature) => {
      if (error === null) resolve(plain(signature));
      else reject(error);
    });
  });
}

export function verifyNow(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, key, signature);
}

/** A private key that is dropped on `destroy`; using it afterwards is a bug of the caller. */
export class HeldKey {
  #key: KeyObject | null;
  readonly #set: string;

  constructor(key: KeyObject, set: string) {
    this.#key = key;
    this.#set = set;
  }

  get(): KeyObject {
    if (this.#key === null) throw new RonError('Internal', `${this.#set}: the key was used after it was destroyed`);
    return this.#key;
  }

  destroy(): void {
    this.#key = null;
  }
}
