// The native provider with its answers remembered per process: the crash matrix opens one store hundreds of times under the
// same passphrase and salt, and judges the same signed files each time. What is remembered depends on all of the input, and
// on nothing else.

import { sha256Hex } from '../../src/crypto/hash.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import type { Crypto, SignatureScheme, VerifyingKey } from '../../src/crypto/provider.ts';
import type { SignatureAlg } from '../../src/crypto/suite.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function rememberingSignatures(inner: SignatureScheme): SignatureScheme {
  const known = new Map<string, boolean>();
  const remembered = (inputs: readonly Uint8Array[], judge: () => boolean): boolean => {
    const key = inputs.map(sha256Hex).join(' ');
    const answer = known.get(key) ?? judge();
    known.set(key, answer);
    return answer;
  };
  const keys = new Map<string, VerifyingKey | null>();
  const imported = (publicKey: Uint8Array): VerifyingKey | null => {
    const key = inner.importPublic(publicKey);
    return key === null
      ? null
      : {
          ...key,
          verify: (message, signature) =>
            remembered([publicKey, message, signature], () => key.verify(message, signature)),
        };
  };
  return {
    ...inner,
    importPublic: (publicKey) => {
      const name = hex(publicKey);
      const key = keys.has(name) ? keys.get(name)! : imported(publicKey);
      keys.set(name, key);
      return key;
    },
    verify: (publicKey, message, signature) =>
      remembered([publicKey, message, signature], () => inner.verify(publicKey, message, signature)),
  };
}

export function rememberingCrypto(): Crypto {
  const inner = nativeCrypto();
  const known = new Map<string, Promise<Uint8Array>>();
  const remembered = async (
    name: string,
    inputs: readonly [Uint8Array, Uint8Array, unknown, number],
    derive: () => Promise<Uint8Array>,
  ): Promise<Uint8Array> => {
    const [passphrase, salt, cost, length] = inputs;
    const key = [name, hex(passphrase), hex(salt), JSON.stringify(cost), length].join(' ');
    const found = known.get(key) ?? derive();
    known.set(key, found);
    return (await found).slice();
  };
  const schemes = new Map<SignatureAlg, SignatureScheme>();
  return {
    ...inner,
    signature: (alg) => {
      const scheme = schemes.get(alg) ?? rememberingSignatures(inner.signature(alg));
      schemes.set(alg, scheme);
      return scheme;
    },
    scrypt: (...inputs) => remembered('scrypt', inputs, () => inner.scrypt(...inputs)),
    argon2id: (...inputs) => remembered('argon2id', inputs, () => inner.argon2id(...inputs)),
  };
}
