// The two signatures of the custody service on its own statements: key ids `service/ed25519` and `service/ml-dsa`, both
// required. The keys are pinned by the genesis and its key chain; before genesis by audit/log.json (keys page 10).

import type { Crypto, SigningKey } from '../crypto/provider.ts';
import type { SignatureAlg } from '../crypto/suite.ts';
import { type Envelope, type EnvelopeSignature, signedBytes } from '../envelope/dsse.ts';

/** Public halves. */
export interface ServicePublicKeys {
  readonly ed25519: Uint8Array;
  readonly ml_dsa_65: Uint8Array;
}

/** The signers as the custody store hands them out. */
export interface ServiceSigners {
  readonly ed25519: SigningKey;
  readonly mlDsa: SigningKey;
}

/** A key that must have signed, by key id. */
export interface ExpectedSigner {
  readonly keyid: string;
  readonly alg: SignatureAlg;
  readonly publicKey: Uint8Array;
}

export function serviceSigners(keys: ServicePublicKeys): readonly ExpectedSigner[] {
  return [
    { keyid: 'service/ed25519', alg: 'ed25519', publicKey: keys.ed25519 },
    { keyid: 'service/ml-dsa', alg: 'ml-dsa', publicKey: keys.ml_dsa_65 },
  ];
}

/** Signs one payload with the service keys and any further keys, given by key id. */
export async function signWith(
  type: string,
  payload: Uint8Array,
  service: ServiceSigners,
  further: readonly { readonly keyid: string; readonly key: SigningKey }[] = [],
): Promise<Envelope> {
  const message = signedBytes({ payloadType: type, payload });
  const all = [
    { keyid: 'service/ed25519', key: service.ed25519 },
    { keyid: 'service/ml-dsa', key: service.mlDsa },
    ...further,
  ].sort((a, b) => (a.keyid < b.keyid ? -1 : 1));
  const signatures: EnvelopeSignature[] = [];
  for (const { keyid, key } of all) signatures.push({ keyid, signature: await key.sign(message) });
  return { payloadType: type, payload, signatures };
}

/** Null when exactly the expected keys signed and all verify; else what is wrong, as a sentence. */
export function signatureDefect(
  crypto: Crypto,
  envelope: Envelope,
  expected: readonly ExpectedSigner[],
): string | null {
  const message = signedBytes(envelope);
  for (const { keyid } of envelope.signatures) {
    if (!expected.some((one) => one.keyid === keyid)) return `signature by ${keyid}, which must not sign this`;
  }
  for (const { keyid, alg, publicKey } of expected) {
    const found = envelope.signatures.find((one) => one.keyid === keyid);
    if (found === undefined) return `the signature of ${keyid} is missing`;
    if (!crypto.signature(alg).verify(publicKey, message, found.signature)) return `the signature of ${keyid} is wrong`;
  }
  return null;
}
