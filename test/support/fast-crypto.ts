// The native provider with its key derivations remembered per process: the crash matrix opens one store hundreds of times
// under the same passphrase and salt.

import { nativeCrypto } from '../../src/crypto/native.ts';
import type { Crypto } from '../../src/crypto/provider.ts';

export function rememberingCrypto(): Crypto {
  const inner = nativeCrypto();
  const known = new Map<string, Promise<Uint8Array>>();
  const remembered = async (
    name: string,
    inputs: readonly [Uint8Array, Uint8Array, unknown, number],
    derive: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> => {
    const [passphrase, salt, cost, length] = inputs;
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    const key = [name, hex(passphrase), hex(salt), JSON.stringify(cost), length].join(' ');
    const found = known.get(key) ?? derive();
    known.set(key, found);
    return (await found).slice();
  };
  return {
    ...inner,
    scrypt: (...inputs) => remembered('scrypt', inputs, () => inner.scrypt(...inputs)),
    argon2id: (...inputs) => remembered('argon2id', inputs, () => inner.argon2id(...inputs)),
  };
}
