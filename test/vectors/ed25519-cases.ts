// Ed25519 signatures at the edges of the verdict (keys page 3), built with the point API from seeded scalars.

import { ed25519 } from '@noble/curves/ed25519.js';
import { concat } from '../../src/bytes/framing.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { sha512 } from '../../src/crypto/hash.ts';
import type { Fields } from './own-format.ts';
import { seeded } from './tool.ts';

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const ORDER_8 = 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a';

const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
const toScalar = (value: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex')).reverse();
const challenge = (r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint =>
  toNumber(sha512(concat(r, a, message))) % L;

export interface VerifyCase {
  readonly name: string;
  readonly in: Fields;
}

const verify = (name: string, a: Uint8Array, message: Uint8Array, signature: Uint8Array): VerifyCase => ({
  name,
  in: { op: 'verify', public: toHex(a), message: toHex(message), signature: toHex(signature) },
});

/** A signature under A = [a]B + T with T of order 8 whose challenge is, or is not, a multiple of 8. */
function mixedOrder(multipleOf8: boolean): { a: Uint8Array; message: Uint8Array; signature: Uint8Array } {
  const a = toNumber(seeded('mixed a', 32)) % L;
  const r = toNumber(seeded('mixed r', 32)) % L;
  const pointA = Point.BASE.multiply(a).add(Point.fromHex(ORDER_8)).toBytes();
  const pointR = Point.BASE.multiply(r).toBytes();
  for (let i = 0; ; i++) {
    const message = seeded(`mixed message ${i}`, 16);
    const k = challenge(pointR, pointA, message);
    if ((k % 8n === 0n) !== multipleOf8) continue;
    return { a: pointA, message, signature: concat(pointR, toScalar((r + k * a) % L)) };
  }
}

export function ed25519Cases(): VerifyCase[] {
  const secret = seeded('ed25519 edges', 32);
  const publicKey = ed25519.getPublicKey(secret);
  const message = seeded('ed25519 edge message', 32);
  const signature = ed25519.sign(message, secret);
  const r = signature.subarray(0, 32);
  const s = signature.subarray(32);
  const identity = Point.ZERO.toBytes();
  const zero = new Uint8Array(32);
  const offCurve = new Uint8Array(32).with(0, 2);
  const holds = mixedOrder(true);
  const cofactored = mixedOrder(false);
  return [
    verify('an ordinary signature', publicKey, message, signature),
    verify(
      'a public key with a torsion component, where the equation holds without the cofactor',
      holds.a,
      holds.message,
      holds.signature,
    ),
    verify('an equation that holds only with the cofactor', cofactored.a, cofactored.message, cofactored.signature),
    verify('S + L in place of S', publicKey, message, concat(r, toScalar(toNumber(s) + L))),
    verify('S = L', publicKey, message, concat(r, toScalar(L))),
    verify(
      'A and R the identity, S = 0: verifies every message in a naive verifier',
      identity,
      message,
      concat(identity, zero),
    ),
    verify('A of order 8', Point.fromHex(ORDER_8).toBytes(), message, signature),
    verify('R of order 8', publicKey, message, concat(Point.fromHex(ORDER_8).toBytes(), s)),
    verify(
      'A not canonical: y = p + 1',
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xee : i === 31 ? 0x7f : 0xff)),
      message,
      signature,
    ),
    verify('A not canonical: y = 1 with the sign bit', identity.with(31, 0x80), message, signature),
    verify(
      'R not canonical: y = p + 3',
      publicKey,
      message,
      concat(
        Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xf0 : i === 31 ? 0x7f : 0xff)),
        s,
      ),
    ),
    verify('A is not a point of the curve: y = 2', offCurve, message, signature),
    verify('R is not a point of the curve: y = 2', publicKey, message, concat(offCurve, s)),
    verify('another message', publicKey, message.with(0, message[0]! ^ 1), signature),
    verify('63 bytes', publicKey, message, signature.subarray(0, 63)),
    verify('65 bytes', publicKey, message, concat(signature, zero.subarray(0, 1))),
    verify('a public key of 31 bytes', publicKey.subarray(0, 31), message, signature),
  ];
}

export function registrationCases(): VerifyCase[] {
  const register = (name: string, publicKey: Uint8Array): VerifyCase => ({
    name,
    in: { op: 'register', public: toHex(publicKey) },
  });
  return [
    register('an ordinary public key', ed25519.getPublicKey(seeded('ed25519 edges', 32))),
    register('a public key with a torsion component is still a key', mixedOrder(true).a),
    register('the identity', Point.ZERO.toBytes()),
    register('a point of order 8', Point.fromHex(ORDER_8).toBytes()),
    register(
      'not canonical: y = p + 3',
      Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0xf0 : i === 31 ? 0x7f : 0xff)),
    ),
    register('not a point of the curve: y = 2', new Uint8Array(32).with(0, 2)),
    register('33 bytes', new Uint8Array(33).fill(1)),
  ];
}
