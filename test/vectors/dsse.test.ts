// DSSE: the pre-authentication encodings of secure-systems-lab and sigstore, and a signed envelope over one of them.

import { createPublicKey, verify, type webcrypto } from 'node:crypto';
import { it } from 'vitest';
import { fromAnyBase64 } from '../../src/bytes/base64.ts';
import { equalBytes } from '../../src/bytes/equal.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { pae } from '../../src/envelope/h.ts';
import { describeVectors, Tally, unhex, vectorJson } from './third-party.ts';

interface DsseVectors {
  readonly pae: readonly { readonly type: string; readonly payload_hex: string; readonly pae_hex: string }[];
  readonly pae_must_differ: readonly (readonly [string, string])[];
  readonly envelopes: readonly {
    readonly public_jwk: webcrypto.JsonWebKey;
    readonly envelope: {
      readonly payload: string;
      readonly payloadType: string;
      readonly signatures: readonly { readonly sig: string }[];
    };
    readonly valid: boolean;
  }[];
}

describeVectors('dsse', () => {
  it('encodes, tells types apart, and a foreign envelope verifies over our encoding', () => {
    const tally = new Tally('dsse', 'plain');
    const vectors = vectorJson('dsse/dsse-vectors.json') as DsseVectors;
    for (const one of vectors.pae) {
      tally.check(one.type, equalBytes(pae(one.type, unhex(one.payload_hex)), unhex(one.pae_hex)));
    }
    for (const [a, b] of vectors.pae_must_differ) {
      tally.check(`${a} and ${b}`, !equalBytes(pae(a, utf8('x')), pae(b, utf8('x'))));
    }
    for (const { public_jwk: jwk, envelope, valid } of vectors.envelopes) {
      const message = pae(envelope.payloadType, fromAnyBase64(envelope.payload)!);
      const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' as const };
      const verdict = verify('sha256', message, key, fromAnyBase64(envelope.signatures[0]!.sig)!);
      tally.check(envelope.payloadType, verdict === valid);
    }
    tally.finish(7);
  });
});
