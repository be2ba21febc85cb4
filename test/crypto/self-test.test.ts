// The self-test of a provider: right answers pass once per process, any wrong one is SelfTestFailed and nothing is used.

import { describe, expect, it } from 'vitest';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Aead, Crypto, Kem, SignatureScheme } from '../../src/crypto/provider.ts';
import { loadCrypto } from '../../src/crypto/select.ts';
import { checkedCrypto, selfTest, selfTestAll, TESTED_ALGS } from '../../src/crypto/self-test.ts';
import { AEADS, type AeadAlg, KEMS, type KemAlg, SIGNATURES, type SignatureAlg } from '../../src/crypto/suite.ts';
import { RonError } from '../../src/errors.ts';

const message = new Uint8Array(8);

interface Damage {
  readonly signature?: (inner: SignatureScheme) => Partial<SignatureScheme>;
  readonly kem?: (inner: Kem) => Partial<Kem>;
  readonly aead?: (inner: Aead) => Partial<Aead>;
  readonly kdf?: Pick<Crypto, 'scrypt' | 'argon2id'>;
}

/** A provider of its own with parts replaced. */
function damaged(damage: Damage): Crypto {
  const inner = nativeCrypto();
  return {
    provider: 'native',
    signature: (alg) => ({ ...inner.signature(alg), ...damage.signature?.(inner.signature(alg)) }),
    kem: (alg) => ({ ...inner.kem(alg), ...damage.kem?.(inner.kem(alg)) }),
    aead: (alg) => ({ ...inner.aead(alg), ...damage.aead?.(inner.aead(alg)) }),
    scrypt: damage.kdf?.scrypt ?? ((...args) => inner.scrypt(...args)),
    argon2id: damage.kdf?.argon2id ?? ((...args) => inner.argon2id(...args)),
  };
}

const caught = async (use: () => unknown): Promise<RonError> => {
  try {
    await use();
  } catch (error) {
    if (error instanceof RonError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

const expectFailure = (error: RonError, alg: string, why: string): void => {
  expect(error.code).toBe('SelfTestFailed');
  expect(error.exit).toBe(23);
  expect(error.message).toContain(`self-test of ${alg} in provider native failed: ${why}`);
  expect(error.data).toEqual({ alg, provider: 'native' });
};

describe('a sound provider', () => {
  it.each([nativeCrypto(), nobleCrypto()])('$provider passes every test', async (crypto) => {
    expect(await selfTestAll(crypto)).toEqual(TESTED_ALGS.map((alg) => ({ alg, ok: true })));
    await selfTest(crypto, TESTED_ALGS);
  });

  it.each(['native', 'noble'] as const)('loadCrypto(%s) works through the checked form', async (name) => {
    const crypto = await loadCrypto(name);
    expect(crypto.provider).toBe(name);
    const secret = await crypto.signature('ed25519').generate();
    const key = await crypto.signature('ed25519').importSecret(secret);
    const signature = await key.sign(message);
    expect(crypto.signature('ed25519').importPublic(key.publicKey)!.verify(message, signature)).toBe(true);
    expect(checkedCrypto(crypto)).toBe(crypto);
    expect(await loadCrypto(name)).toBe(crypto);
  });
});

describe.each(Object.keys(SIGNATURES) as SignatureAlg[])('%s broken', (alg) => {
  it('a verifier that accepts everything is caught before its first verdict', async () => {
    const crypto = checkedCrypto(damaged({ signature: () => ({ verify: () => true }) }));
    const scheme = crypto.signature(alg);
    expectFailure(await caught(() => scheme.verify(message, message, message)), alg, 'a changed signature is accepted');
    expectFailure(await caught(() => scheme.importPublic(message)), alg, 'a changed signature is accepted');
    expectFailure(await caught(() => scheme.generate()), alg, 'a changed signature is accepted');
    expectFailure(await caught(() => scheme.importSecret(message)), alg, 'a changed signature is accepted');
  });

  it('a verifier that refuses everything is caught', async () => {
    const crypto = checkedCrypto(damaged({ signature: () => ({ verify: () => false }) }));
    expectFailure(
      await caught(() => crypto.signature(alg).verify(message, message, message)),
      alg,
      'a known signature is refused',
    );
  });

  it('a verifier that is missing in the runtime is caught', async () => {
    const missing = (): never => {
      throw new TypeError('unknown algorithm');
    };
    const crypto = checkedCrypto(damaged({ signature: () => ({ verify: missing }) }));
    const error = await caught(() => crypto.signature(alg).verify(message, message, message));
    expectFailure(error, alg, 'it does not run here (TypeError: unknown algorithm)');
  });

  it('a wrong public key of the stored secret is caught', async () => {
    const crypto = checkedCrypto(
      damaged({
        signature: (inner) => ({
          importSecret: async (secret) => ({ ...(await inner.importSecret(secret)), publicKey: new Uint8Array(32) }),
        }),
      }),
    );
    const error = await caught(() => crypto.signature(alg).importSecret(message));
    expectFailure(error, alg, 'the public key of a known secret is wrong');
  });
});

it('ed25519 signing that gives other bytes is caught', async () => {
  const crypto = checkedCrypto(
    damaged({
      signature: (inner) => ({
        importSecret: async (secret) => ({
          ...(await inner.importSecret(secret)),
          sign: async () => new Uint8Array(64),
        }),
      }),
    }),
  );
  const error = await caught(() => crypto.signature('ed25519').importSecret(message));
  expectFailure(error, 'ed25519', 'a known message is signed wrongly');
});

describe.each(Object.keys(KEMS) as KemAlg[])('%s broken', (alg) => {
  it.each([
    ['another secret', async () => new Uint8Array(32)],
    ['a refusal', async () => null],
  ])('%s for a known encapsulation is caught at every use', async (_name, decapsulate) => {
    const kem = checkedCrypto(damaged({ kem: () => ({ decapsulate }) })).kem(alg);
    const uses = [
      () => kem.generate(),
      () => kem.importSecret(message),
      () => kem.publicKey(message),
      () => kem.encapsulate(message),
      () => kem.decapsulate(message, message),
    ];
    for (const use of uses) expectFailure(await caught(use), alg, 'a known encapsulation opens wrongly');
  });
});

describe.each(Object.keys(AEADS) as AeadAlg[])('%s broken', (alg) => {
  it('a cipher that seals otherwise is caught', async () => {
    const crypto = checkedCrypto(damaged({ aead: () => ({ seal: (_key, _nonce, _aad, plaintext) => plaintext }) }));
    expectFailure(await caught(() => crypto.aead(alg)), alg, 'a known plaintext is sealed wrongly');
  });

  it('a cipher that does not look at the tag is caught', async () => {
    const crypto = checkedCrypto(damaged({ aead: () => ({ open: () => message }) }));
    expectFailure(await caught(() => crypto.aead(alg)), alg, 'a changed tag is accepted');
  });
});

it('a wrong KDF is caught', async () => {
  const zero = async () => new Uint8Array(32);
  const crypto = checkedCrypto(damaged({ kdf: { scrypt: zero, argon2id: zero } }));
  const cost = { n: 16, r: 8, p: 1 };
  const memory = { mKib: 32, t: 1, p: 1 };
  expectFailure(await caught(() => crypto.scrypt(message, message, cost, 32)), 'scrypt', 'a known passphrase');
  expectFailure(await caught(() => crypto.argon2id(message, message, memory, 32)), 'argon2id', 'a known passphrase');
});

it('selfTestAll reports the broken algorithm beside the sound ones, also through the checked form', async () => {
  const broken = damaged({ kem: (inner) => (inner.suite.alg === 'x-wing' ? { decapsulate: async () => null } : {}) });
  for (const crypto of [broken, checkedCrypto(broken)]) {
    const failed = (await selfTestAll(crypto)).filter((result) => !result.ok);
    expect(failed).toEqual([
      {
        alg: 'x-wing',
        ok: false,
        detail: 'self-test of x-wing in provider native failed: a known encapsulation opens wrongly',
      },
    ]);
  }
});

it('each test runs once per process, and its failure stays', async () => {
  let calls = 0;
  const crypto = checkedCrypto(
    damaged({
      signature: () => ({
        verify: () => {
          calls++;
          return false;
        },
      }),
    }),
  );
  for (let i = 0; i < 3; i++) await caught(() => crypto.signature('ed25519').verify(message, message, message));
  await caught(() => selfTest(crypto, ['ed25519']));
  expect(calls).toBe(1);

  calls = 0;
  const sound = checkedCrypto(
    damaged({
      signature: (inner) => ({
        verify: (...args) => {
          calls++;
          return inner.verify(...args);
        },
      }),
    }),
  );
  for (let i = 0; i < 3; i++) sound.signature('ed25519').verify(message, message, message);
  expect(calls).toBe(2 + 3);
});
