// Vector-level access to ML-DSA and ML-KEM: all parameter sets, signatures with a context, and expanded private keys, none
// of which the product offers. `product*` are the schemes of src/crypto, parametrised by set.

import { createPrivateKey, createPublicKey, decapsulate, verify } from 'node:crypto';
import { concat } from '../../src/bytes/framing.ts';
import { type MlDsaSet, nativeMlDsa } from '../../src/crypto/ml-dsa.ts';
import { type MlKemSet, nativeMlKem } from '../../src/crypto/ml-kem.ts';
import { nobleMlDsa, nobleMlKem } from '../../src/crypto/noble.ts';
import type { Kem, ProviderName, SignatureScheme } from '../../src/crypto/provider.ts';
import { KEMS, type KemSuite, SIGNATURES, type SignatureSuite } from '../../src/crypto/suite.ts';
import { ML_DSA, ML_KEM } from './tool.ts';

export const DSA_SUITES: Readonly<Record<MlDsaSet, SignatureSuite>> = {
  'ML-DSA-44': SIGNATURES['ml-dsa-44'],
  'ML-DSA-65': SIGNATURES['ml-dsa'],
  'ML-DSA-87': { ...SIGNATURES['ml-dsa'], set: 'ML-DSA-87', publicBytes: 2592, signatureBytes: 4627 },
};

export const KEM_SUITES: Readonly<Record<MlKemSet, KemSuite>> = {
  'ML-KEM-512': { ...KEMS['ml-kem'], set: 'ML-KEM-512', publicBytes: 800, ciphertextBytes: 768 },
  'ML-KEM-768': KEMS['ml-kem'],
  'ML-KEM-1024': { ...KEMS['ml-kem'], set: 'ML-KEM-1024', publicBytes: 1568, ciphertextBytes: 1568 },
};

export function productMlDsa(provider: ProviderName, set: MlDsaSet): SignatureScheme {
  return provider === 'native' ? nativeMlDsa(set, DSA_SUITES[set]) : nobleMlDsa(set, DSA_SUITES[set]);
}

export function productMlKem(provider: ProviderName, set: MlKemSet): Kem {
  return provider === 'native' ? nativeMlKem(set, KEM_SUITES[set]) : nobleMlKem(set, KEM_SUITES[set]);
}

/** ML-DSA.Verify of FIPS 204 with a context; an exception of the library is a refusal. */
export function verifyInContext(
  provider: ProviderName,
  set: MlDsaSet,
  publicKey: Uint8Array,
  message: Uint8Array,
  context: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    if (provider === 'noble') return ML_DSA[set].verify(signature, message, publicKey, { context });
    const key = createPublicKey({
      key: Buffer.from(publicKey),
      format: 'raw-public',
      asymmetricKeyType: set.toLowerCase() as 'ml-dsa-44',
    });
    return verify(null, message, { key, context }, signature);
  } catch {
    return false;
  }
}

const der = (tag: number, body: Uint8Array): Uint8Array =>
  body.length < 128
    ? concat(Uint8Array.of(tag, body.length), body)
    : concat(Uint8Array.of(tag, 0x82, body.length >> 8, body.length & 0xff), body);

const KEM_OIDS: Readonly<Record<MlKemSet, number>> = { 'ML-KEM-512': 1, 'ML-KEM-768': 2, 'ML-KEM-1024': 3 };

/**
 * ML-KEM.Decaps with an expanded private key of FIPS 203, which node:crypto takes as PKCS#8 (RFC 9935) only. Throws when
 * the library refuses key or ciphertext.
 */
export function decapsulateExpanded(
  provider: ProviderName,
  set: MlKemSet,
  expanded: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array {
  if (provider === 'noble') return ML_KEM[set].decapsulate(ciphertext, expanded);
  const oid = Uint8Array.from(Buffer.from(`060960864801650304040${KEM_OIDS[set]}`, 'hex'));
  const pkcs8 = der(0x30, concat(Uint8Array.of(2, 1, 0), der(0x30, oid), der(0x04, der(0x04, expanded))));
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return new Uint8Array(decapsulate(key, ciphertext));
}
