// Passphrase to KEK (store page 3, D-19): the `kdf` member of a root record's header, its bounds and its defaults.
//   {alg:"scrypt", n, r, p, salt}        n a power of two 2^15..2^20, r 8, p 1
//   {alg:"argon2id", m_kib, t, p, salt}  m_kib 19456..1048576, t 2..16, p 1..16
// Bounds are checked before any work. Attack: a planted header that asks for 1 TiB, or for no work at all.
// Refuses everything else; `age` is named but not supported.

import { toBase64Url } from '../bytes/base64.ts';
import type { Json, JsonObject } from '../bytes/canonical-json.ts';
import { anyObject, bytesOf, integer, join, literal, malformed, object } from '../bytes/decode.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';

export type KdfCost =
  | { readonly alg: 'scrypt'; readonly n: number; readonly r: number; readonly p: number }
  | { readonly alg: 'argon2id'; readonly m_kib: number; readonly t: number; readonly p: number };

/** A cost with the salt (32 bytes) that one write used. */
export type KdfParameters = KdfCost & { readonly salt: Uint8Array };

export const KDF_SALT_BYTES = 32;
const KEK_BYTES = 32;

/** Custody stores: opened rarely, by one process. */
export const CUSTODY_KDF: KdfCost = { alg: 'scrypt', n: 2 ** 17, r: 8, p: 1 };
/** Signer stores: an approval must stay near 120 ms. */
export const SIGNER_KDF: KdfCost = { alg: 'argon2id', m_kib: 65_536, t: 3, p: 4 };

const SCRYPT_N_MIN = 2 ** 15;
const SCRYPT_N_MAX = 2 ** 20;
const ARGON2_M_KIB_MIN = 19_456;
const ARGON2_M_KIB_MAX = 1_048_576;

const scrypt = object({
  alg: literal('scrypt'),
  n: integer(1),
  r: integer(1),
  p: integer(1),
  salt: bytesOf(KDF_SALT_BYTES),
});
const argon2id = object({
  alg: literal('argon2id'),
  m_kib: integer(1),
  t: integer(1),
  p: integer(1),
  salt: bytesOf(KDF_SALT_BYTES),
});

function bound(ok: boolean, path: string, text: string): void {
  if (!ok) throw new RonError('InvalidValue', `${path}: ${text}`, { field: path });
}

/** InvalidValue when a cost is out of bounds; Malformed when it is no `kdf` at all; Unsupported for `age`. */
export function decodeKdf(value: Json, path: string): KdfParameters {
  const alg = anyObject(value, path)['alg'];
  if (alg === 'scrypt') return checkKdf(scrypt(value, path), path);
  if (alg === 'argon2id') return checkKdf(argon2id(value, path), path);
  if (alg === 'age') throw new RonError('Unsupported', 'kdf "age": sealing to age recipients is not supported');
  return malformed(join(path, 'alg'), 'expected "scrypt" or "argon2id"');
}

/** Returns its argument, or throws InvalidValue naming the member that is out of bounds. */
export function checkKdf<T extends KdfCost>(cost: T, path: string): T {
  if (cost.alg === 'scrypt') {
    const { n } = cost;
    bound(
      n >= SCRYPT_N_MIN && n <= SCRYPT_N_MAX && Number.isInteger(Math.log2(n)),
      join(path, 'n'),
      `scrypt n must be a power of two from 2^15 to 2^20, not ${n}`,
    );
    bound(cost.r === 8, join(path, 'r'), `scrypt r must be 8, not ${cost.r}`);
    bound(cost.p === 1, join(path, 'p'), `scrypt p must be 1, not ${cost.p}`);
    return cost;
  }
  bound(
    cost.m_kib >= ARGON2_M_KIB_MIN && cost.m_kib <= ARGON2_M_KIB_MAX,
    join(path, 'm_kib'),
    `argon2id m_kib must be from ${ARGON2_M_KIB_MIN} to ${ARGON2_M_KIB_MAX}, not ${cost.m_kib}`,
  );
  bound(cost.t >= 2 && cost.t <= 16, join(path, 't'), `argon2id t must be from 2 to 16, not ${cost.t}`);
  bound(cost.p >= 1 && cost.p <= 16, join(path, 'p'), `argon2id p must be from 1 to 16, not ${cost.p}`);
  return cost;
}

export function encodeKdf(kdf: KdfParameters): JsonObject {
  return { ...kdf, salt: toBase64Url(kdf.salt) };
}

/** The cost without its salt, for results and audit details. */
export function kdfCostJson(cost: KdfCost): JsonObject {
  return cost.alg === 'scrypt'
    ? { alg: cost.alg, n: cost.n, r: cost.r, p: cost.p }
    : { alg: cost.alg, m_kib: cost.m_kib, t: cost.t, p: cost.p };
}

/** KEK, 32 bytes. The caller wipes it, and the passphrase. */
export async function deriveKek(crypto: Crypto, passphrase: Uint8Array, kdf: KdfParameters): Promise<Uint8Array> {
  checkKdf(kdf, 'kdf');
  return kdf.alg === 'scrypt'
    ? crypto.scrypt(passphrase, kdf.salt, { n: kdf.n, r: kdf.r, p: kdf.p }, KEK_BYTES)
    : crypto.argon2id(passphrase, kdf.salt, { mKib: kdf.m_kib, t: kdf.t, p: kdf.p }, KEK_BYTES);
}
