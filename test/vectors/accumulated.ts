// The accumulated runs of C2SP/CCTV (ML-DSA) and of Go's crypto/mlkem (ML-KEM-768): one digest over many rounds. 100 rounds
// in every run, 10,000 when RONCTL_VECTORS_FULL=1. Each set has a test file of its own, so that they run in parallel.

import { shake128 } from '@noble/hashes/sha3.js';
import { expect, it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import { toHex } from '../../src/bytes/hex.ts';
import type { MlDsaSet } from '../../src/crypto/ml-dsa.ts';
import { productMlDsa, productMlKem } from './lattice.ts';
import { describeVectors, FULL, Tally, vectorJson } from './third-party.ts';
import { encapsulateMlKem, ML_DSA } from './tool.ts';

const EMPTY = new Uint8Array(0);

interface Published {
  readonly mldsa: Readonly<Record<MlDsaSet, Readonly<Record<string, string>>>>;
  readonly mlkem_final_fips203: { readonly 'ML-KEM-768': Readonly<Record<string, string>> };
}

/** s = SHAKE128(''); each round: seed = 32 bytes of s; a absorbs pk and the deterministic signature of the empty message. */
function accumulateMlDsa(set: MlDsaSet, rounds: number): string {
  const scheme = ML_DSA[set];
  const source = shake128.create().update(EMPTY);
  const accumulator = shake128.create();
  for (let round = 0; round < rounds; round++) {
    const { publicKey, secretKey } = scheme.keygen(source.xof(32));
    const signature = scheme.sign(EMPTY, secretKey, { extraEntropy: false });
    // The upstream procedure asks for the verdict too; native gives it, as a check on the other provider's signature.
    if (!productMlDsa('native', set).verify(publicKey, EMPTY, signature)) throw new Error(`round ${round}: refused`);
    accumulator.update(publicKey).update(signature);
  }
  return toHex(accumulator.xof(32));
}

/** Each round: d || z = 64, m = 32, ct = 1088 bytes of the source; a absorbs ek, c, k and Decaps(dk, ct). */
async function accumulateMlKem(rounds: number): Promise<string> {
  const kem = productMlKem('noble', 'ML-KEM-768');
  const native = productMlKem('native', 'ML-KEM-768');
  const source = shake128.create().update(EMPTY);
  const accumulator = shake128.create();
  for (let round = 0; round < rounds; round++) {
    const seed = source.xof(64);
    const m = source.xof(32);
    const random = source.xof(1088);
    const key = await kem.importSecret(seed);
    const made = encapsulateMlKem('ML-KEM-768', key.publicKey, m);
    const rejected = (await key.decapsulate(random))!;
    const nativeRejected = (await native.decapsulate(seed, random))!;
    if (!equalBytes(rejected, nativeRejected)) throw new Error(`round ${round}: native rejects to another secret`);
    accumulator.update(key.publicKey).update(made.ciphertext).update(made.shared).update(rejected);
  }
  return toHex(accumulator.xof(32));
}

const ROUNDS = FULL ? [100, 10_000] : [100];

export function accumulatedMlDsa(set: MlDsaSet): void {
  describeVectors(`accumulated ${set}`, () => {
    it.each(ROUNDS)('%i rounds', { timeout: 1_800_000 }, (rounds) => {
      const tally = new Tally(`cctv/accumulated-${set}-${rounds}`, 'noble');
      const published = (vectorJson('cctv/accumulated.json') as Published).mldsa[set][String(rounds)];
      expect(published).toMatch(/^[0-9a-f]{64}$/);
      const digest = accumulateMlDsa(set, rounds);
      tally.check(digest, digest === published);
      tally.finish(1);
    });
  });
}

export function accumulatedMlKem(): void {
  describeVectors('accumulated ML-KEM-768', () => {
    it.each(ROUNDS)('%i rounds', { timeout: 1_800_000 }, async (rounds) => {
      const tally = new Tally(`cctv/accumulated-ML-KEM-768-${rounds}`, 'noble');
      const published = (vectorJson('cctv/accumulated.json') as Published).mlkem_final_fips203['ML-KEM-768'][
        String(rounds)
      ];
      expect(published).toMatch(/^[0-9a-f]{64}$/);
      const digest = await accumulateMlKem(rounds);
      tally.check(digest, digest === published);
      tally.finish(1);
    });
  });
}
