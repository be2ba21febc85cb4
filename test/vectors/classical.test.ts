// Wycheproof: Ed25519, X25519, ChaCha20-Poly1305, AES-GCM, HKDF and HMAC with SHA-256.

import { it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import { concat } from '../../src/bytes/framing.ts';
import { hmacSha256 } from '../../src/crypto/hash.ts';
import { hkdfSha256 } from '../../src/crypto/kdf.ts';
import { nobleX25519 } from '../../src/crypto/noble.ts';
import type { AeadAlg } from '../../src/crypto/suite.ts';
import { isX25519PublicKey, nativeX25519 } from '../../src/crypto/x25519.ts';
import {
  describeVectors,
  PROVIDERS,
  provider,
  refuses,
  type SkipReason,
  Tally,
  unhex,
  vectorJson,
  type Wycheproof,
} from './third-party.ts';

interface EddsaGroup {
  readonly publicKey: { readonly pk: string };
}
interface EddsaCase {
  readonly msg: string;
  readonly sig: string;
}
interface XdhCase {
  readonly public: string;
  readonly private: string;
  readonly shared: string;
  readonly flags: readonly string[];
}
interface AeadGroup {
  readonly keySize: number;
  readonly ivSize: number;
  readonly tagSize: number;
}
interface AeadCase {
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
}
interface HkdfCase {
  readonly ikm: string;
  readonly salt: string;
  readonly info: string;
  readonly size: number;
  readonly okm: string;
}
interface HmacGroup {
  readonly tagSize: number;
}
interface HmacCase {
  readonly key: string;
  readonly msg: string;
  readonly tag: string;
}

describeVectors('wycheproof, classical', () => {
  it.each(PROVIDERS)('ed25519 under %s', (name) => {
    const tally = new Tally('wycheproof/ed25519', name);
    const scheme = provider(name).signature('ed25519');
    const { testGroups } = vectorJson('wycheproof/ed25519_test.json') as Wycheproof<EddsaGroup, EddsaCase>;
    for (const group of testGroups) {
      const publicKey = unhex(group.publicKey.pk);
      for (const one of group.tests) {
        const verdict = scheme.verify(publicKey, unhex(one.msg), unhex(one.sig));
        tally.check(one.tcId, verdict === (one.result === 'valid'));
      }
    }
    tally.finish(151);
  });

  it.each(PROVIDERS)('x25519 under %s: an all-zero result is refused, everything else is computed', (name) => {
    const tally = new Tally('wycheproof/x25519', name);
    const x25519 = name === 'native' ? nativeX25519() : nobleX25519();
    const { testGroups } = vectorJson('wycheproof/x25519_test.json') as Wycheproof<object, XdhCase>;
    for (const one of testGroups.flatMap((group) => group.tests)) {
      const shared = x25519.importSecret(unhex(one.private)).exchange(unhex(one.public));
      const zero = one.flags.includes('ZeroSharedSecret');
      const right = shared === null ? zero : !zero && equalBytes(shared, unhex(one.shared));
      tally.check(one.tcId, right && isX25519PublicKey(unhex(one.public)) === !zero);
    }
    tally.finish(518);
  });

  it('the encodings of X25519 keys (ASN.1, JWK, PEM) and AES key wrap are not offered', () => {
    for (const [file, run] of [
      ['x25519_asn', 537],
      ['x25519_jwk', 531],
      ['x25519_pem', 518],
      ['aes_wrap', 165],
      ['aes_kwp', 254],
    ] as const) {
      const { testGroups } = vectorJson(`wycheproof/${file}_test.json`) as Wycheproof<object, object>;
      const tally = new Tally(`wycheproof/${file}`, 'plain');
      tally.leaveOut('suite not offered', testGroups.flatMap((group) => group.tests).length);
      tally.finishSkipped({ 'suite not offered': run });
    }
  });

  const aeads: readonly (readonly [AeadAlg, string, number, Partial<Record<SkipReason, number>>])[] = [
    ['chacha20-poly1305', 'chacha20_poly1305', 325, {}],
    ['aes-256-gcm', 'aes_gcm', 66, { 'suite not offered': 250 }],
  ];

  for (const name of PROVIDERS) {
    it.each(aeads)(`%s under ${name}`, (alg, file, run, skipped) => {
      const tally = new Tally(`wycheproof/${file}`, name);
      const aead = provider(name).aead(alg);
      const { testGroups } = vectorJson(`wycheproof/${file}_test.json`) as Wycheproof<AeadGroup, AeadCase>;
      for (const group of testGroups) {
        for (const one of group.tests) {
          // AES-128, AES-192 and other nonce lengths are not offered; a wrong nonce length must be refused, which the
          // ChaCha20 file asks for.
          if (group.keySize !== 256 || (alg === 'aes-256-gcm' && group.ivSize !== 96)) {
            tally.leaveOut('suite not offered');
            continue;
          }
          const [key, nonce, aad, message] = [unhex(one.key), unhex(one.iv), unhex(one.aad), unhex(one.msg)];
          const sealed = concat(unhex(one.ct), unhex(one.tag));
          if (nonce.length !== 12) {
            const refused = refuses(() => aead.open(key, nonce, aad, sealed));
            tally.check(one.tcId, one.result === 'invalid' && refused);
            continue;
          }
          const opened = aead.open(key, nonce, aad, sealed);
          const right =
            one.result === 'valid'
              ? opened !== null &&
                equalBytes(opened, message) &&
                equalBytes(aead.seal(key, nonce, aad, message), sealed)
              : opened === null;
          tally.check(one.tcId, right);
        }
      }
      tally.finish(run, skipped);
    });
  }

  it('hkdf-sha256', () => {
    const tally = new Tally('wycheproof/hkdf_sha256', 'plain');
    const { testGroups } = vectorJson('wycheproof/hkdf_sha256_test.json') as Wycheproof<object, HkdfCase>;
    for (const one of testGroups.flatMap((group) => group.tests)) {
      const derive = () => hkdfSha256(unhex(one.ikm), unhex(one.salt), unhex(one.info), one.size);
      tally.check(one.tcId, one.result === 'valid' ? equalBytes(derive(), unhex(one.okm)) : refuses(derive));
    }
    tally.finish(86);
  });

  it('hmac-sha256', () => {
    const tally = new Tally('wycheproof/hmac_sha256', 'plain');
    const { testGroups } = vectorJson('wycheproof/hmac_sha256_test.json') as Wycheproof<HmacGroup, HmacCase>;
    for (const group of testGroups) {
      for (const one of group.tests) {
        const mac = hmacSha256(unhex(one.key), unhex(one.msg)).subarray(0, group.tagSize / 8);
        tally.check(one.tcId, equalBytes(mac, unhex(one.tag)) === (one.result === 'valid'));
      }
    }
    tally.finish(174);
  });
});
