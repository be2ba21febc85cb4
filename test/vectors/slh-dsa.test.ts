// SLH-DSA, ACVP: key generation with the vector tool (all sets when RONCTL_VECTORS_FULL=1), import of the same private keys under native, and
// verification through the internal interface, which only noble has.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import {
  slh_dsa_sha2_128f,
  slh_dsa_sha2_128s,
  slh_dsa_sha2_192f,
  slh_dsa_sha2_192s,
  slh_dsa_sha2_256f,
  slh_dsa_sha2_256s,
  slh_dsa_shake_128f,
  slh_dsa_shake_128s,
  slh_dsa_shake_192f,
  slh_dsa_shake_192s,
  slh_dsa_shake_256f,
  slh_dsa_shake_256s,
} from '@noble/post-quantum/slh-dsa.js';
import { it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import { concat } from '../../src/bytes/framing.ts';
import { describeVectors, FULL, PROVIDERS, provider, Tally, unhex, vectorJson } from './third-party.ts';

interface KeyGenPrompt {
  readonly testGroups: readonly {
    readonly parameterSet: keyof typeof NOBLE;
    readonly tests: readonly {
      readonly tcId: number;
      readonly skSeed: string;
      readonly skPrf: string;
      readonly pkSeed: string;
    }[];
  }[];
}
interface KeyGenAnswers {
  readonly testGroups: readonly {
    readonly tests: readonly { readonly tcId: number; readonly sk: string; readonly pk: string }[];
  }[];
}
interface SigVer {
  readonly testGroups: readonly {
    readonly parameterSet: keyof typeof NOBLE;
    readonly tests: readonly {
      readonly tcId: number;
      readonly pk: string;
      readonly message: string;
      readonly signature: string;
      readonly testPassed: boolean;
    }[];
  }[];
}

const NOBLE = {
  'SLH-DSA-SHA2-128s': slh_dsa_sha2_128s,
  'SLH-DSA-SHA2-128f': slh_dsa_sha2_128f,
  'SLH-DSA-SHA2-192s': slh_dsa_sha2_192s,
  'SLH-DSA-SHA2-192f': slh_dsa_sha2_192f,
  'SLH-DSA-SHA2-256s': slh_dsa_sha2_256s,
  'SLH-DSA-SHA2-256f': slh_dsa_sha2_256f,
  'SLH-DSA-SHAKE-128s': slh_dsa_shake_128s,
  'SLH-DSA-SHAKE-128f': slh_dsa_shake_128f,
  'SLH-DSA-SHAKE-192s': slh_dsa_shake_192s,
  'SLH-DSA-SHAKE-192f': slh_dsa_shake_192f,
  'SLH-DSA-SHAKE-256s': slh_dsa_shake_256s,
  'SLH-DSA-SHAKE-256f': slh_dsa_shake_256f,
} as const;

/** Public key of an expanded private key, by node:crypto. */
function nativePublicKey(set: string, secret: Uint8Array): Uint8Array {
  const type = set.toLowerCase() as 'slh-dsa-sha2-128s';
  const key = createPrivateKey({ key: Buffer.from(secret), format: 'raw-private', asymmetricKeyType: type });
  return new Uint8Array(createPublicKey(key).export({ format: 'raw-public' }));
}

describeVectors('SLH-DSA', () => {
  it.each(PROVIDERS)('acvp keyGen under %s', async (name) => {
    const tally = new Tally('acvp/SLH-DSA-keyGen', name);
    const answers = vectorJson('acvp-pqc/SLH-DSA-keyGen-FIPS205/expectedResults.json.gz') as KeyGenAnswers;
    const byId = new Map(answers.testGroups.flatMap((group) => group.tests).map((one) => [one.tcId, one]));
    for (const group of (vectorJson('acvp-pqc/SLH-DSA-keyGen-FIPS205/prompt.json.gz') as KeyGenPrompt).testGroups) {
      for (const one of group.tests) {
        const answer = byId.get(one.tcId)!;
        const [secret, publicKey] = [unhex(answer.sk), unhex(answer.pk)];
        if (group.parameterSet === 'SLH-DSA-SHA2-128s') {
          const key = await provider(name).signature('slh-dsa').importSecret(secret);
          if (!equalBytes(key.publicKey, publicKey)) {
            tally.check(one.tcId, false);
            continue;
          }
        }
        if (name === 'native') {
          tally.check(one.tcId, equalBytes(nativePublicKey(group.parameterSet, secret), publicKey));
        } else if (group.parameterSet !== 'SLH-DSA-SHA2-128s' && !FULL) {
          // The sets that the product does not have take half a minute.
          tally.leaveOut('suite not offered');
        } else {
          const seed = concat(unhex(one.skSeed), unhex(one.skPrf), unhex(one.pkSeed));
          const made = NOBLE[group.parameterSet].keygen(seed);
          tally.check(one.tcId, equalBytes(made.secretKey, secret) && equalBytes(made.publicKey, publicKey));
        }
      }
    }
    if (name === 'native' || FULL) tally.finish(120);
    else tally.finish(10, { 'suite not offered': 110 });
  });

  it('acvp sigVer through the internal interface', () => {
    const tally = new Tally('acvp/SLH-DSA-sigVer', 'noble');
    const { testGroups } = vectorJson('acvp-pqc/SLH-DSA-sigVer-FIPS205/internalProjection.json.gz') as SigVer;
    for (const group of testGroups) {
      for (const one of group.tests) {
        let verdict: boolean;
        try {
          const { internal } = NOBLE[group.parameterSet];
          verdict = internal.verify(unhex(one.signature), unhex(one.message), unhex(one.pk));
        } catch {
          verdict = false;
        }
        tally.check(one.tcId, verdict === one.testPassed);
      }
    }
    tally.finish(45);

    const native = new Tally('acvp/SLH-DSA-sigVer', 'native');
    native.leaveOut('suite not offered', 45);
    native.finishSkipped({ 'suite not offered': 45 });
  });
});
