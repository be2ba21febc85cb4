// The signed message of `/sign` (keys page 5, D-14, R-16):
//   M = ASCII "ron-kms/sign/v1" 00 algs 00 kid#vN 00 payload_b3 (32 raw bytes)
// `algs` names all signatures made in the call, joined by "+" in the order of SIGN_ALGS; each algorithm signs the same M.
// Attack: without it the Ed25519 half of a hybrid bundle is a perfect classical signature under `or`, and nothing binds
// kid or version. A verifier builds `algs` from exactly the algorithms present, so a stripped half fails in every mode.

import { concat } from '../bytes/framing.ts';
import { fromHex } from '../bytes/hex.ts';
import { utf8 } from '../bytes/text.ts';
import { fail } from '../errors.ts';
import { SIGN_ALGS, type SignAlg } from './tracks.ts';

const ZERO = Uint8Array.of(0);

/** `ed25519+ml-dsa` */
export function algsName(algs: readonly SignAlg[]): string {
  return SIGN_ALGS.filter((alg) => algs.includes(alg)).join('+');
}

/** `kidWithVersion` as `<kid>#v<N>`, `payloadB3` 32 raw bytes. */
export function signedMessage(algs: readonly SignAlg[], kidWithVersion: string, payloadB3: Uint8Array): Uint8Array {
  if (payloadB3.length !== 32) throw new RangeError(`payload_b3 has 32 bytes, not ${payloadB3.length}`);
  return concat(utf8('ron-kms/sign/v1'), ZERO, utf8(algsName(algs)), ZERO, utf8(kidWithVersion), ZERO, payloadB3);
}

/** 32 bytes of exactly 64 lower-case hex characters; throws InvalidValue naming `field`. */
export function parsePayloadB3(text: string, field: string): Uint8Array {
  return (
    fromHex(text, 32) ??
    fail('InvalidValue', `${field}: exactly 64 lower-case hex characters (a BLAKE3 digest) are expected`, { field })
  );
}
