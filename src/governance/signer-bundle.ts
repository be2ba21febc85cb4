// The public bundle of a signer (governance page 2, X-18): DSSE `application/vnd.ron.gov.signer.v1+json` over
//   {created_at, id, keys: {ed25519, ml_dsa_65}, prev?: {digest, keys}}
// self-signed by both keys as `<id>/ed25519`, `<id>/ml-dsa`. After a rotation `prev` names the bundle before (its H and
// its keys) and the old keys sign too, as `<id>@prev/<alg>`: a bundle cannot be put in the place of another identity's.
// Refuses any other set of signatures, a reused component key, and a payload that is not canonical.

import { toBase64Url } from '../bytes/base64.ts';
import { canonicalBytes } from '../bytes/canonical-json.ts';
import { decodeCanonical, malformed, object, sha256Digest, time, within } from '../bytes/decode.ts';
import type { Crypto } from '../crypto/provider.ts';
import { type Envelope, envelopeDigest, parseEnvelope } from '../envelope/dsse.ts';
import { type DualSigningKeys, signDual } from '../envelope/dual-signature.ts';
import { demandType, payloadType } from '../envelope/h.ts';
import { LIMITS } from '../limits.ts';
import { type PublicKeys, publicKeys, signerId } from './names.ts';
import { demandSignatures } from './signatures.ts';

export const SIGNER_BUNDLE_TYPE = payloadType('gov.signer.v1');

const shape = object(
  { id: signerId, keys: publicKeys, created_at: time },
  { prev: object({ digest: sha256Digest, keys: publicKeys }) },
);

export type SignerBundle = ReturnType<typeof shape>;

/** A bundle whose signatures are all valid. Whom it belongs to is settled by the words, never by the file. */
export interface VerifiedBundle {
  readonly bundle: SignerBundle;
  /** H of the payload. */
  readonly digest: string;
  readonly envelope: Envelope;
}

const previousId = (id: string): string => `${id}@prev`;

function publicHalves(keys: DualSigningKeys): PublicKeys {
  return { ed25519: toBase64Url(keys.ed25519.publicKey), ml_dsa_65: toBase64Url(keys.mlDsa.publicKey) };
}

/** Builds and signs a bundle; `previous` when the keys replace older ones. */
export async function makeSignerBundle(
  crypto: Crypto,
  input: {
    readonly id: string;
    /** RFC 3339 UTC with milliseconds. */
    readonly createdAt: string;
    readonly keys: DualSigningKeys;
    readonly previous?: { readonly digest: string; readonly keys: DualSigningKeys };
  },
): Promise<VerifiedBundle> {
  const { id, keys, previous } = input;
  const bundle: SignerBundle = {
    id,
    keys: publicHalves(keys),
    created_at: input.createdAt,
    ...(previous === undefined ? {} : { prev: { digest: previous.digest, keys: publicHalves(previous.keys) } }),
  };
  const payload = canonicalBytes(bundle);
  const signatures = await signDual(crypto, SIGNER_BUNDLE_TYPE, payload, id, keys);
  if (previous !== undefined) {
    signatures.push(...(await signDual(crypto, SIGNER_BUNDLE_TYPE, payload, previousId(id), previous.keys)));
  }
  return verifySignerBundle(crypto, { payloadType: SIGNER_BUNDLE_TYPE, payload, signatures }, `bundle of ${id}`);
}

/** Form only: says nothing about the signatures. */
export function parseBundlePayload(envelope: Envelope, what: string): SignerBundle {
  within(what, () => demandType(envelope.payloadType, SIGNER_BUNDLE_TYPE));
  if (envelope.payload.length > LIMITS.payloadBytes) malformed('payload', `${what}: longer than a payload may be`);
  const bundle = decodeCanonical(shape, envelope.payload, what);
  const { keys, prev } = bundle;
  if (prev !== undefined && (prev.keys.ed25519 === keys.ed25519 || prev.keys.ml_dsa_65 === keys.ml_dsa_65)) {
    malformed('prev.keys', `${what}: a key stands in the old and in the new pair`);
  }
  return bundle;
}

/** Malformed (3) or VerificationFailed (10); `what` names the input. */
export function verifySignerBundle(crypto: Crypto, envelope: Envelope, what: string): VerifiedBundle {
  const bundle = parseBundlePayload(envelope, what);
  const { id, keys, prev } = bundle;
  const signers = [{ id, keys }, ...(prev === undefined ? [] : [{ id: previousId(id), keys: prev.keys }])];
  demandSignatures(crypto, envelope, signers, what);
  return { bundle, digest: envelopeDigest(envelope), envelope };
}

export function parseSignerBundle(crypto: Crypto, bytes: Uint8Array, what: string): VerifiedBundle {
  return verifySignerBundle(crypto, parseEnvelope(bytes, what), what);
}
