// RFC 9180, hpke-pq and X-Wing vectors for the suites of the wrap envelope: complete where KEM, KDF and AEAD are ours, the
// KEM alone where only the KEM is.

import { expect, it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import { hpkeKeySchedule, openBase } from '../../src/crypto/hpke.ts';
import type { AeadAlg, KemAlg } from '../../src/crypto/suite.ts';
import { describeVectors, PROVIDERS, provider, Tally, unhex, vectorJson } from './third-party.ts';
import { encapsulateWith } from './tool.ts';

interface HpkeVector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly skEm?: string;
  readonly ikmE: string;
  readonly enc: string;
  readonly shared_secret: string;
  readonly key: string;
  readonly base_nonce: string;
  readonly encryptions: readonly {
    readonly aad: string;
    readonly ct: string;
    readonly nonce: string;
    readonly pt: string;
  }[];
}

interface XWingVector {
  readonly seed: string;
  readonly eseed: string;
  readonly pk: string;
  readonly ct: string;
  readonly ss: string;
}

const KEM_OF: ReadonlyMap<number, KemAlg> = new Map([
  [0x0020, 'x25519'],
  [0x0041, 'ml-kem'],
  [0x647a, 'x-wing'],
]);
const AEAD_OF: ReadonlyMap<number, AeadAlg> = new Map([
  [0x0002, 'aes-256-gcm'],
  [0x0003, 'chacha20-poly1305'],
]);

describeVectors('HPKE', () => {
  for (const name of PROVIDERS) {
    const crypto = provider(name);

    const kemAlone = async (kem: KemAlg, one: HpkeVector): Promise<boolean> => {
      const key = await crypto.kem(kem).importSecret(unhex(one.skRm));
      const shared = await key.decapsulate(unhex(one.enc));
      // RFC 9180 derives the ephemeral key from ikmE; the PQ KEMs take ikmE as their randomness.
      const randomness = kem === 'x25519' ? one.skEm : one.ikmE;
      const made = randomness === undefined ? null : encapsulateWith(kem, unhex(one.pkRm), unhex(randomness));
      return (
        equalBytes(key.publicKey, unhex(one.pkRm)) &&
        shared !== null &&
        equalBytes(shared, unhex(one.shared_secret)) &&
        (made === null || (equalBytes(made.ciphertext, unhex(one.enc)) && equalBytes(made.shared, shared)))
      );
    };

    const complete = async (kem: KemAlg, aead: AeadAlg, one: HpkeVector): Promise<boolean> => {
      const suite = { kem, aead };
      const [info, secret, enc] = [unhex(one.info), unhex(one.skRm), unhex(one.enc)];
      const { key, nonce } = hpkeKeySchedule(suite, unhex(one.shared_secret), info);
      const first = one.encryptions[0]!;
      const opened = await openBase(crypto, suite, secret, enc, info, unhex(first.aad), unhex(first.ct));
      // Later messages of the context are not offered; their nonces come from the same key schedule.
      const all = one.encryptions.every((message) => {
        const sealed = crypto.aead(aead).seal(key, unhex(message.nonce), unhex(message.aad), unhex(message.pt));
        return equalBytes(sealed, unhex(message.ct));
      });
      return (
        equalBytes(key, unhex(one.key)) &&
        equalBytes(nonce, unhex(one.base_nonce)) &&
        opened !== null &&
        equalBytes(opened, unhex(first.pt)) &&
        all
      );
    };

    it(`rfc9180 under ${name}: DHKEM(X25519), HKDF-SHA256, both AEADs`, async () => {
      const tally = new Tally('hpke/rfc9180', name);
      for (const [index, one] of (vectorJson('hpke/rfc9180.json.gz') as readonly HpkeVector[]).entries()) {
        const aead = AEAD_OF.get(one.aead_id);
        if (one.mode !== 0 || one.kem_id !== 0x0020 || one.kdf_id !== 1 || aead === undefined) {
          tally.leaveOut('suite not offered');
        } else tally.check(index, (await kemAlone('x25519', one)) && (await complete('x25519', aead, one)));
      }
      tally.finish(2, { 'suite not offered': 126 });
    });

    it(`hpke-pq under ${name}: X-Wing complete, the KEM of the other suites that have one of ours`, async () => {
      const tally = new Tally('hpke/hpke-pq', name);
      let completes = 0;
      for (const [index, one] of (vectorJson('hpke/hpke-pq-test-vectors.json') as readonly HpkeVector[]).entries()) {
        const kem = KEM_OF.get(one.kem_id);
        const aead = AEAD_OF.get(one.aead_id);
        if (kem === undefined) tally.leaveOut('suite not offered');
        else if (aead !== undefined && one.kdf_id === 1) {
          completes++;
          tally.check(index, (await kemAlone(kem, one)) && (await complete(kem, aead, one)));
        } else tally.check(index, await kemAlone(kem, one));
      }
      expect(completes).toBe(1);
      tally.finish(4, { 'suite not offered': 9 });
    });

    it(`x-wing under ${name}`, async () => {
      const tally = new Tally('hpke/x-wing', name);
      for (const [index, one] of (vectorJson('hpke/xwing-test-vectors.json') as readonly XWingVector[]).entries()) {
        const key = await crypto.kem('x-wing').importSecret(unhex(one.seed));
        const shared = await key.decapsulate(unhex(one.ct));
        const made = encapsulateWith('x-wing', unhex(one.pk), unhex(one.eseed));
        tally.check(
          index,
          equalBytes(key.publicKey, unhex(one.pk)) &&
            equalBytes(shared!, unhex(one.ss)) &&
            equalBytes(made.ciphertext, unhex(one.ct)) &&
            equalBytes(made.shared, unhex(one.ss)),
        );
      }
      tally.finish(3);
    });
  }
});
