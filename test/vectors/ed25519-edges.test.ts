// The 914 Ed25519 edge cases of C2SP/CCTV under both providers: 43 accepted, no difference. Libraries left to
// themselves accept 43, 208, 212 or 826 of them.

import { expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { isEd25519PublicKey } from '../../src/crypto/ed25519-rule.ts';
import type { ProviderName } from '../../src/crypto/provider.ts';
import { describeVectors, PROVIDERS, provider, Tally, unhex, vectorJson } from './third-party.ts';

interface EdgeCase {
  readonly number: number;
  readonly key: string;
  readonly sig: string;
  readonly msg: string;
  readonly flags: readonly string[] | null;
}

/** What the rule says, from the flags alone: our own small-order and canonical conditions, then the plain equation. */
const expected = ({ flags }: EdgeCase): boolean =>
  !['low_order_R', 'low_order_A', 'non_canonical_R', 'non_canonical_A', 'low_order_residue'].some((flag) =>
    (flags ?? []).includes(flag),
  );

describeVectors('cctv/ed25519', () => {
  const cases = vectorJson('cctv/ed25519vectors.json') as readonly EdgeCase[];

  const verdicts = (name: ProviderName): boolean[] =>
    cases.map((one) => provider(name).signature('ed25519').verify(unhex(one.key), utf8(one.msg), unhex(one.sig)));

  it.each(PROVIDERS)('%s accepts 43, exactly those that the flags allow', (name) => {
    const tally = new Tally('cctv/ed25519', name);
    const accepted = verdicts(name);
    for (const [index, one] of cases.entries()) tally.check(one.number, accepted[index] === expected(one));
    tally.finish(914);
    expect(accepted.filter(Boolean).length).toBe(43);
  });

  it('no case has another verdict under the other provider', () => {
    expect(verdicts('noble')).toEqual(verdicts('native'));
  });

  it('an imported key gives the same verdict as the one-shot form, where the key may be registered', () => {
    for (const name of PROVIDERS) {
      const scheme = provider(name).signature('ed25519');
      for (const one of cases) {
        const key = scheme.importPublic(unhex(one.key));
        expect(key !== null, `${one.number}`).toBe(isEd25519PublicKey(unhex(one.key)));
        const [message, signature] = [utf8(one.msg), unhex(one.sig)];
        const verdict = key?.verify(message, signature) ?? false;
        expect(verdict, `${name} ${one.number}`).toBe(scheme.verify(unhex(one.key), message, signature));
      }
    }
  });
});
