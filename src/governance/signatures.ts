// Signatures on governance objects (governance page 1): each signer with Ed25519 and ML-DSA-65, both valid under the keys
// that the set, genesis or bundle gives for that id, and no signature of anybody else on the envelope.

import { fromBase64Url } from '../bytes/base64.ts';
import { malformed } from '../bytes/decode.ts';
import type { Crypto } from '../crypto/provider.ts';
import type { Envelope } from '../envelope/dsse.ts';
import { type DualPublicKeys, hasExactlyDual, verifyDual } from '../envelope/dual-signature.ts';
import { RonError } from '../errors.ts';
import type { PublicKeys } from './names.ts';

export interface Identity {
  readonly id: string;
  readonly keys: PublicKeys;
}

export function dualKeys(keys: PublicKeys): DualPublicKeys {
  return { ed25519: fromBase64Url(keys.ed25519)!, ml_dsa_65: fromBase64Url(keys.ml_dsa_65)! };
}

/**
 * Throws `Malformed` when the envelope is not signed by exactly these identities, `VerificationFailed` naming the first
 * one whose pair does not verify.
 */
export function demandSignatures(crypto: Crypto, envelope: Envelope, by: readonly Identity[], what: string): void {
  if (
    !hasExactlyDual(
      envelope,
      by.map((one) => one.id),
    )
  ) {
    const found = envelope.signatures.map((one) => one.keyid).join(', ');
    malformed(
      'signatures',
      `${what}: exactly the pairs of ${by.map((one) => one.id).join(', ')} are expected, found ${found}`,
    );
  }
  for (const one of by) {
    if (!verifyDual(crypto, envelope, one.id, dualKeys(one.keys))) {
      throw new RonError('VerificationFailed', `${what}: the signature of ${one.id} is wrong`, {
        field: `signatures.${one.id}`,
      });
    }
  }
}

/** True when signed by exactly these identities and all signatures verify. */
export function isSignedBy(crypto: Crypto, envelope: Envelope, by: readonly Identity[]): boolean {
  return (
    hasExactlyDual(
      envelope,
      by.map((one) => one.id),
    ) && by.every((one) => verifyDual(crypto, envelope, one.id, dualKeys(one.keys)))
  );
}
