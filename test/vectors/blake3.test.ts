// The official BLAKE3 vectors: the default output, whole and streamed. Keyed hashing and key derivation are not offered.

import { it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import { blake3, blake3Stream } from '../../src/crypto/blake3.ts';
import { describeVectors, Tally, unhex, vectorJson } from './third-party.ts';

interface Blake3Vectors {
  readonly cases: readonly { readonly input_len: number; readonly hash: string }[];
}

describeVectors('blake3', () => {
  it('hashes whole, in one stream and byte by byte', async () => {
    const tally = new Tally('blake3', 'plain');
    for (const one of (vectorJson('blake3/test_vectors.json') as Blake3Vectors).cases) {
      const input = Uint8Array.from({ length: one.input_len }, (_, index) => index % 251);
      const expected = unhex(one.hash).subarray(0, 32);
      const stream = await blake3Stream();
      stream.update(input);
      let right = equalBytes(blake3(input), expected) && equalBytes(stream.digest(), expected);
      if (input.length <= 2049) {
        const bytewise = await blake3Stream();
        for (let i = 0; i < input.length; i++) bytewise.update(input.subarray(i, i + 1));
        right &&= equalBytes(bytewise.digest(), expected);
      }
      tally.check(one.input_len, right);
      tally.leaveOut('suite not offered', 2);
    }
    tally.finish(35, { 'suite not offered': 70 });
  });
});
