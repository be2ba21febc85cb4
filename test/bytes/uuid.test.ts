import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/hex.ts';
import { parseUuid, uuidV4, uuidV7, uuidV8 } from '../../src/bytes/uuid.ts';
import { sha256 } from '../../src/crypto/hash.ts';

const random16 = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe('UUIDs', () => {
  it('the version 7 example of RFC 9562 A.6 comes from its time and random bits', () => {
    const random = fromHex('000000000000fcc3d8c4dc0c0c07398f')!;
    expect(uuidV7(1645557742000, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  it('the version 8 example of RFC 9562 B.2 comes from its SHA-256 bytes', () => {
    const namespace = fromHex('6ba7b8109dad11d180b400c04fd430c8')!;
    const digest = sha256(new Uint8Array([...namespace, ...Buffer.from('www.example.com')]));
    expect(uuidV8(digest.slice(0, 16))).toBe('5c146b14-3c52-8afd-938a-375d0df1fbf6');
  });

  it('every example of RFC 9562 parses with its version, nil and max do not', () => {
    const folder = process.env['RONCTL_VECTORS'] ?? new URL('../../../shared/vectors', import.meta.url).pathname;
    let file: { examples: { version?: number; uuid?: string; nil?: string; max?: string }[] };
    try {
      file = JSON.parse(readFileSync(`${folder}/uuid/rfc9562-examples.json`, 'utf8')) as typeof file;
    } catch {
      process.stdout.write('vectors: absent (uuid)\n');
      return;
    }
    let parsed = 0;
    for (const example of file.examples) {
      if (example.uuid !== undefined) {
        expect(parseUuid(example.uuid)?.version).toBe(example.version);
        parsed++;
      } else {
        expect(parseUuid(example.nil!)).toBeNull();
        expect(parseUuid(example.max!)).toBeNull();
      }
    }
    expect(parsed).toBe(7);
  });

  it('what is made is read back with its version and its free bits', () => {
    fc.assert(
      fc.property(random16, fc.nat({ max: 2 ** 31 - 1 }), (random, seconds) => {
        const v4 = parseUuid(uuidV4(random))!;
        const v7 = parseUuid(uuidV7(seconds * 1000, random))!;
        const v8 = parseUuid(uuidV8(random))!;
        expect([v4.version, v7.version, v8.version]).toEqual([4, 7, 8]);
        expect(v4.bytes.slice(9)).toEqual(random.slice(9));
        expect(v8.bytes.slice(0, 6)).toEqual(random.slice(0, 6));
        expect(Buffer.from(v7.bytes).readUIntBE(0, 6)).toBe(seconds * 1000);
      }),
    );
  });

  it('later times sort after earlier ones', () => {
    const zero = new Uint8Array(16);
    const full = new Uint8Array(16).fill(0xff);
    expect(uuidV7(1, full) < uuidV7(2, zero)).toBe(true);
  });

  it.each([
    '919108F7-52D1-4320-9BAC-F847DB4148A8',
    '919108f752d143209bacf847db4148a8',
    '919108f7-52d1-0320-9bac-f847db4148a8',
    '919108f7-52d1-4320-1bac-f847db4148a8',
    '919108f7-52d1-4320-9bac-f847db4148a8 ',
    '{919108f7-52d1-4320-9bac-f847db4148a8}',
    '',
  ])('%j is no UUID of ours', (text) => {
    expect(parseUuid(text)).toBeNull();
  });

  it('wrong lengths and times beyond 48 bits are refused', () => {
    expect(() => uuidV4(new Uint8Array(15))).toThrow('16 bytes');
    expect(() => uuidV7(2 ** 48, new Uint8Array(16))).toThrow('time out of range');
    expect(() => uuidV7(-1, new Uint8Array(16))).toThrow('time out of range');
  });
});
