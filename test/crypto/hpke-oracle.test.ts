// Our HPKE against @hpke/core and @hpke/hybridkem-x-wing, both ways, and on the published vectors of wrap suites 1-4. The
// packages have no ML-KEM-768 alone and no ChaCha20-Poly1305 of their own: those parts are adapters over noble, so that for
// them the key schedule is what is compared.

import {
  type AeadInterface,
  Aes256Gcm,
  CipherSuite,
  DhkemX25519HkdfSha256,
  HkdfSha256,
  type KemInterface,
} from '@hpke/core';
import { XWing } from '@hpke/hybridkem-x-wing';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { type HpkeSuite, openBase, sealBase } from '../../src/crypto/hpke.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { bytesOf } from '../vectors/crypto-operations.ts';
import { readSuite } from '../vectors/own-format.ts';

type Bytes = ArrayBufferLike | ArrayBufferView;

const bytes = (input: Bytes): Uint8Array =>
  ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);
const buffer = (input: Uint8Array): ArrayBuffer => Uint8Array.from(input).buffer;

/** ChaCha20-Poly1305 for @hpke/core. */
class ChaCha implements AeadInterface {
  readonly id = 3;
  readonly keySize = 32;
  readonly nonceSize = 12;
  readonly tagSize = 16;

  createEncryptionContext(key: Bytes) {
    const cipher = (iv: Bytes, aad: Bytes) => chacha20poly1305(bytes(key), bytes(iv), bytes(aad));
    return {
      seal: async (iv: Bytes, data: Bytes, aad: Bytes) => buffer(cipher(iv, aad).encrypt(bytes(data))),
      open: async (iv: Bytes, data: Bytes, aad: Bytes) => buffer(cipher(iv, aad).decrypt(bytes(data))),
    };
  }
}

/** Keys of the adapter below: the bytes themselves, in the place where @hpke/core keeps a CryptoKey. */
const asKey = (raw: Uint8Array): CryptoKey => raw as unknown as CryptoKey;
const asBytes = (key: unknown): Uint8Array => key as Uint8Array;

const absent = (): never => {
  throw new Error('the oracle does not need this');
};

/** ML-KEM-768 as KEM 0x0041 for @hpke/core. */
class MlKem implements KemInterface {
  readonly id = 0x0041 as KemInterface['id'];
  readonly secretSize = 32;
  readonly encSize = 1088;
  readonly publicKeySize = 1184;
  readonly privateKeySize = 64;
  readonly serializePublicKey = absent;
  readonly serializePrivateKey = absent;
  readonly importKey = absent;
  readonly generateKeyPair = absent;
  readonly deriveKeyPair = absent;
  readonly deserializePublicKey = async (key: Bytes) => asKey(bytes(key));
  readonly deserializePrivateKey = async (key: Bytes) => asKey(bytes(key));

  readonly encap: KemInterface['encap'] = async ({ recipientPublicKey }) => {
    const made = ml_kem768.encapsulate(asBytes(recipientPublicKey));
    return { sharedSecret: buffer(made.sharedSecret), enc: buffer(made.cipherText) };
  };

  readonly decap: KemInterface['decap'] = async ({ recipientKey, enc }) => {
    const { secretKey } = ml_kem768.keygen(asBytes(recipientKey));
    return buffer(ml_kem768.decapsulate(bytes(enc), secretKey));
  };
}

function oracle(suite: HpkeSuite): CipherSuite {
  const kems = { x25519: () => new DhkemX25519HkdfSha256(), 'ml-kem': () => new MlKem(), 'x-wing': () => new XWing() };
  const aead = suite.aead === 'aes-256-gcm' ? new Aes256Gcm() : new ChaCha();
  return new CipherSuite({ kem: kems[suite.kem](), kdf: new HkdfSha256(), aead });
}

const info = utf8('info of the message');
const aad = utf8('additional data');
const plaintext = utf8('thirty-two bytes of a secret key');

const SUITES: readonly HpkeSuite[] = [
  { kem: 'x-wing', aead: 'chacha20-poly1305' },
  { kem: 'x-wing', aead: 'aes-256-gcm' },
  { kem: 'x25519', aead: 'chacha20-poly1305' },
  { kem: 'ml-kem', aead: 'chacha20-poly1305' },
];

describe.each(SUITES)('$kem with $aead', (suite) => {
  it.each([nativeCrypto(), nobleCrypto()])('$provider and @hpke open each other', async (crypto) => {
    const secret = await crypto.kem(suite.kem).generate();
    const publicKey = await crypto.kem(suite.kem).publicKey(secret);
    const theirs = oracle(suite);
    const recipientKey = await theirs.kem.deserializePrivateKey(secret);
    const recipientPublicKey = await theirs.kem.deserializePublicKey(publicKey);

    const ours = await sealBase(crypto, suite, publicKey, info, aad, plaintext);
    const opened = await theirs.open({ recipientKey, enc: ours.enc, info }, ours.ciphertext, aad);
    expect(new Uint8Array(opened)).toEqual(plaintext);
    await expect(theirs.open({ recipientKey, enc: ours.enc, info: aad }, ours.ciphertext, aad)).rejects.toThrow();

    const sealed = await theirs.seal({ recipientPublicKey, info }, plaintext, aad);
    const [enc, ciphertext] = [new Uint8Array(sealed.enc), new Uint8Array(sealed.ct)];
    expect(await openBase(crypto, suite, secret, enc, info, aad, ciphertext)).toEqual(plaintext);
  });

  it('@hpke opens the published vector', async () => {
    const vectors = readSuite('crypto/hpke.json').vectors.filter(
      ({ in: given }) => given['op'] === 'hpke-seal' && given['kem'] === suite.kem && given['aead'] === suite.aead,
    );
    expect(vectors.length).toBe(1);
    const { in: given, out } = vectors[0]!;
    const theirs = oracle(suite);
    const recipientKey = await theirs.kem.deserializePrivateKey(bytesOf(given, 'secret'));
    const opened = await theirs.open(
      { recipientKey, enc: bytesOf(out!, 'enc'), info: bytesOf(given, 'info') },
      bytesOf(out!, 'ciphertext'),
      bytesOf(given, 'aad'),
    );
    expect(new Uint8Array(opened)).toEqual(bytesOf(given, 'plaintext'));
  });
});
