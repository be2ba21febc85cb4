// RFC 9881 and RFC 9935 examples: the seeds give the published keys, and the certificates' signatures verify. Expanded and
// mixed private keys are not offered (secrets are seeds).

import { createPublicKey } from 'node:crypto';
import { it } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.ts';
import type { MlDsaSet } from '../../src/crypto/ml-dsa.ts';
import type { MlKemSet } from '../../src/crypto/ml-kem.ts';
import { productMlDsa, productMlKem } from './lattice.ts';
import { describeVectors, PROVIDERS, provider, Tally, vectorBytes } from './third-party.ts';

const DSA: readonly MlDsaSet[] = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'];
const KEM: readonly MlKemSet[] = ['ML-KEM-512', 'ML-KEM-768', 'ML-KEM-1024'];

/** Body of the first PEM block. */
function pem(path: string): Uint8Array {
  const text = vectorBytes(`pkix-mldsa/${path}`).toString('latin1');
  const body = /-----BEGIN [^-]+-----([^-]+)-----END/.exec(text)![1]!;
  return new Uint8Array(Buffer.from(body, 'base64'));
}

const rawPublic = (path: string): Uint8Array =>
  new Uint8Array(
    createPublicKey({ key: Buffer.from(pem(path)), format: 'der', type: 'spki' }).export({ format: 'raw-public' }),
  );

/** The seed is the last 32 or 64 bytes of a seed-only PKCS#8 file. */
const seed = (path: string, lengthBytes: number): Uint8Array => pem(path).slice(-lengthBytes);

/** One DER element at an offset: where it begins, where its content begins, where it ends. */
function element(der: Uint8Array, at: number): { readonly start: number; readonly body: number; readonly end: number } {
  const first = der[at + 1]!;
  const extra = first < 0x80 ? 0 : first & 0x7f;
  let length = extra === 0 ? first : 0;
  for (let i = 0; i < extra; i++) length = length * 256 + der[at + 2 + i]!;
  const body = at + 2 + extra;
  return { start: at, body, end: body + length };
}

/** What a certificate signs, and the signature. */
function certificate(path: string): { readonly signed: Uint8Array; readonly signature: Uint8Array } {
  const der = pem(path);
  const signed = element(der, element(der, 0).body);
  const algorithm = element(der, signed.end);
  const signature = element(der, algorithm.end);
  // A bit string begins with the number of unused bits.
  return { signed: der.slice(signed.start, signed.end), signature: der.slice(signature.body + 1, signature.end) };
}

/** Subject key of a certificate, by node:crypto. */
const certificateKey = (path: string): Uint8Array =>
  new Uint8Array(
    createPublicKey(vectorBytes(`pkix-mldsa/${path}`).toString('latin1')).export({ format: 'raw-public' }),
  );

describeVectors('pkix-mldsa', () => {
  it.each(PROVIDERS)('seeds under %s', async (name) => {
    const tally = new Tally('pkix-mldsa/seeds', name);
    for (const set of DSA) {
      const key = await productMlDsa(name, set).importSecret(seed(`${set}-seed.priv`, 32));
      tally.check(set, equalBytes(key.publicKey, rawPublic(`${set}.pub`)));
    }
    for (const set of KEM) {
      const publicKey = await productMlKem(name, set).publicKey(seed(`mlkem/${set}-seed.priv`, 64));
      tally.check(set, equalBytes(publicKey, rawPublic(`mlkem/${set}.pub`)));
    }
    // -expanded and -both of six sets, and seven bad ones.
    tally.leaveOut('suite not offered', 12 + 7);
    tally.finish(6, { 'suite not offered': 19 });
  });

  it.each(PROVIDERS)('certificates under %s', (name) => {
    const tally = new Tally('pkix-mldsa/certificates', name);
    for (const set of DSA) {
      const { signed, signature } = certificate(`${set}.crt`);
      tally.check(set, productMlDsa(name, set).verify(rawPublic(`${set}.pub`), signed, signature));
    }
    for (const [index, set] of KEM.entries()) {
      const { signed, signature } = certificate(`mlkem/${set}.crt`);
      const issuer = DSA[index]!;
      tally.check(set, productMlDsa(name, issuer).verify(rawPublic(`${issuer}.pub`), signed, signature));
    }
    const { signed, signature } = certificate('slh-dsa-sha2-128s.crt');
    const scheme = provider(name).signature('slh-dsa');
    tally.check('SLH-DSA', scheme.verify(certificateKey('slh-dsa-sha2-128s.crt'), signed, signature));
    tally.finish(7);
  });
});
