// ML-DSA (FIPS 204) on node:crypto, hedged. The stored secret is the 32-byte seed. The parameter set follows from the suite;
// nothing negotiates it. A public key needs no check but its length: every 10-bit coefficient of t1 is in range.

import { randomBytes } from 'node:crypto';
import { plain } from './key-object.ts';
import { nativeSignature } from './native-signature.ts';
import type { SignatureScheme } from './provider.ts';
import type { SignatureSuite } from './suite.ts';

const TYPES = { 'ML-DSA-44': 'ml-dsa-44', 'ML-DSA-65': 'ml-dsa-65', 'ML-DSA-87': 'ml-dsa-87' } as const;

export type MlDsaSet = keyof typeof TYPES;

/** `set` decides the algorithm, `suite` its lengths; ML-DSA-87 is reached by its vectors only. */
export function nativeMlDsa(set: MlDsaSet, suite: SignatureSuite): SignatureScheme {
  return nativeSignature(TYPES[set], suite, async () => plain(randomBytes(suite.secretBytes)));
}
