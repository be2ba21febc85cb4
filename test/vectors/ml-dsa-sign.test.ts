// ML-DSA signing: Wycheproof (from a seed, from an expanded key) and ACVP sigGen. The vector tool makes the exact signature,
// deterministic or with the given randomness; native, which only signs hedged, verifies it and derives the key.

import { it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import type { MlDsaSet } from '../../src/crypto/ml-dsa.ts';
import { DSA_SUITES, productMlDsa, verifyInContext } from './lattice.ts';
import { describeVectors, refuses, Tally, unhex, vectorJson, type Wycheproof } from './third-party.ts';
import { ML_DSA } from './tool.ts';

interface SignGroup {
  readonly privateSeed?: string;
  readonly privateKey?: string;
  readonly publicKey: string | null;
}
interface SignCase {
  readonly msg?: string;
  readonly mu?: string;
  readonly ctx?: string;
  readonly rnd?: string;
  readonly sig: string;
}

interface SigGenGroup {
  readonly parameterSet: MlDsaSet;
  readonly deterministic: boolean;
  readonly signatureInterface: 'external' | 'internal';
  readonly preHash?: 'pure' | 'preHash';
  readonly externalMu?: boolean;
  readonly tests: readonly {
    readonly tcId: number;
    readonly sk: string;
    readonly message?: string;
    readonly mu?: string;
    readonly context?: string;
    readonly rnd?: string;
  }[];
}
interface SigGenAnswers {
  readonly testGroups: readonly { readonly tests: readonly { readonly tcId: number; readonly signature: string }[] }[];
}

const exact = (rnd: string | undefined) => ({ extraEntropy: rnd === undefined ? (false as const) : unhex(rnd) });

/** The signature that the vector tool makes for one Wycheproof case, with the expanded key. */
function toolSignature(set: MlDsaSet, secretKey: Uint8Array, one: SignCase): Uint8Array {
  const scheme = ML_DSA[set];
  if (one.msg === undefined)
    return scheme.internal.sign(unhex(one.mu!), secretKey, { ...exact(one.rnd), externalMu: true });
  return scheme.sign(unhex(one.msg), secretKey, { ...exact(one.rnd), context: unhex(one.ctx ?? '') });
}

const files: readonly (readonly [string, MlDsaSet, number, number])[] = [
  ['mldsa_44_sign_seed', 'ML-DSA-44', 86, 8],
  ['mldsa_87_sign_seed', 'ML-DSA-87', 96, 17],
  ['mldsa_44_sign_noseed', 'ML-DSA-44', 73, 7],
  ['mldsa_65_sign_noseed', 'ML-DSA-65', 78, 10],
  ['mldsa_87_sign_noseed', 'ML-DSA-87', 69, 10],
];

describeVectors('ML-DSA signing', () => {
  it.each(files)('wycheproof %s with the vector tool', (file, set, run) => {
    const tally = new Tally(`wycheproof/${file}`, 'noble');
    for (const group of (vectorJson(`wycheproof/${file}_test.json.gz`) as Wycheproof<SignGroup, SignCase>).testGroups) {
      for (const one of group.tests) {
        const sign = () => {
          const secretKey =
            group.privateSeed === undefined
              ? unhex(group.privateKey!)
              : ML_DSA[set].keygen(unhex(group.privateSeed)).secretKey;
          return toolSignature(set, secretKey, one);
        };
        tally.check(one.tcId, one.result === 'valid' ? equalBytes(sign(), unhex(one.sig)) : refuses(sign));
      }
    }
    tally.finish(run);
  });

  it.each(files)(
    'wycheproof %s under native: keys from seeds, signatures verified',
    async (file, set, total, internal) => {
      const tally = new Tally(`wycheproof/${file}`, 'native');
      const scheme = productMlDsa('native', set);
      for (const group of (vectorJson(`wycheproof/${file}_test.json.gz`) as Wycheproof<SignGroup, SignCase>)
        .testGroups) {
        for (const one of group.tests) {
          const seed = group.privateSeed === undefined ? null : unhex(group.privateSeed);
          if (one.msg === undefined) {
            tally.leaveOut('external-mu');
          } else if (one.result === 'valid') {
            const publicKey = unhex(group.publicKey!);
            const same = seed === null || equalBytes((await scheme.importSecret(seed)).publicKey, publicKey);
            const context = unhex(one.ctx ?? '');
            tally.check(
              one.tcId,
              same && verifyInContext('native', set, publicKey, unhex(one.msg), context, unhex(one.sig)),
            );
          } else if (seed !== null && seed.length !== DSA_SUITES[set].secretBytes) {
            const refused = await scheme.importSecret(seed).then(
              () => false,
              () => true,
            );
            tally.check(one.tcId, refused);
          } else {
            // Expanded private keys, and a context (here one that is too long), are not offered for signing.
            tally.leaveOut('suite not offered');
          }
        }
      }
      const notOffered = file.endsWith('noseed') ? 5 : 1;
      tally.finish(total - internal - notOffered, { 'external-mu': internal, 'suite not offered': notOffered });
    },
  );

  it('acvp sigGen with the vector tool', () => {
    const tally = new Tally('acvp/ML-DSA-sigGen', 'noble');
    const prompt = vectorJson('acvp-pqc/ML-DSA-sigGen-FIPS204/prompt.json.gz') as {
      testGroups: readonly SigGenGroup[];
    };
    const answers = vectorJson('acvp-pqc/ML-DSA-sigGen-FIPS204/expectedResults.json.gz') as SigGenAnswers;
    const byId = new Map(answers.testGroups.flatMap((group) => group.tests).map((one) => [one.tcId, one.signature]));
    for (const group of prompt.testGroups) {
      for (const one of group.tests) {
        if (group.preHash === 'preHash') {
          tally.leaveOut('hash-ml-dsa');
          continue;
        }
        const scheme = ML_DSA[group.parameterSet];
        const options = exact(group.deterministic ? undefined : one.rnd);
        const externalMu = group.externalMu === true;
        const signature =
          group.signatureInterface === 'external'
            ? scheme.sign(unhex(one.message!), unhex(one.sk), { ...options, context: unhex(one.context!) })
            : scheme.internal.sign(unhex(externalMu ? one.mu! : one.message!), unhex(one.sk), {
                ...options,
                externalMu,
              });
        tally.check(one.tcId, equalBytes(signature, unhex(byId.get(one.tcId)!)));
      }
    }
    tally.finish(270, { 'hash-ml-dsa': 90 });

    const native = new Tally('acvp/ML-DSA-sigGen', 'native');
    native.leaveOut('no deterministic native signing', 360);
    native.finishSkipped({ 'no deterministic native signing': 360 });
  });
});
