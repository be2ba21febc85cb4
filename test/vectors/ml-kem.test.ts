// ML-KEM: Wycheproof, ACVP and C2SP/CCTV. Keys from seeds, decapsulation and key refusal under both providers; the exact
// encapsulation with the vector tool, opened by native.

import { it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import { concat } from '../../src/bytes/framing.ts';
import type { MlKemSet } from '../../src/crypto/ml-kem.ts';
import type { ProviderName } from '../../src/crypto/provider.ts';
import { decapsulateExpanded, KEM_SUITES, productMlKem } from './lattice.ts';
import {
  describeVectors,
  PROVIDERS,
  refuses,
  Tally,
  unhex,
  vectorBytes,
  vectorJson,
  type Wycheproof,
} from './third-party.ts';
import { encapsulateMlKem, ML_KEM } from './tool.ts';

const SETS = ['ML-KEM-512', 'ML-KEM-768', 'ML-KEM-1024'] as const;

interface KeygenCase {
  readonly seed: string;
  readonly ek: string;
  readonly dk: string;
}
interface DecapsCase {
  readonly seed: string;
  readonly ek?: string;
  readonly c: string;
  readonly K: string;
}
interface EncapsCase {
  readonly ek: string;
  readonly m: string;
  readonly c: string;
  readonly K: string;
}
interface ExpandedCase {
  readonly dk: string;
  readonly c: string;
  readonly K: string;
}

const file = (set: MlKemSet): string => set.toLowerCase().replaceAll('-', '').replace('mlkem', 'mlkem_');

const wycheproof = <Case>(path: string) =>
  (vectorJson(`wycheproof/${path}`) as Wycheproof<object, Case>).testGroups.flatMap((group) => group.tests);

const rejects = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => false,
    () => true,
  );

/** The product refuses the key by looking at it, and refuses to encapsulate to it. */
const refusesPublicKey = async (name: ProviderName, set: MlKemSet, key: Uint8Array): Promise<boolean> =>
  !productMlKem(name, set).isPublicKey(key) && (await rejects(productMlKem(name, set).encapsulate(key)));

describeVectors('ML-KEM', () => {
  for (const name of PROVIDERS) {
    it.each(SETS)(`wycheproof %s keys from seeds under ${name}`, async (set) => {
      const tally = new Tally(`wycheproof/${file(set)}_keygen_seed`, name);
      for (const one of wycheproof<KeygenCase>(`${file(set)}_keygen_seed_test.json.gz`)) {
        const publicKey = await productMlKem(name, set).publicKey(unhex(one.seed));
        const expanded = name === 'native' || equalBytes(ML_KEM[set].keygen(unhex(one.seed)).secretKey, unhex(one.dk));
        tally.check(one.tcId, equalBytes(publicKey, unhex(one.ek)) && expanded);
      }
      tally.finish(100);
    });

    it.each(['ML-KEM-512', 'ML-KEM-1024'] as const)(`wycheproof %s decapsulation under ${name}`, async (set) => {
      const tally = new Tally(`wycheproof/${file(set)}`, name);
      const kem = productMlKem(name, set);
      for (const one of wycheproof<DecapsCase>(`${file(set)}_test.json.gz`)) {
        const shared = await kem.decapsulate(unhex(one.seed), unhex(one.c)).catch(() => null);
        const right = shared !== null && equalBytes(shared, unhex(one.K));
        tally.check(one.tcId, one.result === 'valid' ? right : shared === null);
      }
      tally.finish(193);
    });

    it.each(SETS)(`wycheproof %s decapsulation with expanded keys under ${name}`, (set) => {
      const tally = new Tally(`wycheproof/${file(set)}_semi_expanded_decaps`, name);
      for (const one of wycheproof<ExpandedCase>(`${file(set)}_semi_expanded_decaps_test.json`)) {
        const open = () => decapsulateExpanded(name, set, unhex(one.dk), unhex(one.c));
        tally.check(one.tcId, one.result === 'valid' ? equalBytes(open(), unhex(one.K)) : refuses(open));
      }
      tally.finish(9);
    });

    it.each([
      ['ML-KEM-512', 775],
      ['ML-KEM-768', 780],
      ['ML-KEM-1024', 1040],
    ] as const)(`cctv %s bad encapsulation keys under ${name}`, async (set, run) => {
      const tally = new Tally(`cctv/modulus-${set}`, name);
      const lines = vectorBytes(`cctv/ml-kem/modulus/${set}.txt.gz`).toString('latin1').trim().split('\n');
      for (const [index, line] of lines.entries()) {
        tally.check(index, await refusesPublicKey(name, set, unhex(line)));
      }
      tally.finish(run);
    });

    it.each(SETS)(`cctv %s strcmp and unluckysample under ${name}`, (set) => {
      for (const suite of ['strcmp', 'unluckysample']) {
        const tally = new Tally(`cctv/${suite}-${set}`, name);
        const text = vectorBytes(`cctv/ml-kem/${suite}/${set}.txt`).toString('latin1');
        const value = new Map(
          text
            .trim()
            .split('\n')
            .map((line) => line.split(' = ') as [string, string]),
        );
        const bytes = (member: string): Uint8Array => unhex(value.get(member)!);
        tally.check('decaps', equalBytes(decapsulateExpanded(name, set, bytes('dk'), bytes('c')), bytes('K')));
        if (suite === 'strcmp') {
          tally.finish(1);
          continue;
        }
        if (name === 'noble') {
          const made = encapsulateMlKem(set, bytes('ek'), bytes('m'));
          tally.check('encaps', equalBytes(made.ciphertext, bytes('c')) && equalBytes(made.shared, bytes('K')));
        }
        tally.leaveOut('fips203-draft');
        tally.finish(name === 'noble' ? 2 : 1, { 'fips203-draft': 1 });
      }
    });
  }

  it.each([
    ['ML-KEM-512', 261],
    ['ML-KEM-1024', 269],
  ] as const)(
    'wycheproof %s encapsulation: exact with the vector tool, refusals under native too',
    async (set, run) => {
      const tally = new Tally(`wycheproof/${file(set)}_encaps`, 'noble');
      const native = new Tally(`wycheproof/${file(set)}_encaps`, 'native');
      for (const one of wycheproof<EncapsCase>(`${file(set)}_encaps_test.json.gz`)) {
        if (one.result === 'valid') {
          const made = encapsulateMlKem(set, unhex(one.ek), unhex(one.m));
          tally.check(one.tcId, equalBytes(made.ciphertext, unhex(one.c)) && equalBytes(made.shared, unhex(one.K)));
          native.check(one.tcId, productMlKem('native', set).isPublicKey(unhex(one.ek)));
        } else {
          tally.check(one.tcId, await refusesPublicKey('noble', set, unhex(one.ek)));
          native.check(one.tcId, await refusesPublicKey('native', set, unhex(one.ek)));
        }
      }
      tally.finish(run);
      native.finish(run);
    },
  );
});

interface AcvpCase {
  readonly tcId: number;
  readonly ek: string;
  readonly dk: string;
  readonly m?: string;
  readonly c?: string;
  readonly k?: string;
  readonly testPassed?: boolean;
}
interface AcvpGroup {
  readonly parameterSet: MlKemSet;
  readonly function: 'encapsulation' | 'decapsulation' | 'decapsulationKeyCheck' | 'encapsulationKeyCheck';
  readonly tests: readonly AcvpCase[];
}

async function acvpCase(name: ProviderName, group: AcvpGroup, one: AcvpCase): Promise<boolean> {
  const set = group.parameterSet;
  const open = (ciphertext: Uint8Array) => decapsulateExpanded(name, set, unhex(one.dk), ciphertext);
  switch (group.function) {
    case 'encapsulation': {
      const opened = equalBytes(open(unhex(one.c!)), unhex(one.k!));
      if (name === 'native') return opened;
      const made = encapsulateMlKem(set, unhex(one.ek), unhex(one.m!));
      return opened && equalBytes(made.ciphertext, unhex(one.c!)) && equalBytes(made.shared, unhex(one.k!));
    }
    case 'decapsulation':
      return equalBytes(open(unhex(one.c!)), unhex(one.k!));
    case 'decapsulationKeyCheck':
      return refuses(() => open(new Uint8Array(KEM_SUITES[set].ciphertextBytes))) === !one.testPassed!;
    default:
      return (await refusesPublicKey(name, set, unhex(one.ek))) === !one.testPassed!;
  }
}

describeVectors('ML-KEM, ACVP', () => {
  it.each(PROVIDERS)('keyGen under %s', async (name) => {
    interface Prompt {
      readonly testGroups: readonly {
        readonly parameterSet: MlKemSet;
        readonly tests: readonly { readonly tcId: number; readonly d: string; readonly z: string }[];
      }[];
    }
    interface Answers {
      readonly testGroups: readonly { readonly tests: readonly AcvpCase[] }[];
    }
    const tally = new Tally('acvp/ML-KEM-keyGen', name);
    const answers = vectorJson('acvp-pqc/ML-KEM-keyGen-FIPS203/expectedResults.json.gz') as Answers;
    const byId = new Map(answers.testGroups.flatMap((group) => group.tests).map((one) => [one.tcId, one]));
    for (const group of (vectorJson('acvp-pqc/ML-KEM-keyGen-FIPS203/prompt.json.gz') as Prompt).testGroups) {
      for (const one of group.tests) {
        const seed = concat(unhex(one.d), unhex(one.z));
        const answer = byId.get(one.tcId)!;
        const publicKey = await productMlKem(name, group.parameterSet).publicKey(seed);
        const expanded =
          name === 'native' || equalBytes(ML_KEM[group.parameterSet].keygen(seed).secretKey, unhex(answer.dk));
        tally.check(one.tcId, equalBytes(publicKey, unhex(answer.ek)) && expanded);
      }
    }
    tally.finish(75);
  });

  it.each(PROVIDERS)('encapDecap under %s', async (name) => {
    const tally = new Tally('acvp/ML-KEM-encapDecap', name);
    const { testGroups } = vectorJson('acvp-pqc/ML-KEM-encapDecap-FIPS203/internalProjection.json.gz') as {
      testGroups: readonly AcvpGroup[];
    };
    for (const group of testGroups) {
      for (const one of group.tests) tally.check(one.tcId, await acvpCase(name, group, one));
    }
    tally.finish(165);
  });
});
