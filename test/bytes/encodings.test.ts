// Hex, base64, base32, framing, comparison: round trips, and every other spelling refused.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase32 } from '../../src/bytes/base32.ts';
import { fromAnyBase64, fromBase64, fromBase64Url, toBase64, toBase64Url } from '../../src/bytes/base64.ts';
import { equalBytes } from '../../src/bytes/equal.ts';
import { concat, readU16be, readU32be, readU64be, u8, u16be, u32be, u64be } from '../../src/bytes/framing.ts';
import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { wipe } from '../../src/bytes/wipe.ts';

const bytes = fc.uint8Array({ maxLength: 80 });

describe('hex', () => {
  it('round trip, also of a view into a larger buffer', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(fromHex(toHex(value))).toEqual(value);
      }),
    );
    expect(toHex(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))).toBe('0203');
  });

  it.each(['A0', 'a', '0g', ' 00', '00\n', '0x00', '００'])('refuses %j', (text) => {
    expect(fromHex(text)).toBeNull();
  });

  it('refuses another length than the one asked for', () => {
    expect(fromHex('0011', 2)).toEqual(Uint8Array.of(0, 0x11));
    expect(fromHex('0011', 1)).toBeNull();
    expect(fromHex('', 1)).toBeNull();
  });
});

describe('base64', () => {
  it('round trips, and the two alphabets do not mix', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(fromBase64Url(toBase64Url(value))).toEqual(value);
        expect(fromBase64(toBase64(value))).toEqual(value);
        expect(fromAnyBase64(toBase64(value))).toEqual(value);
        expect(fromAnyBase64(toBase64(value).replaceAll('+', '-').replaceAll('/', '_'))).toEqual(value);
      }),
    );
    expect(fromBase64('-_8=')).toBeNull();
    expect(fromBase64Url('+/8')).toBeNull();
  });

  it('accepts exactly one text for every value', () => {
    const alphabet = 'ABZaz09-_+/= \n'.split('');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 }), (text) => {
        const url = fromBase64Url(text);
        if (url !== null) expect(toBase64Url(url)).toBe(text);
        const standard = fromBase64(text);
        if (standard !== null) expect(toBase64(standard)).toBe(text);
      }),
    );
  });

  it.each([
    ['padding where none belongs', 'AA==', fromBase64Url],
    ['trailing bits', 'AB', fromBase64Url],
    ['one letter', 'A', fromBase64Url],
    ['white space', 'AA AA', fromBase64Url],
    ['a line feed at the end', 'AA\n', fromBase64Url],
    ['no padding', 'AA', fromBase64],
    ['trailing bits under padding', 'AB==', fromBase64],
    ['too much padding', 'AAA==', fromBase64],
    ['data after padding', 'AA==AA==', fromBase64],
    ['foreign form without padding', 'AA', fromAnyBase64],
  ])('refuses %s', (_name, text, decode) => {
    expect(decode(text)).toBeNull();
  });

  it('refuses another length than the one asked for', () => {
    expect(fromBase64Url('AAAA', 3)).not.toBeNull();
    expect(fromBase64Url('AAAA', 4)).toBeNull();
    expect(fromBase64('AAAA', 2)).toBeNull();
  });
});

describe('base32', () => {
  // RFC 4648 section 10, in lower case without padding.
  it.each([
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi'],
  ])('%j is %j', (text, expected) => {
    expect(toBase32(new TextEncoder().encode(text))).toBe(expected);
  });

  it('gives 32 letters for the 20 bytes of an id', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (id) => {
        expect(toBase32(id)).toMatch(/^[a-z2-7]{32}$/);
      }),
    );
  });
});

describe('framing', () => {
  it('integers are big-endian', () => {
    expect([...u8(0xfe), ...u16be(0x0102), ...u32be(0x01020304), ...u64be(0x010203040506)]).toEqual([
      0xfe, 1, 2, 1, 2, 3, 4, 0, 0, 1, 2, 3, 4, 5, 6,
    ]);
  });

  it('reads what it writes, at an offset and in a view', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(0xffff), fc.nat(9), (large, small, offset) => {
        const framed = concat(new Uint8Array(offset), u64be(large), u16be(small), u32be(small));
        const view = concat(Uint8Array.of(9), framed).subarray(1);
        expect(readU64be(view, offset)).toBe(large);
        expect(readU16be(view, offset + 8)).toBe(small);
        expect(readU32be(view, offset + 10)).toBe(small);
      }),
    );
  });

  it.each([
    [u8, 256],
    [u16be, 65_536],
    [u32be, 2 ** 32],
    [u64be, 2 ** 53],
    [u8, -1],
    [u16be, 1.5],
    [u64be, Number.NaN],
  ])('%o refuses %d', (write, value) => {
    expect(() => write(value)).toThrow('integer out of range');
  });

  it('a u64 beyond 2^53-1 is null, and reading past the end throws', () => {
    expect(readU64be(Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0), 0)).toBeNull();
    expect(readU64be(Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255), 0)).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => readU32be(new Uint8Array(3), 0)).toThrow(RangeError);
    expect(() => readU16be(new Uint8Array(8).subarray(0, 1), 0)).toThrow(RangeError);
  });

  it('concatenation of nothing is empty and copies its parts', () => {
    expect(concat()).toEqual(new Uint8Array(0));
    const part = Uint8Array.of(1);
    const joined = concat(part, Uint8Array.of(2));
    part[0] = 9;
    expect(joined).toEqual(Uint8Array.of(1, 2));
  });
});

describe('comparison and wiping', () => {
  it('equal means same length and same bytes', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equalBytes(a, a.slice())).toBe(true);
        expect(equalBytes(a, b)).toBe(toHex(a) === toHex(b));
      }),
    );
    expect(equalBytes(new Uint8Array(1), new Uint8Array(2))).toBe(false);
  });

  it('wipes only the view', () => {
    const buffer = Uint8Array.of(1, 2, 3);
    wipe(buffer.subarray(1), null, undefined);
    expect(buffer).toEqual(Uint8Array.of(1, 0, 0));
  });
});
