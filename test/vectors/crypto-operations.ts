// The operations that the vectors under vectors/crypto name in `in.op`, as functions of the input. The generator computes
// `out` with the vector tool (noble); the tests compute it again with each provider.

import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { blake3Hex } from '../../src/crypto/blake3.ts';
import { hmacSha256, sha256Hex } from '../../src/crypto/hash.ts';
import { type HpkeSuite, hpkeKeySchedule, openBase } from '../../src/crypto/hpke.ts';
import { hkdfSha256 } from '../../src/crypto/kdf.ts';
import type { Crypto } from '../../src/crypto/provider.ts';
import type { AeadAlg, KemAlg, SignatureAlg } from '../../src/crypto/suite.ts';
import type { Fields } from './own-format.ts';
import { encapsulateWith, signMlDsa, signSlhDsa } from './tool.ts';

/** A refusal, with the word that stands in `error`. */
export class Refused extends Error {}

export const bytesOf = (fields: Fields, member: string): Uint8Array => {
  const bytes = typeof fields[member] === 'string' ? fromHex(fields[member]) : null;
  if (bytes === null) throw new TypeError(`${member}: hex is expected`);
  return bytes;
};
const numberOf = (fields: Fields, member: string): number => fields[member] as number;

/** A message is given as `message`, or as `pattern_length` bytes of 0, 1, ..., 250, 0, 1, ... */
const messageOf = (fields: Fields): Uint8Array =>
  fields['message'] === undefined
    ? Uint8Array.from({ length: numberOf(fields, 'pattern_length') }, (_, index) => index % 251)
    : bytesOf(fields, 'message');

const hpkeSuiteOf = (fields: Fields): HpkeSuite => ({
  kem: fields['kem'] as KemAlg,
  aead: fields['aead'] as AeadAlg,
});

/** Exact signature of the vector tool: deterministic for the algorithms that we sign hedged. */
async function exactSignature(crypto: Crypto, alg: SignatureAlg, secret: Uint8Array, message: Uint8Array) {
  if (alg === 'ml-dsa') return signMlDsa('ML-DSA-65', secret, message);
  if (alg === 'ml-dsa-44') return signMlDsa('ML-DSA-44', secret, message);
  if (alg === 'slh-dsa') return signSlhDsa(secret, message);
  return (await crypto.signature(alg).importSecret(secret)).sign(message);
}

const refused = <T>(value: T | null, word: string): T => {
  if (value === null) throw new Refused(word);
  return value;
};

/** Computes `out`, or throws Refused. `suite` is the suite member of the file: an algorithm name of the product. */
export async function compute(crypto: Crypto, suite: string, fields: Fields): Promise<Fields> {
  const op = fields['op'] as string;
  switch (op) {
    case 'hash':
      return { digest: suite === 'blake3' ? blake3Hex(messageOf(fields)) : sha256Hex(messageOf(fields)) };
    case 'mac':
      return { mac: toHex(hmacSha256(bytesOf(fields, 'key'), bytesOf(fields, 'message'))) };
    case 'hkdf': {
      const length = numberOf(fields, 'length');
      const [key, salt, info] = [bytesOf(fields, 'key'), bytesOf(fields, 'salt'), bytesOf(fields, 'info')];
      if (length > 255 * 32) throw new Refused('too long');
      return { key: toHex(hkdfSha256(key, salt, info, length)) };
    }
    case 'sign': {
      const alg = suite as SignatureAlg;
      const [secret, message] = [bytesOf(fields, 'secret'), bytesOf(fields, 'message')];
      const key = await crypto.signature(alg).importSecret(secret);
      return {
        public: toHex(key.publicKey),
        signature: toHex(await exactSignature(crypto, alg, secret, message)),
      };
    }
    case 'verify': {
      const [publicKey, message] = [bytesOf(fields, 'public'), bytesOf(fields, 'message')];
      const valid = crypto.signature(suite as SignatureAlg).verify(publicKey, message, bytesOf(fields, 'signature'));
      return { valid: refused(valid || null, 'invalid') };
    }
    case 'register': {
      const publicKey = bytesOf(fields, 'public');
      refused(crypto.signature(suite as SignatureAlg).importPublic(publicKey), 'refused');
      return { registered: true };
    }
    case 'encapsulate': {
      const publicKey = bytesOf(fields, 'public');
      if (!crypto.kem(suite as KemAlg).isPublicKey(publicKey)) throw new Refused('refused');
      const made = encapsulateWith(suite as KemAlg, publicKey, bytesOf(fields, 'randomness'));
      return { ciphertext: toHex(made.ciphertext), shared: toHex(made.shared) };
    }
    case 'decapsulate': {
      const kem = crypto.kem(suite as KemAlg);
      const secret = bytesOf(fields, 'secret');
      const shared = refused(await kem.decapsulate(secret, bytesOf(fields, 'ciphertext')), 'refused');
      return { public: toHex(await kem.publicKey(secret)), shared: toHex(shared) };
    }
    case 'seal': {
      const [key, nonce, aad] = [bytesOf(fields, 'key'), bytesOf(fields, 'nonce'), bytesOf(fields, 'aad')];
      return { sealed: toHex(crypto.aead(suite as AeadAlg).seal(key, nonce, aad, bytesOf(fields, 'plaintext'))) };
    }
    case 'open': {
      const [key, nonce, aad] = [bytesOf(fields, 'key'), bytesOf(fields, 'nonce'), bytesOf(fields, 'aad')];
      const opened = crypto.aead(suite as AeadAlg).open(key, nonce, aad, bytesOf(fields, 'sealed'));
      return { plaintext: toHex(refused(opened, 'invalid')) };
    }
    case 'hpke-seal': {
      const which = hpkeSuiteOf(fields);
      const publicKey = await crypto.kem(which.kem).publicKey(bytesOf(fields, 'secret'));
      const made = encapsulateWith(which.kem, publicKey, bytesOf(fields, 'randomness'));
      const { key, nonce } = hpkeKeySchedule(which, made.shared, bytesOf(fields, 'info'));
      const sealed = crypto.aead(which.aead).seal(key, nonce, bytesOf(fields, 'aad'), bytesOf(fields, 'plaintext'));
      return { public: toHex(publicKey), enc: toHex(made.ciphertext), ciphertext: toHex(sealed) };
    }
    case 'hpke-open': {
      const [info, aad] = [bytesOf(fields, 'info'), bytesOf(fields, 'aad')];
      const [secret, enc] = [bytesOf(fields, 'secret'), bytesOf(fields, 'enc')];
      const which = hpkeSuiteOf(fields);
      const opened = await openBase(crypto, which, secret, enc, info, aad, bytesOf(fields, 'ciphertext'));
      return { plaintext: toHex(refused(opened, 'invalid')) };
    }
    case 'scrypt': {
      const cost = { n: numberOf(fields, 'n'), r: numberOf(fields, 'r'), p: numberOf(fields, 'p') };
      const [passphrase, salt] = [bytesOf(fields, 'passphrase'), bytesOf(fields, 'salt')];
      return { key: toHex(await crypto.scrypt(passphrase, salt, cost, numberOf(fields, 'length'))) };
    }
    case 'argon2id': {
      const cost = { mKib: numberOf(fields, 'm_kib'), t: numberOf(fields, 't'), p: numberOf(fields, 'p') };
      const [passphrase, salt] = [bytesOf(fields, 'passphrase'), bytesOf(fields, 'salt')];
      return { key: toHex(await crypto.argon2id(passphrase, salt, cost, numberOf(fields, 'length'))) };
    }
    default:
      throw new TypeError(`no such operation: ${op}`);
  }
}
