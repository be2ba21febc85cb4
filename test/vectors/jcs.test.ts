// RFC 8785 vectors. What we sign is a subset of JSON: integers within 2^53-1 without -0, so documents and numbers outside it
// must be refused by writer and reader; everything inside must come out byte for byte.

import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { expect, it } from 'vitest';
import { canonicalBytes, canonicalText, parseCanonical, parseCanonicalText } from '../../src/bytes/canonical-json.ts';
import { equalBytes } from '../../src/bytes/equal.ts';
import { describeVectors, refuses, Tally, unhex, vectorBytes, vectorJson } from './third-party.ts';

const DOCUMENTS = [
  ['arrays', true],
  ['french', true],
  ['structures', true],
  ['unicode', true],
  // 333333333.33333329 and four more numbers that are no integers.
  ['values', false],
  ['weird', true],
] as const;

describeVectors('jcs', () => {
  it('documents', () => {
    const tally = new Tally('jcs/documents', 'plain');
    for (const [name, within] of DOCUMENTS) {
      const value = JSON.parse(vectorBytes(`jcs/input/${name}.json`).toString('utf8')) as unknown;
      const expected = new Uint8Array(vectorBytes(`jcs/output/${name}.json`));
      const hex = unhex(vectorBytes(`jcs/outhex/${name}.txt`).toString('latin1').replaceAll(/\s/g, ''));
      const package_ = canonicalize(value) === Buffer.from(expected).toString('utf8') && equalBytes(hex, expected);
      const ours = within
        ? equalBytes(canonicalBytes(value), expected) &&
          equalBytes(canonicalBytes(parseCanonical(expected, name)), expected)
        : refuses(() => canonicalBytes(value)) && refuses(() => parseCanonical(expected, name));
      tally.check(name, package_ && ours);
    }
    tally.finish(6);
  });

  const number = (bits: string): number => {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(`0x${bits}`));
    return view.getFloat64(0);
  };

  it('numbers: integers in range as written, everything else refused', () => {
    const tally = new Tally('jcs/numbers', 'plain');
    const file = vectorBytes('jcs/es6testfile-10000.txt');
    const { sha256_of_first_n_lines: published } = vectorJson('jcs/es6-hashes.json') as {
      sha256_of_first_n_lines: Readonly<Record<string, string>>;
    };
    expect(createHash('sha256').update(file).digest('hex')).toBe(published['10000']);
    let integers = 0;
    for (const line of file.toString('latin1').trimEnd().split('\n')) {
      const [bits, text] = line.split(',') as [string, string];
      const value = number(bits);
      const within = Number.isSafeInteger(value) && !Object.is(value, -0);
      if (within) integers++;
      const writes = within ? canonicalText(value) === text : refuses(() => canonicalText(value));
      // The text "0" is read as 0, also on the line of -0, which JCS writes the same way.
      const reads =
        within || text === '0'
          ? parseCanonicalText(text, 'number') === value + 0
          : refuses(() => parseCanonicalText(text, 'number'));
      tally.check(bits, canonicalize(value) === text && writes && reads);
    }
    tally.finish(10_000);
    expect(integers).toBeGreaterThan(10);
  });

  it('NaN and infinities are refused', () => {
    const tally = new Tally('jcs/must-fail', 'plain');
    const { must_fail_bits: bits } = vectorJson('jcs/es6-hashes.json') as { must_fail_bits: readonly string[] };
    for (const one of bits)
      tally.check(
        one,
        refuses(() => canonicalText(number(one))),
      );
    tally.finish(3);
  });
});
