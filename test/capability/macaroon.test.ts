// The binary form: what is written is read back, every other byte string is refused before any HMAC.

import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { addFirstParty, isAuthentic, newMacaroon } from '../../src/capability/chain.ts';
import { type Macaroon, parseMacaroon, printMacaroon } from '../../src/capability/macaroon.ts';
import { decodeMacaroon, encodeMacaroon, TOKEN_CHARACTERS } from '../../src/capability/token.ts';
import { refusal } from '../support/refusal.ts';

const SIGNATURE = '00'.repeat(32);
const KEY = new Uint8Array(32).fill(7);

const bytes = (max: number, min = 0): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: min, maxLength: max });
const macaroon: fc.Arbitrary<Macaroon> = fc.record({
  location: fc.option(bytes(256)),
  identifier: bytes(300),
  caveats: fc.array(
    fc.oneof(
      fc.record({ identifier: bytes(40), vid: fc.constant(null), location: fc.constant(null) }),
      fc.record({ identifier: bytes(40), vid: bytes(72), location: fc.option(bytes(40)) }),
    ),
    { maxLength: 20 },
  ),
  signature: bytes(32, 32),
});

test('what is printed is read back as the same', () => {
  fc.assert(
    fc.property(macaroon, (one) => {
      expect(parseMacaroon(printMacaroon(one))).toEqual(one);
      expect(decodeMacaroon(encodeMacaroon(one))).toEqual(one);
    }),
  );
});

test('there is one form: what is read prints to the same bytes, whatever byte was changed', () => {
  fc.assert(
    fc.property(macaroon, fc.nat(), fc.nat(255), (one, at, value) => {
      const changed = printMacaroon(one);
      changed[at % changed.length] = value;
      let parsed: Macaroon;
      try {
        parsed = parseMacaroon(changed);
      } catch {
        return;
      }
      expect(toHex(printMacaroon(parsed))).toBe(toHex(changed));
    }),
    { numRuns: 500 },
  );
});

test('a byte more, a byte less, and any bytes at all', () => {
  fc.assert(
    fc.property(macaroon, bytes(60), (one, noise) => {
      const whole = printMacaroon(one);
      for (const broken of [whole.subarray(0, -1), Uint8Array.from([...whole, 0])]) {
        expect(refusal(() => parseMacaroon(broken)).code).toBe('Malformed');
      }
      // Without its first byte it may be another macaroon: 02 02 01 01 00 ... is then one with a location.
      for (const other of [noise, whole.subarray(1)]) {
        try {
          expect(parseMacaroon(other)).not.toEqual(one);
        } catch (error) {
          expect(error).toMatchObject({ code: 'Malformed' });
        }
      }
    }),
  );
});

describe('one reason each', () => {
  // 02: field 2, two bytes, `id`.
  const id = '02026964';
  const end = `0620${SIGNATURE}`;
  it.each([
    ['the empty string', '', 'cut off'],
    ['version 1', `01${id}0000${end}`, 'another version'],
    ['a type of two bytes that needs one', `0282000269640000${end}`, 'longer than it needs'],
    ['a length of two bytes that needs one', `0202820069640000${end}`, 'longer than it needs'],
    ['a length beyond the end', '0202ff0169640000', 'beyond the end'],
    ['a length that overflows', '0202ffffffff0f6964', 'a length that no capability has'],
    ['location behind the identifier', `02${id}0101610000${end}`, 'out of order'],
    ['an identifier twice', `02${id}${id}0000${end}`, 'out of order'],
    ['an unknown field', `02${id}0301610000${end}`, 'unknown type 3'],
    ['a header without identifier', `020000${end}`, 'no identifier'],
    ['a verification id in the header', `02${id}0401610000${end}`, 'in the header'],
    ['a caveat that is only a location', `02${id}000101610000${end}`, 'without identifier'],
    ['a first-party caveat with a location', `02${id}000101610201610000${end}`, 'with a location'],
    ['a location of 257 bytes', `02018102${'61'.repeat(257)}${id}0000${end}`, 'too long'],
    ['no signature', `02${id}0000`, 'cut off'],
    ['another field in the place of the signature', `02${id}00000520${SIGNATURE}`, 'no signature'],
    ['a signature of 31 bytes', `02${id}0000061f${SIGNATURE.slice(2)}`, 'another length'],
    ['bytes behind the end', `02${id}0000${end}00`, 'behind the end'],
  ])('%s', (_, hex, why) => {
    const bad = fromHex(hex)!;
    expect(refusal(() => parseMacaroon(bad))).toMatchObject({
      code: 'Malformed',
      message: expect.stringContaining(why),
    });
  });

  it('and none of them hides the others: the plain form is read', () => {
    expect(parseMacaroon(fromHex(`02${id}0000${end}`)!).identifier).toEqual(utf8('id'));
  });
});

describe('sizes, before any HMAC', () => {
  const caveats = (count: number, length: number): Macaroon['caveats'] =>
    Array.from({ length: count }, () => ({ identifier: new Uint8Array(length), vid: null, location: null }));
  const of = (list: Macaroon['caveats']): Macaroon => ({
    location: null,
    identifier: utf8('id'),
    caveats: list,
    signature: new Uint8Array(32),
  });

  it('32 caveats are read, 33 are not', () => {
    expect(parseMacaroon(printMacaroon(of(caveats(32, 1)))).caveats).toHaveLength(32);
    expect(refusal(() => printMacaroon(of(caveats(33, 1)))).code).toBe('TooLarge');
    const one = '02016100';
    const many = fromHex(`020202696400${one.repeat(33)}000620${SIGNATURE}`)!;
    expect(refusal(() => parseMacaroon(many)).message).toContain('more than 32 caveats');
  });

  it('4,096 bytes are read, one more is not', () => {
    const base = printMacaroon(of([])).length;
    // type, two bytes of length, end
    const fitting = of(caveats(1, 4096 - base - 4));
    expect(parseMacaroon(printMacaroon(fitting))).toEqual(fitting);
    expect(refusal(() => printMacaroon(of(caveats(1, 4097 - base - 4)))).code).toBe('TooLarge');
    expect(refusal(() => parseMacaroon(new Uint8Array(4097).fill(2))).message).toContain('more than 4096 bytes');
    expect(refusal(() => decodeMacaroon('A'.repeat(TOKEN_CHARACTERS + 1))).message).toContain('more than 4096 bytes');
  });
});

test('base64url without padding, canonical, and nothing else', () => {
  const text = encodeMacaroon(newMacaroon(KEY, utf8('x'), utf8('ron-kms')));
  for (const other of [
    `${text}=`,
    `${text} `,
    ` ${text}`,
    `${text}\n`,
    text.slice(0, -1),
    '',
    'ä',
    text.replace(/.$/, '~'),
  ]) {
    expect(refusal(() => decodeMacaroon(other)).code).toBe('Malformed');
  }
});

describe('location', () => {
  it('is no part of what is signed: absent, empty and any other verify alike', () => {
    const one = addFirstParty(newMacaroon(KEY, utf8('id'), utf8('ron-kms')), utf8('scope = kms:sign'));
    for (const location of [null, new Uint8Array(0), new Uint8Array(256).fill(0x61)]) {
      const moved = parseMacaroon(printMacaroon({ ...one, location }));
      expect(isAuthentic(KEY, moved)).toBe(true);
      expect(isAuthentic(KEY, addFirstParty(moved, utf8('rps = 1')))).toBe(true);
    }
  });
});

test('a changed byte of identifier, caveat or signature, a caveat left out, another order: the MAC is wrong', () => {
  const texts = fc.array(bytes(20, 1), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(bytes(20, 1), texts, fc.nat(), (identifier, predicates, at) => {
      let one = newMacaroon(KEY, identifier, null);
      for (const predicate of predicates) one = addFirstParty(one, predicate);
      expect(isAuthentic(KEY, one)).toBe(true);
      expect(
        isAuthentic(
          KEY.map((byte) => byte ^ 1),
          one,
        ),
      ).toBe(false);
      const flip = (of: Uint8Array): Uint8Array =>
        of.map((byte, index) => (index === at % of.length ? byte ^ 0x10 : byte));
      expect(isAuthentic(KEY, { ...one, identifier: flip(identifier) })).toBe(false);
      expect(isAuthentic(KEY, { ...one, signature: flip(one.signature) })).toBe(false);
      const without = one.caveats.filter((_, index) => index !== at % one.caveats.length);
      expect(isAuthentic(KEY, { ...one, caveats: without })).toBe(false);
      const changed = one.caveats.map((caveat, index) =>
        index === at % one.caveats.length ? { ...caveat, identifier: flip(caveat.identifier) } : caveat,
      );
      expect(isAuthentic(KEY, { ...one, caveats: changed })).toBe(false);
    }),
  );
});
