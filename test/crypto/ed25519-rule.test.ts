// The Ed25519 verdict: the byte checks against the point API, and the providers against each other on changed input.

import { ed25519 } from '@noble/curves/ed25519.js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/hex.ts';
import { isEd25519PublicKey, passesEd25519PreChecks } from '../../src/crypto/ed25519-rule.ts';
import { nativeCrypto } from '../../src/crypto/native.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';

const { Point } = ed25519;
const native = nativeCrypto().signature('ed25519');
const noble = nobleCrypto().signature('ed25519');

/** What the rule says about a key, by the point API. */
function isKeyByPoint(bytes: Uint8Array): boolean {
  try {
    const point = Point.fromBytes(bytes, false);
    return Buffer.from(point.toBytes()).equals(Buffer.from(bytes)) && !point.isSmallOrder();
  } catch {
    return false;
  }
}

const encode = (y: bigint, sign: boolean): Uint8Array => {
  const bytes = Uint8Array.from(Buffer.from(y.toString(16).padStart(64, '0'), 'hex')).reverse();
  bytes[31]! |= sign ? 0x80 : 0;
  return bytes;
};
const P = 2n ** 255n - 19n;

describe('a public key', () => {
  it('is one exactly if the point API decodes it, prints it again and finds no small order', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        expect(isEd25519PublicKey(bytes)).toBe(isKeyByPoint(bytes));
      }),
      { numRuns: 400 },
    );
  });

  it('at every y near 0 and near p, under both signs, including all values above p', () => {
    for (let i = -40n; i <= 40n; i++) {
      for (const y of [i, P + i]) {
        if (y < 0n || y >= 2n ** 255n) continue;
        for (const sign of [false, true]) {
          const bytes = encode(y, sign);
          expect(isEd25519PublicKey(bytes), `y = ${y}, sign ${sign}`).toBe(isKeyByPoint(bytes));
        }
      }
    }
  });

  it('is none of the 8 small-order points, nor any other spelling of one', () => {
    const generator = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
    let point = generator;
    const found = new Set<string>();
    for (let i = 0; i < 8; i++, point = point.add(generator)) {
      found.add(point.toHex());
      expect(isEd25519PublicKey(point.toBytes())).toBe(false);
      expect(native.importPublic(point.toBytes())).toBeNull();
      expect(noble.importPublic(point.toBytes())).toBeNull();
    }
    expect(found.size).toBe(8);
    for (const y of [0n, 1n, P - 1n, P, P + 1n]) {
      for (const sign of [false, true]) expect(isEd25519PublicKey(encode(y, sign))).toBe(false);
    }
  });
});

describe('the verdict', () => {
  const seed = new Uint8Array(32).fill(3);
  const publicKey = ed25519.getPublicKey(seed);

  it('is the same under both providers for any change of key, message or signature', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.array(fc.tuple(fc.nat(95), fc.integer({ min: 1, max: 255 })), { maxLength: 2 }),
        (message, changes) => {
          const parts = new Uint8Array(96);
          parts.set(publicKey);
          parts.set(ed25519.sign(message, seed), 32);
          for (const [at, mask] of changes) parts[at]! ^= mask;
          const [key, signature] = [parts.subarray(0, 32), parts.subarray(32)];
          const verdict = native.verify(key, message, signature);
          expect(noble.verify(key, message, signature)).toBe(verdict);
          if (changes.length === 0) expect(verdict).toBe(true);
          if (changes.length === 1) expect(verdict).toBe(false);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('the identity as key and R with S = 0 passes no check, although the equation holds for every message', () => {
    const identity = Point.ZERO.toBytes();
    const signature = new Uint8Array(64);
    signature.set(identity);
    expect(passesEd25519PreChecks(identity, signature)).toBe(false);
    for (const scheme of [native, noble]) expect(scheme.verify(identity, seed, signature)).toBe(false);
  });

  it('S is compared with L itself: L - 1 goes on to the equation, L and above do not', () => {
    const l = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')!;
    const signature = new Uint8Array(64);
    signature.set(publicKey);
    for (const [s, expected] of [
      [l.with(0, l[0]! - 1), true],
      [l, false],
      [l.with(0, l[0]! + 1), false],
      [l.with(31, 0x20), false],
      [new Uint8Array(32).fill(255), false],
    ] as const) {
      signature.set(s, 32);
      expect(passesEd25519PreChecks(publicKey, signature)).toBe(expected);
    }
  });
});
