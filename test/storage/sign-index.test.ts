import { array, assert, constantFrom, nat, option, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSignIndex, SegmentSigns, SIGN_ENTRY_BYTES } from '../../src/storage/sign-index.ts';

/** Entries as the format says them, sorted by comparing whole entries. */
function plain(from: number, keys: readonly (Uint8Array | null)[]): Buffer {
  const entries = keys.flatMap((key, n) => {
    if (key === null) return [];
    const entry = Buffer.alloc(SIGN_ENTRY_BYTES);
    entry.set(key);
    entry.writeBigUInt64BE(BigInt(from + n), 16);
    return [entry];
  });
  return Buffer.concat(entries.sort((a, b) => Buffer.compare(a, b)));
}

function signsOf(from: number, keys: readonly (Uint8Array | null)[]): SegmentSigns {
  const signs = new SegmentSigns(from);
  for (const key of keys) signs.add(key);
  return signs;
}

/** Few different bytes, so that prefixes and whole keys are alike. */
const key = array(constantFrom(0, 1, 255), { minLength: 16, maxLength: 16 }).map((all) => Uint8Array.from(all));

describe('sign index of a segment', () => {
  test('sorted bytewise, with alike keys in the order of their seq', () => {
    assert(
      property(array(option(key), { maxLength: 300 }), nat(1000), (keys, segment) => {
        const from = segment * 65_536;
        const sorted = signsOf(from, keys).sorted();
        expect(Buffer.from(sorted).equals(plain(from, keys))).toBe(true);
        expect(isSignIndex(sorted, keys.filter((one) => one !== null).length, from)).toBe(true);
      }),
    );
  });

  test('of records before and after the start of a process', () => {
    assert(
      property(array(option(key), { maxLength: 300 }), nat(300), (keys, cut) => {
        const before = keys.slice(0, cut);
        const sorted = signsOf(0, before).sorted(signsOf(before.length, keys.slice(cut)));
        expect(Buffer.from(sorted).equals(plain(0, keys))).toBe(true);
      }),
    );
  });

  test('a full segment of one key', () => {
    const keys = Array.from({ length: 65_536 }, () => new Uint8Array(16));
    const sorted = signsOf(65_536, keys).sorted();
    expect(Buffer.from(sorted).equals(plain(65_536, keys))).toBe(true);
  });
});
