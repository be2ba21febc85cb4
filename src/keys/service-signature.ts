// The two signatures of the custody service on its own statements: key ids `service/ed25519` and `service/ml-dsa`, both
// required. The keys are pinned by the genesis and its key chain; before genesis by audit/log.json (keys page 10).

import type { Crypto, SigningKey } from '../crypto/provider.ts';
import type { SignatureAlg } from '../crypto/suite.ts';
import { type Envelope, signedBytes } from '../envelope/dsse.ts';
import {
  type DualPublicKeys,
  type DualSigningKeys,
  ED25519_KEYID,
  ML_DSA_KEYID,
  signDual,
} from '../envelope/dual-signature.ts';

const SERVICE = 'service';

/** A key that must have signed, by key id. */
export interface ExpectedSigner {
  readonly keyid: string;
  readonly alg: SignatureAlg;
  readonly publicKey: Uint8Array;
}

export function serviceSigners(keys: DualPublicKeys): readonly ExpectedSigner[] {
  return [
    { keyid: ED25519_KEYID(SERVICE), alg: 'ed25519', publicKey: keys.ed25519 },
    { keyid: ML_DSA_KEYID(SERVICE), alg: 'ml-dsa', publicKey: keys.ml_dsa_65 },
  ];
}

/** Signs one payload with the service keys and any further keys, given by key id. */
export async function signWith(
  crypto: Crypto,
  payloadType: string,
  payload: Uint8Array,
  service: DualSigningKeys,
  further: readonly { readonly keyid: string; readonly key: SigningKey }[] = [],
): Promise<Envelope> {
  const signatures = await signDual(crypto, payloadType, payload, SERVICE, service);
  const message = signedBytes({ payloadType, payload });
  for (const { keyid, key } of further) signatures.push({ keyid, signature: await key.sign(message) });
  return { payloadType, payload, signatures: signatures.sort((a, b) => (a.keyid < b.keyid ? -1 : 1)) };
}

/** The verdict under the first pair that fits; without one, what is wrong under the newest. */
export function firstDefect(
  service: readonly DualPublicKeys[],
  judge: (keys: DualPublicKeys) => string | null,
): string | null {
  let newest: string | null = 'no service key is trusted here';
  for (const [index, keys] of service.entries()) {
    const defect = judge(keys);
    if (defect === null) return null;
    if (index === 0) newest = defect;
  }
  return newest;
}

/** Null when exactly the expected keys signed and all verify; else what is wrong, as a sentence. */
export function signatureDefect(
  crypto: Crypto,
  envelope: Envelope,
  expected: readonly ExpectedSigner[],
): string | null {
  const message = signedBytes(envelope);
  for (const { keyid } of envelope.signatures) {
    if (!expected.some((one) => one.keyid === keyid)) return `a signature by ${keyid}, which must not sign this`;
  }
  for (const { keyid, alg, publicKey } of expected) {
    const found = envelope.signatures.find((one) => one.keyid === keyid);
    if (found === undefined) return `the signature of ${keyid} is missing`;
    if (!crypto.signature(alg).verify(publicKey, message, found.signature)) return `the signature of ${keyid} is wrong`;
  }
  return null;
}
