// The signature bundle of `sign` (keys page 5 and 6). As a file: canonical JSON and one LF,
//   {kid, payload_b3, sigs: [{alg, signature_b64}]}
// kid with version, payload_b3 64 lower hex, signature_b64 standard base64 with padding, sigs in the order of SIGN_ALGS
// when written. Refused as a whole: no signature, more than 8, an unknown or repeated algorithm. A *malformed half* is a
// verdict, not an error: wrong length, non-canonical Ed25519 value, or a track that the version does not have.

import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { canonicalFile, type Json } from '../bytes/canonical-json.ts';
import { array, decodeFile, hex64, literal, malformed, object, string } from '../bytes/decode.ts';
import { equalBytes } from '../bytes/equal.ts';
import { fromHex, toHex } from '../bytes/hex.ts';
import { passesEd25519PreChecks } from '../crypto/ed25519-rule.ts';
import type { Crypto } from '../crypto/provider.ts';
import { SIGNATURES } from '../crypto/suite.ts';
import { LIMITS } from '../limits.ts';
import { type VersionedKeyId, versionedKid, withVersion } from './key-id.ts';
import { signedMessage } from './message.ts';
import { SIGN_ALGS, type SignAlg } from './tracks.ts';

export interface BundleSignature {
  readonly alg: string;
  readonly signature_b64: string;
}

/** The JSON form, in files and on the wire. */
export interface SignatureBundle {
  readonly kid: string;
  /** 64 lower hex. */
  readonly payload_b3: string;
  readonly sigs: readonly BundleSignature[];
}

/** A bundle of acceptable form; nothing in it is verified. */
export interface Bundle {
  readonly kid: VersionedKeyId;
  /** `<kid>#v<N>`, as signed. */
  readonly kidText: string;
  readonly payloadB3: Uint8Array;
  readonly signatures: readonly { readonly alg: SignAlg; readonly bytes: Uint8Array }[];
}

const shape = object({
  kid: versionedKid,
  payload_b3: hex64,
  sigs: array(object({ alg: literal(...SIGN_ALGS), signature_b64: string() }), LIMITS.bundleSignatures, 1),
});

/** Reads the JSON form. Throws Malformed. */
export function decodeBundle(value: Json, path = ''): Bundle {
  const raw = shape(value, path);
  const seen = new Set<SignAlg>();
  const signatures = raw.sigs.map((one, index) => {
    const at = `${path === '' ? '' : `${path}.`}sigs[${index}]`;
    if (seen.has(one.alg)) malformed(`${at}.alg`, `${one.alg} occurs twice`);
    seen.add(one.alg);
    const bytes =
      fromBase64(one.signature_b64) ?? malformed(`${at}.signature_b64`, 'standard padded base64 is expected');
    return { alg: one.alg, bytes };
  });
  return {
    kid: raw.kid,
    kidText: withVersion(raw.kid.kid, raw.kid.version),
    payloadB3: fromHex(raw.payload_b3)!,
    signatures,
  };
}

export function parseBundle(bytes: Uint8Array, what: string): Bundle {
  return decodeFile(decodeBundle, bytes, what);
}

export function bundleJson(bundle: Pick<Bundle, 'kidText' | 'payloadB3' | 'signatures'>): SignatureBundle {
  const sigs = SIGN_ALGS.flatMap((alg) => bundle.signatures.filter((one) => one.alg === alg));
  return {
    kid: bundle.kidText,
    payload_b3: toHex(bundle.payloadB3),
    sigs: sigs.map((one) => ({ alg: one.alg, signature_b64: toBase64(one.bytes) })),
  };
}

export function bundleFile(bundle: SignatureBundle): Uint8Array {
  return canonicalFile(bundle);
}

export interface SignatureVerdict {
  readonly alg: SignAlg;
  readonly valid: boolean;
  /** Refused in every mode. */
  readonly malformed: boolean;
  readonly reason?: string;
}

/**
 * One verdict per signature present, whatever the policy (I-15). `publicKeys`: the authenticated keys of the version, per
 * signing track. `payloadB3`: of the file at hand; a bundle over another payload is invalid for it.
 */
export function verifyBundle(
  crypto: Crypto,
  publicKeys: ReadonlyMap<SignAlg, Uint8Array>,
  bundle: Bundle,
  payloadB3: Uint8Array,
): readonly SignatureVerdict[] {
  const samePayload = equalBytes(bundle.payloadB3, payloadB3);
  const present = bundle.signatures.map((one) => one.alg);
  const message = signedMessage(present, bundle.kidText, payloadB3);
  return bundle.signatures.map(({ alg, bytes }) => {
    const publicKey = publicKeys.get(alg);
    if (publicKey === undefined) return bad(alg, true, 'the key version has no such track');
    const { signatureBytes } = SIGNATURES[alg];
    if (bytes.length !== signatureBytes) return bad(alg, true, `${signatureBytes} bytes are expected`);
    if (alg === 'ed25519' && !passesEd25519PreChecks(publicKey, bytes)) return bad(alg, true, 'not a canonical value');
    if (!samePayload) return bad(alg, false, 'the bundle was made for another payload');
    if (crypto.signature(alg).verify(publicKey, message, bytes)) return { alg, valid: true, malformed: false };
    return bad(alg, false, `does not match a message that names ${present.join('+')}, this key version and payload`);
  });
}

function bad(alg: SignAlg, isMalformed: boolean, reason: string): SignatureVerdict {
  return { alg, valid: false, malformed: isMalformed, reason };
}
