// ML-DSA key generation from a seed and verification: Wycheproof, ACVP. Cases with a context are judged by the library with
// that context, and by the product's scheme, which has none and must refuse what was signed in one.

import { it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import type { MlDsaSet } from '../../src/crypto/ml-dsa.ts';
import type { ProviderName } from '../../src/crypto/provider.ts';
import { productMlDsa, verifyInContext } from './lattice.ts';
import { describeVectors, PROVIDERS, Tally, unhex, vectorJson, type Wycheproof } from './third-party.ts';
import { ML_DSA } from './tool.ts';

interface VerifyGroup {
  readonly publicKey: string;
}
interface VerifyCase {
  readonly msg: string;
  readonly sig: string;
  readonly ctx?: string;
}

interface AcvpGroup<Case> {
  readonly tgId: number;
  readonly parameterSet: MlDsaSet;
  readonly tests: readonly (Case & { readonly tcId: number })[];
}
interface Acvp<Case, Group = object> {
  readonly testGroups: readonly (AcvpGroup<Case> & Group)[];
}
interface SigVerGroup {
  readonly signatureInterface: 'external' | 'internal';
  readonly preHash: 'pure' | 'preHash' | 'none';
  readonly externalMu: boolean;
}
interface SigVerCase {
  readonly pk: string;
  readonly message?: string;
  readonly mu?: string;
  readonly context?: string;
  readonly signature: string;
  readonly testPassed: boolean;
}

/** True when both the library in the context and the product without one say what they should. */
function judge(
  name: ProviderName,
  set: MlDsaSet,
  one: { readonly pk: string; readonly message: string; readonly context: string; readonly signature: string },
  valid: boolean,
): boolean {
  const [publicKey, message, signature] = [unhex(one.pk), unhex(one.message), unhex(one.signature)];
  const context = unhex(one.context);
  const product = productMlDsa(name, set).verify(publicKey, message, signature);
  return (
    verifyInContext(name, set, publicKey, message, context, signature) === valid &&
    product === (valid && context.length === 0)
  );
}

function noblePlain(set: MlDsaSet, one: SigVerCase, externalMu: boolean): boolean {
  try {
    const input = unhex(externalMu ? one.mu! : one.message!);
    return ML_DSA[set].internal.verify(unhex(one.signature), input, unhex(one.pk), { externalMu });
  } catch {
    return false;
  }
}

describeVectors('ML-DSA verification', () => {
  for (const name of PROVIDERS) {
    it.each([
      ['ML-DSA-44', 'mldsa_44', 180],
      ['ML-DSA-87', 'mldsa_87', 241],
    ] as const)(`wycheproof %s under ${name}`, (set, file, run) => {
      const tally = new Tally(`wycheproof/${file}_verify`, name);
      const path = `wycheproof/${file}_verify_test.json.gz`;
      for (const group of (vectorJson(path) as Wycheproof<VerifyGroup, VerifyCase>).testGroups) {
        for (const one of group.tests) {
          const input = { pk: group.publicKey, message: one.msg, context: one.ctx ?? '', signature: one.sig };
          tally.check(one.tcId, judge(name, set, input, one.result === 'valid'));
        }
      }
      tally.finish(run);
    });

    it(`acvp keyGen under ${name}`, async () => {
      const tally = new Tally('acvp/ML-DSA-keyGen', name);
      const prompt = vectorJson('acvp-pqc/ML-DSA-keyGen-FIPS204/prompt.json.gz') as Acvp<{ seed: string }>;
      const answers = vectorJson('acvp-pqc/ML-DSA-keyGen-FIPS204/expectedResults.json.gz') as Acvp<{
        pk: string;
        sk: string;
      }>;
      const byId = new Map(answers.testGroups.flatMap((group) => group.tests).map((one) => [one.tcId, one]));
      for (const group of prompt.testGroups) {
        for (const one of group.tests) {
          const answer = byId.get(one.tcId)!;
          const key = await productMlDsa(name, group.parameterSet).importSecret(unhex(one.seed));
          // The expanded private key shows itself in noble only; native signs with it, which the public key verifies.
          const expanded =
            name === 'native' ||
            equalBytes(ML_DSA[group.parameterSet].keygen(unhex(one.seed)).secretKey, unhex(answer.sk));
          tally.check(one.tcId, equalBytes(key.publicKey, unhex(answer.pk)) && expanded);
        }
      }
      tally.finish(75);
    });

    it(`acvp sigVer under ${name}`, () => {
      const tally = new Tally('acvp/ML-DSA-sigVer', name);
      const { testGroups } = vectorJson('acvp-pqc/ML-DSA-sigVer-FIPS204/internalProjection.json.gz') as Acvp<
        SigVerCase,
        SigVerGroup
      >;
      for (const group of testGroups) {
        for (const one of group.tests) {
          const set = group.parameterSet;
          if (group.preHash === 'preHash') tally.leaveOut('hash-ml-dsa');
          else if (group.signatureInterface === 'external') {
            const input = { pk: one.pk, message: one.message!, context: one.context!, signature: one.signature };
            tally.check(one.tcId, judge(name, set, input, one.testPassed));
          } else if (name === 'noble') {
            tally.check(one.tcId, noblePlain(set, one, group.externalMu) === one.testPassed);
          } else tally.leaveOut(group.externalMu ? 'external-mu' : 'suite not offered');
        }
      }
      if (name === 'noble') tally.finish(135, { 'hash-ml-dsa': 45 });
      else tally.finish(45, { 'hash-ml-dsa': 45, 'external-mu': 45, 'suite not offered': 45 });
    });
  }
});
