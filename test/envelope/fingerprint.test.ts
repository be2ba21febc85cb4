import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { sha256Hex } from '../../src/crypto/hash.ts';
import { bip39English } from '../../src/envelope/bip39-english.ts';
import { fingerprintLines, fingerprintWords } from '../../src/envelope/fingerprint.ts';

const ZERO = `sha256:${'00'.repeat(32)}`;

describe('fingerprint words', () => {
  it('the list is the published english.txt', () => {
    const words = bip39English();
    expect(words.length).toBe(2048);
    expect(sha256Hex(utf8(`${words.join('\n')}\n`))).toBe(
      '2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda',
    );
  });

  it('takes the first 132 bits, most significant first', () => {
    expect(fingerprintWords(ZERO)).toEqual(Array.from({ length: 12 }, () => 'abandon'));
    expect(fingerprintWords(`sha256:${'ff'.repeat(32)}`)).toEqual(Array.from({ length: 12 }, () => 'zoo'));
    // 00000000001 00000000010 ...: 0x0020 04.. gives index 1, then index 1 again at bit 21.
    expect(fingerprintWords(`sha256:002004${'00'.repeat(29)}`).slice(0, 3)).toEqual(['ability', 'ability', 'abandon']);
  });

  it('agrees with BIP-39 on its first eleven words (vector 7f x 16: the checksum is in the last word only)', () => {
    const bip = 'legal winner thank year wave sausage worth useful legal winner thank yellow'.split(' ');
    expect(fingerprintWords(`sha256:${'7f'.repeat(16)}${'00'.repeat(16)}`).slice(0, 11)).toEqual(bip.slice(0, 11));
  });

  it('encodes bit for bit: the words give back the first 132 bits', () => {
    const list = bip39English();
    assert(
      property(uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        const bits = fingerprintWords(`sha256:${hex}`)
          .map((word) => list.indexOf(word).toString(2).padStart(11, '0'))
          .join('');
        const expected = BigInt(`0x${hex}`).toString(2).padStart(256, '0').slice(0, 132);
        expect(bits).toBe(expected);
      }),
    );
  });

  it('is three lines of four', () => {
    expect(fingerprintLines(ZERO)).toEqual(Array.from({ length: 3 }, () => 'abandon abandon abandon abandon'));
  });

  it('refuses what is no digest', () => {
    for (const bad of ['', 'sha256:00', `sha512:${'00'.repeat(32)}`, `sha256:${'FF'.repeat(32)}`]) {
      expect(() => fingerprintWords(bad)).toThrow(RangeError);
    }
  });
});
