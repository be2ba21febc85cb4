// Both providers through the port: lengths, cross-verification, refusals. What one makes the other must accept.

import { describe, expect, it } from 'vitest';
import { blake3, blake3Hex, blake3Stream, checkAgainstReference } from '../../src/crypto/blake3.ts';
import { openBase, sealBase } from '../../src/crypto/hpke.ts';
import { hkdfSha256 } from '../../src/crypto/kdf.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Crypto } from '../../src/crypto/provider.ts';
import { AEADS, type AeadAlg, KEMS, type KemAlg, SIGNATURES, type SignatureAlg } from '../../src/crypto/suite.ts';

const native = nativeCrypto();
const noble = nobleCrypto();
const both = [native, noble];
const pairs: readonly (readonly [string, Crypto, Crypto])[] = [
  ['native to noble', native, noble],
  ['noble to native', noble, native],
];
const message = new TextEncoder().encode('a message of ordinary length');
const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, bytes[at]! ^ 1);

describe.each(Object.values(SIGNATURES))('$set', (suite) => {
  const alg: SignatureAlg = suite.alg;

  it.each(pairs)('%s: same public key, and the signature is accepted', async (_name, from, to) => {
    const secret = await from.signature(alg).generate();
    expect(secret.length).toBe(suite.secretBytes);
    const key = await from.signature(alg).importSecret(secret);
    const other = await to.signature(alg).importSecret(secret);
    expect(other.publicKey).toEqual(key.publicKey);
    expect(key.publicKey.length).toBe(suite.publicBytes);

    const signature = await key.sign(message);
    expect(signature.length).toBe(suite.signatureBytes);
    for (const judge of both) {
      const scheme = judge.signature(alg);
      const imported = scheme.importPublic(key.publicKey)!;
      expect(scheme.verify(key.publicKey, message, signature)).toBe(true);
      expect(imported.verify(message, signature)).toBe(true);
      for (const bad of [flip(signature, 0), flip(signature, signature.length - 1)]) {
        expect(scheme.verify(key.publicKey, message, bad)).toBe(false);
        expect(imported.verify(message, bad)).toBe(false);
      }
      expect(scheme.verify(key.publicKey, flip(message, 3), signature)).toBe(false);
      expect(scheme.verify(flip(key.publicKey, 9), message, signature)).toBe(false);
    }
  });

  it.each(both)('$provider: a wrong length is false or null, never an exception', async (crypto) => {
    const scheme = crypto.signature(alg);
    const publicKey = new Uint8Array(suite.publicBytes).fill(7);
    for (const length of [0, 1, suite.signatureBytes - 1, suite.signatureBytes + 1]) {
      expect(scheme.verify(publicKey, message, new Uint8Array(length))).toBe(false);
    }
    for (const length of [0, suite.publicBytes - 1, suite.publicBytes + 1]) {
      expect(scheme.importPublic(new Uint8Array(length))).toBeNull();
      expect(scheme.verify(new Uint8Array(length), message, new Uint8Array(suite.signatureBytes))).toBe(false);
    }
    await expect(scheme.importSecret(new Uint8Array(suite.secretBytes - 1))).rejects.toThrow(
      `${suite.set}: a secret of ${suite.secretBytes} bytes is expected, ${suite.secretBytes - 1} given`,
    );
  });

  it.each(both)('$provider: a destroyed key signs no more', async (crypto) => {
    const key = await crypto.signature(alg).importSecret(await crypto.signature(alg).generate());
    key.destroy();
    await expect(key.sign(message)).rejects.toThrow('used after it was destroyed');
  });
});

describe.each(Object.values(KEMS))('$set', (suite) => {
  const alg: KemAlg = suite.alg;

  it.each(pairs)('%s: an encapsulation is opened to the same secret', async (_name, from, to) => {
    const secret = await from.kem(alg).generate();
    const publicKey = await from.kem(alg).publicKey(secret);
    expect(secret.length).toBe(suite.secretBytes);
    expect(publicKey.length).toBe(suite.publicBytes);
    expect(await to.kem(alg).publicKey(secret)).toEqual(publicKey);
    const { shared, ciphertext } = await from.kem(alg).encapsulate(publicKey);
    expect(ciphertext.length).toBe(suite.ciphertextBytes);
    expect(shared.length).toBe(32);
    expect(await to.kem(alg).decapsulate(secret, ciphertext)).toEqual(shared);
    expect(await to.kem(alg).decapsulate(secret, flip(ciphertext, 0))).not.toEqual(shared);
  });

  it.each(both)('$provider: refuses wrong lengths and keys', async (crypto) => {
    const kem = crypto.kem(alg);
    const secret = await kem.generate();
    for (const length of [0, suite.ciphertextBytes - 1, suite.ciphertextBytes + 1]) {
      expect(await kem.decapsulate(secret, new Uint8Array(length).fill(9))).toBeNull();
    }
    for (const length of [0, suite.publicBytes - 1, suite.publicBytes + 1]) {
      expect(kem.isPublicKey(new Uint8Array(length).fill(9))).toBe(false);
      await expect(kem.encapsulate(new Uint8Array(length).fill(9))).rejects.toThrow(
        `${suite.set}: not a valid public key (${suite.publicBytes} bytes are expected)`,
      );
    }
    await expect(kem.importSecret(new Uint8Array(suite.secretBytes + 1))).rejects.toThrow(
      `a secret of ${suite.secretBytes} bytes is expected`,
    );
    const key = await kem.importSecret(secret);
    const { ciphertext } = await kem.encapsulate(key.publicKey);
    key.destroy();
    await expect(key.decapsulate(ciphertext)).rejects.toThrow('used after it was destroyed');
  });
});

describe.each(['ml-kem', 'x-wing'] as const)('%s, more recipients than are kept', (alg) => {
  it('gives each its own secret, also when they take turns', async () => {
    const kem = native.kem(alg);
    const secrets = await Promise.all(Array.from({ length: 70 }, () => kem.generate()));
    const publicKeys = await Promise.all(secrets.map((secret) => kem.publicKey(secret)));
    for (const turn of [0, 1]) {
      for (const [n, publicKey] of publicKeys.entries()) {
        const { shared, ciphertext } = await kem.encapsulate(publicKey.slice());
        expect(await kem.decapsulate(secrets[n]!, ciphertext), `${turn} ${n}`).toEqual(shared);
      }
    }
  });
});

describe('low order and modulus', () => {
  const lowOrder = [0, 1].map((first) => new Uint8Array(32).fill(0).with(0, first));

  it.each(both)('$provider: a low-order X25519 half is refused in every KEM', async (crypto) => {
    const xWing = crypto.kem('x-wing');
    const secret = await xWing.generate();
    const good = await xWing.publicKey(secret);
    for (const low of lowOrder) {
      const bad = good.slice();
      bad.set(low, 1184);
      expect(xWing.isPublicKey(bad)).toBe(false);
      await expect(xWing.encapsulate(bad)).rejects.toThrow('X-Wing: not a valid public key');
      const { ciphertext } = await xWing.encapsulate(good);
      const zero = ciphertext.slice();
      zero.set(low, 1088);
      expect(await xWing.decapsulate(secret, zero)).toBeNull();

      const x25519 = crypto.kem('x25519');
      expect(x25519.isPublicKey(low)).toBe(false);
      await expect(x25519.encapsulate(low)).rejects.toThrow('not a valid public key');
      expect(await x25519.decapsulate(await x25519.generate(), low)).toBeNull();
    }
  });

  it.each(both)('$provider: a coefficient of q or more is refused in both positions', async (crypto) => {
    for (const alg of ['ml-kem', 'x-wing'] as const) {
      const kem = crypto.kem(alg);
      const good = await kem.publicKey(await kem.generate());
      expect(kem.isPublicKey(good)).toBe(true);
      const first = good.with(0, 0x01).with(1, (good[1]! & 0xf0) | 0x0d);
      const second = good.with(1, (good[1]! & 0x0f) | 0x10).with(2, 0xd0);
      for (const bad of [first, second]) {
        expect(kem.isPublicKey(bad)).toBe(false);
        await expect(kem.encapsulate(bad)).rejects.toThrow('not a valid public key');
      }
    }
  });
});

describe.each(Object.keys(AEADS) as AeadAlg[])('%s', (alg) => {
  const key = new Uint8Array(32).fill(1);
  const nonce = new Uint8Array(12).fill(2);

  it.each(pairs)('%s: same bytes, every part is authenticated', (_name, from, to) => {
    for (const plaintext of [new Uint8Array(0), message]) {
      const sealed = from.aead(alg).seal(key, nonce, message, plaintext);
      expect(sealed.length).toBe(plaintext.length + 16);
      expect(to.aead(alg).seal(key, nonce, message, plaintext)).toEqual(sealed);
      expect(to.aead(alg).open(key, nonce, message, sealed)).toEqual(plaintext);
      for (let i = 0; i < sealed.length; i++)
        expect(to.aead(alg).open(key, nonce, message, flip(sealed, i))).toBeNull();
      expect(to.aead(alg).open(flip(key, 0), nonce, message, sealed)).toBeNull();
      expect(to.aead(alg).open(key, flip(nonce, 0), message, sealed)).toBeNull();
      expect(to.aead(alg).open(key, nonce, flip(message, 0), sealed)).toBeNull();
      for (let cut = 0; cut < sealed.length; cut++) {
        expect(to.aead(alg).open(key, nonce, message, sealed.subarray(0, cut))).toBeNull();
      }
    }
  });

  it.each(both)('$provider: a wrong key or nonce length is a bug, not a verdict', (crypto) => {
    const aead = crypto.aead(alg);
    expect(() => aead.seal(key.subarray(1), nonce, message, message)).toThrow('a key of 32 bytes is expected');
    expect(() => aead.open(key, nonce.subarray(1), message, message)).toThrow('a nonce of 12 bytes is expected');
  });
});

describe('HPKE', () => {
  const info = new TextEncoder().encode('info');
  const suites = (Object.keys(KEMS) as KemAlg[]).flatMap((kem) =>
    (Object.keys(AEADS) as AeadAlg[]).map((aead) => ({ kem, aead })),
  );

  it.each(suites)('$kem with $aead crosses the providers, and every failure is null', async (suite) => {
    for (const [, from, to] of pairs) {
      const secret = await to.kem(suite.kem).generate();
      const key = await to.kem(suite.kem).importSecret(secret);
      const { enc, ciphertext } = await sealBase(from, suite, key.publicKey, info, message, message);
      expect(await openBase(to, suite, secret, enc, info, message, ciphertext)).toEqual(message);
      expect(await openBase(to, suite, key, enc, info, message, ciphertext)).toEqual(message);
      expect(await openBase(to, suite, key, flip(enc, 0), info, message, ciphertext)).toBeNull();
      expect(await openBase(to, suite, key, enc.subarray(1), info, message, ciphertext)).toBeNull();
      expect(await openBase(to, suite, key, enc, flip(info, 0), message, ciphertext)).toBeNull();
      expect(await openBase(to, suite, key, enc, info, flip(message, 0), ciphertext)).toBeNull();
      expect(await openBase(to, suite, key, enc, info, message, flip(ciphertext, 0))).toBeNull();
      const otherAead = suite.aead === 'aes-256-gcm' ? 'chacha20-poly1305' : 'aes-256-gcm';
      expect(await openBase(to, { ...suite, aead: otherAead }, key, enc, info, message, ciphertext)).toBeNull();
    }
  });
});

describe('KDFs', () => {
  const salt = new Uint8Array(16).fill(5);

  it('scrypt and argon2id give the same bytes under both providers', async () => {
    for (const p of [1, 2]) {
      const cost = { n: 1024, r: 8, p };
      expect(await noble.scrypt(message, salt, cost, 32)).toEqual(await native.scrypt(message, salt, cost, 32));
      const memory = { mKib: 64, t: 2, p };
      expect(await noble.argon2id(message, salt, memory, 32)).toEqual(await native.argon2id(message, salt, memory, 32));
    }
  });

  it('HKDF says how much it can derive', () => {
    for (const length of [0, -1, 1.5, 8161]) {
      expect(() => hkdfSha256(message, salt, message, length)).toThrow(`1 to 8160 bytes can be derived, not ${length}`);
    }
    expect(hkdfSha256(message, salt, message, 8160).length).toBe(8160);
  });

  it('scrypt runs at the largest cost that a store may name (2^17, 8, 1)', async () => {
    expect((await native.scrypt(message, salt, { n: 2 ** 17, r: 8, p: 1 }, 32)).length).toBe(32);
  });
});

describe('BLAKE3', () => {
  const hello = new TextEncoder().encode('hello world');

  it('of "hello world" is the true value, not the one printed in the source documents (C-01)', () => {
    expect(blake3Hex(hello)).toBe('d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24');
    expect(blake3Hex(hello).startsWith('9f64a747e1')).toBe(false);
  });

  it('streams to the same digest, two streams side by side', async () => {
    const one = await blake3Stream();
    const two = await blake3Stream();
    one.update(hello.subarray(0, 4));
    two.update(message);
    one.update(hello.subarray(4));
    expect(one.digest()).toEqual(blake3(hello));
    expect(two.digest()).toEqual(blake3(message));
  });

  it('a WASM implementation that gives another digest is refused', () => {
    const wrong = { update: () => undefined, digest: () => new Uint8Array(32) };
    expect(() => checkAgainstReference(wrong)).toThrow('BLAKE3: the WASM implementation differs from the reference');
  });
});
