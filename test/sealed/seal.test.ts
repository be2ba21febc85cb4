import { assert, asyncProperty, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { RonError } from '../../src/errors.ts';
import { encodeHeader, splitRecord } from '../../src/sealed/header.ts';
import { CUSTODY_KDF, checkKdf, decodeKdf, encodeKdf, SIGNER_KDF } from '../../src/sealed/kdf-parameters.ts';
import { openRecord, openRoot } from '../../src/sealed/open.ts';
import { sealRecord, sealRoot } from '../../src/sealed/seal.ts';
import { FAST_KDF } from '../support/store.ts';

const crypto = nativeCrypto();
const random = (length: number): Uint8Array => globalThis.crypto.getRandomValues(new Uint8Array(length));
const ROOT_KEY = new Uint8Array(32).fill(7);
const INPUT = {
  storeId: 'a'.repeat(32),
  id: 'cap-root/1',
  type: 'cap-root',
  generation: 3,
  createdAt: '2026-11-20T08:00:00.000Z',
  meta: { v: 1, n: 1 },
} as const;
const EXPECTED = { storeId: INPUT.storeId, id: INPUT.id, type: INPUT.type, generation: 3 };

const sealed = (secret = utf8('s'.repeat(32))): Uint8Array =>
  sealRecord(crypto, random, ROOT_KEY, { ...INPUT, secret });
const opened = (bytes: Uint8Array): Uint8Array => openRecord(crypto, ROOT_KEY, bytes, EXPECTED, 'x').secret;

describe('a sealed record', () => {
  it('gives back what was sealed, whatever it is', async () => {
    await assert(
      asyncProperty(uint8Array({ maxLength: 300 }), async (secret) => {
        expect(opened(sealed(secret))).toEqual(secret);
      }),
    );
  });

  it('with a header length of 0xfffffff8 is refused by its length, in 12 bytes and in a whole record', () => {
    const whole = sealed();
    for (const bytes of [whole.slice(0, 12), whole]) {
      bytes.set([0xff, 0xff, 0xff, 0xf8], 5);
      expect(() => splitRecord(bytes, 'x')).toThrow(
        expect.objectContaining({ code: 'Malformed', message: expect.stringContaining('4294967288 bytes') }),
      );
    }
  });

  it('never uses a salt or nonce twice', () => {
    const headers = Array.from({ length: 200 }, () => splitRecord(sealed(), 'x').header);
    expect(new Set(headers.map((one) => Buffer.from(one.salt).toString('hex'))).size).toBe(200);
    expect(new Set(headers.map((one) => Buffer.from(one.nonce).toString('hex'))).size).toBe(200);
  });

  it('is refused with any single byte changed, removed or added', () => {
    const bytes = sealed();
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at]! ^= 0x01;
      const shorter = new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + 1)]);
      const cut = bytes.subarray(0, at);
      const longer = new Uint8Array([...bytes.subarray(0, at), 0x61, ...bytes.subarray(at)]);
      for (const bad of [flipped, shorter, cut, longer]) {
        expect(() => opened(bad), `byte ${at}`).toThrow(RonError);
      }
    }
  });

  it('holds no header member beyond those of its kind', () => {
    const split = splitRecord(sealed(), 'x');
    const withKid = encodeHeader({ ...split.header, kid: 'a/b/c#v1' });
    expect(() => splitRecord(new Uint8Array([...withKid, ...split.ciphertext]), 'x')).toThrow(/kid: unknown member/);
  });

  it('leaves the secret of its caller alone', () => {
    const secret = utf8('s'.repeat(32));
    sealed(secret);
    expect(secret).toEqual(utf8('s'.repeat(32)));
  });
});

describe('a root record', () => {
  const input = { ...INPUT, id: 'root', type: 'root', secret: ROOT_KEY } as const;
  const expected = { storeId: INPUT.storeId, id: 'root', type: 'root' } as const;

  it('tells a wrong passphrase from tampering', async () => {
    const bytes = await sealRoot(crypto, random, utf8('right'), FAST_KDF, input);
    expect((await openRoot(crypto, utf8('right'), bytes, expected, 'x')).secret).toEqual(ROOT_KEY);
    await expect(openRoot(crypto, utf8('wrong'), bytes, expected, 'x')).rejects.toMatchObject({
      code: 'WrongPassphrase',
    });
    const altered = bytes.slice();
    altered[altered.length - 1]! ^= 1;
    await expect(openRoot(crypto, utf8('right'), altered, expected, 'x')).rejects.toMatchObject({ code: 'Tampered' });
  });

  it('is no ordinary record, and the other way round', async () => {
    const bytes = await sealRoot(crypto, random, utf8('right'), FAST_KDF, input);
    expect(() => openRecord(crypto, ROOT_KEY, bytes, expected, 'x')).toThrow(/is a root record/);
    await expect(openRoot(crypto, utf8('right'), sealed(), expected, 'x')).rejects.toThrow(/is not a root record/);
  });

  it('takes a fresh salt at every write', async () => {
    const salts = new Set<string>();
    for (let n = 0; n < 3; n++) {
      const { header } = splitRecord(await sealRoot(crypto, random, utf8('p'), FAST_KDF, input), 'x');
      if (header.key === 'root') salts.add(Buffer.from(header.kdf.salt).toString('hex'));
    }
    expect(salts.size).toBe(3);
  });
});

describe('KDF costs', () => {
  it('the defaults are within the bounds and those of D-19', () => {
    expect(checkKdf(CUSTODY_KDF, 'kdf')).toEqual({ alg: 'scrypt', n: 2 ** 17, r: 8, p: 1 });
    expect(checkKdf(SIGNER_KDF, 'kdf')).toEqual({ alg: 'argon2id', m_kib: 65_536, t: 3, p: 4 });
  });

  it('name the member that is out of bounds', () => {
    const salt = new Uint8Array(32);
    for (const [cost, field] of [
      [{ alg: 'scrypt', n: 2 ** 21, r: 8, p: 1 }, 'kdf.n'],
      [{ alg: 'scrypt', n: 2 ** 15, r: 9, p: 1 }, 'kdf.r'],
      [{ alg: 'argon2id', m_kib: 1, t: 2, p: 1 }, 'kdf.m_kib'],
      [{ alg: 'argon2id', m_kib: 19_456, t: 99, p: 1 }, 'kdf.t'],
    ] as const) {
      expect(() => decodeKdf(encodeKdf({ ...cost, salt }), 'kdf')).toThrow(
        expect.objectContaining({ code: 'InvalidValue', field }),
      );
    }
  });
});
