// A provider of primitives with its signatures and key encapsulations timed (MQ-21): crypto_latency_seconds{op,algo}. Only
// what the table of metrics names is timed; results pass through untouched. ML-KEM as part of X-Wing counts as hybrid where
// the whole is done by one call.

import type { Crypto, Kem, SignatureScheme, SigningKey, VerifyingKey } from '../crypto/provider.ts';
import type { KemAlg, SignatureAlg } from '../crypto/suite.ts';
import type { Telemetry } from './telemetry.ts';

type CryptoOp = 'kex' | 'sign' | 'verify';

/** The label of an algorithm of either provider. */
function algoOf(alg: string): string {
  if (alg.startsWith('ml-dsa')) return 'ml-dsa';
  if (alg.startsWith('slh-dsa')) return 'slh-dsa';
  if (alg.startsWith('ml-kem')) return 'ml-kem';
  return alg === 'ed25519' || alg === 'x25519' ? alg : 'hybrid';
}

export function observedCrypto(
  crypto: Crypto,
  telemetry: Pick<Telemetry, 'observe'>,
  monotonicMs: () => number,
): Crypto {
  const record = (op: CryptoOp, algo: string, since: number): void =>
    telemetry.observe('crypto_latency_seconds', Math.max(0, monotonicMs() - since) / 1000, { op, algo });

  async function timed<T>(op: CryptoOp, algo: string, run: () => Promise<T>): Promise<T> {
    const since = monotonicMs();
    const result = await run();
    record(op, algo, since);
    return result;
  }
  function timedNow<T>(op: CryptoOp, algo: string, run: () => T): T {
    const since = monotonicMs();
    const result = run();
    record(op, algo, since);
    return result;
  }

  const signing = (key: SigningKey, algo: string): SigningKey => ({
    alg: key.alg,
    publicKey: key.publicKey,
    sign: (message) => timed('sign', algo, () => key.sign(message)),
    destroy: () => key.destroy(),
  });
  const verifying = (key: VerifyingKey, algo: string): VerifyingKey => ({
    alg: key.alg,
    verify: (message, signature) => timedNow('verify', algo, () => key.verify(message, signature)),
  });
  function scheme(inner: SignatureScheme, algo: string): SignatureScheme {
    return {
      suite: inner.suite,
      generate: () => inner.generate(),
      importSecret: async (secret) => signing(await inner.importSecret(secret), algo),
      importPublic: (publicKey) => {
        const key = inner.importPublic(publicKey);
        return key === null ? null : verifying(key, algo);
      },
      verify: (publicKey, message, signature) =>
        timedNow('verify', algo, () => inner.verify(publicKey, message, signature)),
    };
  }
  function kem(inner: Kem, algo: string): Kem {
    return {
      suite: inner.suite,
      generate: () => inner.generate(),
      publicKey: (secret) => inner.publicKey(secret),
      isPublicKey: (publicKey) => inner.isPublicKey(publicKey),
      importSecret: async (secret) => {
        const key = await inner.importSecret(secret);
        return {
          alg: key.alg,
          publicKey: key.publicKey,
          decapsulate: (ciphertext) => timed('kex', algo, () => key.decapsulate(ciphertext)),
          destroy: () => key.destroy(),
        };
      },
      encapsulate: (publicKey) => timed('kex', algo, () => inner.encapsulate(publicKey)),
      decapsulate: (secret, ciphertext) => timed('kex', algo, () => inner.decapsulate(secret, ciphertext)),
    };
  }

  const schemes = new Map<SignatureAlg, SignatureScheme>();
  const kems = new Map<KemAlg, Kem>();

  return {
    provider: crypto.provider,
    signature: (alg) => {
      const known = schemes.get(alg) ?? scheme(crypto.signature(alg), algoOf(alg));
      schemes.set(alg, known);
      return known;
    },
    kem: (alg) => {
      const known = kems.get(alg) ?? kem(crypto.kem(alg), algoOf(alg));
      kems.set(alg, known);
      return known;
    },
    aead: (alg) => crypto.aead(alg),
    scrypt: (passphrase, salt, cost, length) => crypto.scrypt(passphrase, salt, cost, length),
    argon2id: (passphrase, salt, cost, length) => crypto.argon2id(passphrase, salt, cost, length),
  };
}
