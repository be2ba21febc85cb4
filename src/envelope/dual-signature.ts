// Two signatures per identity (governance page 1): `<id>/ed25519` and `<id>/ml-dsa` (ML-DSA-65, empty context) over the
// PAE of the payload. Both must verify under the key that the keyid names. Signing verifies its own result before it is
// released: a wrong key (a swapped token, a damaged seed) must not speak. Refuses keys of another algorithm.

import type { Crypto, SigningKey } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import { type Envelope, type EnvelopeSignature, signedBytes } from './dsse.ts';

/** The private halves of one identity. */
export interface DualSigningKeys {
  readonly ed25519: SigningKey;
  readonly mlDsa: SigningKey;
}

/** The public halves, raw bytes; member names as in JSON. */
export interface DualPublicKeys {
  readonly ed25519: Uint8Array;
  readonly ml_dsa_65: Uint8Array;
}

export const ED25519_KEYID = (id: string): string => `${id}/ed25519`;
export const ML_DSA_KEYID = (id: string): string => `${id}/ml-dsa`;

/**
 * Signs a payload with both keys. `expected` are the public keys that this identity is known by elsewhere (bundle,
 * genesis); a signature that does not verify under them is `SelfCheckFailed` and nothing is returned.
 */
export async function signDual(
  crypto: Crypto,
  payloadType: string,
  payload: Uint8Array,
  id: string,
  keys: DualSigningKeys,
  expected: DualPublicKeys = { ed25519: keys.ed25519.publicKey, ml_dsa_65: keys.mlDsa.publicKey },
): Promise<EnvelopeSignature[]> {
  if (keys.ed25519.alg !== 'ed25519' || keys.mlDsa.alg !== 'ml-dsa') {
    throw new TypeError(`keys of ${id} are ${keys.ed25519.alg} and ${keys.mlDsa.alg}, not ed25519 and ml-dsa`);
  }
  const message = signedBytes({ payloadType, payload });
  const signatures: EnvelopeSignature[] = [
    { keyid: ED25519_KEYID(id), signature: await keys.ed25519.sign(message) },
    { keyid: ML_DSA_KEYID(id), signature: await keys.mlDsa.sign(message) },
  ];
  if (!verifyDual(crypto, { payloadType, payload, signatures }, id, expected)) {
    throw new RonError('SelfCheckFailed', `a signature made as ${id} does not verify under the public keys of ${id}`);
  }
  return signatures;
}

/**
 * True when the envelope carries both signatures of `id` and both verify. Says nothing about further signatures: which
 * keyids an envelope must have, exactly, is the rule of its type (`hasExactlyDual`).
 */
export function verifyDual(crypto: Crypto, envelope: Envelope, id: string, keys: DualPublicKeys): boolean {
  const message = signedBytes(envelope);
  const valid = (alg: 'ed25519' | 'ml-dsa', keyid: string, publicKey: Uint8Array): boolean => {
    const found = envelope.signatures.find((one) => one.keyid === keyid);
    return found !== undefined && crypto.signature(alg).verify(publicKey, message, found.signature);
  };
  const classical = valid('ed25519', ED25519_KEYID(id), keys.ed25519);
  return valid('ml-dsa', ML_DSA_KEYID(id), keys.ml_dsa_65) && classical;
}

/** True when the envelope carries signatures of exactly these identities, two each, and nothing else. */
export function hasExactlyDual(envelope: Envelope, ids: readonly string[]): boolean {
  const expected = new Set(ids.flatMap((id) => [ED25519_KEYID(id), ML_DSA_KEYID(id)]));
  return envelope.signatures.length === expected.size && envelope.signatures.every((one) => expected.has(one.keyid));
}
