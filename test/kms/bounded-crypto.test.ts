import { describe, expect, test } from 'vitest';
import type { Crypto, SigningKey } from '../../src/crypto/provider.ts';
import { loadCrypto } from '../../src/crypto/select.ts';
import { boundedCrypto } from '../../src/kms/bounded-crypto.ts';

/** The native provider, whose signatures end when they are told to. */
function held(crypto: Crypto): { readonly crypto: Crypto; readonly running: (() => void)[]; most: number } {
  const state = { running: [] as (() => void)[], most: 0 };
  const hold = (key: SigningKey): SigningKey => ({
    ...key,
    sign: async (message) => {
      await new Promise<void>((resolve) => {
        state.running.push(resolve);
        state.most = Math.max(state.most, state.running.length);
      });
      if (message.length === 0) throw new RangeError('nothing to sign');
      return key.sign(message);
    },
  });
  return Object.assign(state, {
    crypto: {
      ...crypto,
      signature: (alg: Parameters<Crypto['signature']>[0]) => {
        const inner = crypto.signature(alg);
        return { ...inner, importSecret: async (secret: Uint8Array) => hold(await inner.importSecret(secret)) };
      },
    },
  });
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const message = Uint8Array.of(1, 2, 3);

async function keyOf(crypto: Crypto, alg: 'ed25519' | 'ml-dsa'): Promise<SigningKey> {
  const scheme = crypto.signature(alg);
  return scheme.importSecret(await scheme.generate());
}

describe('signatures in the pool', () => {
  test('two at a time for each core, in their order, also after one that fails; all of them verify', async () => {
    const inner = held(await loadCrypto('native'));
    const crypto = boundedCrypto(inner.crypto, 1);
    const key = await keyOf(crypto, 'ml-dsa');
    const ended: number[] = [];
    const all = [0, 1, 2, 3, 4].map(async (n) => {
      const signature = await key.sign(n === 1 ? new Uint8Array(0) : message).catch(() => null);
      ended.push(n);
      return signature;
    });
    for (let n = 0; n < 5; n++) {
      await settled();
      expect(inner.running.length).toBe(Math.min(2, 5 - n));
      inner.running.shift()!();
      while (ended.length <= n) await settled();
    }
    const signatures = await Promise.all(all);
    expect(inner.most).toBe(2);
    expect(ended).toEqual([0, 1, 2, 3, 4]);
    expect(signatures[1]).toBeNull();
    for (const one of [0, 2, 3, 4]) {
      expect(crypto.signature('ml-dsa').verify(key.publicKey, message, signatures[one]!)).toBe(true);
    }
  });

  test('what signs at once does not wait', async () => {
    const inner = held(await loadCrypto('native'));
    const key = await keyOf(boundedCrypto(inner.crypto, 1), 'ed25519');
    const all = [1, 2, 3].map(() => key.sign(message));
    await settled();
    expect(inner.running.length).toBe(3);
    for (const end of inner.running) end();
    expect((await Promise.all(all)).map((one) => one.length)).toEqual([64, 64, 64]);
  });
});
