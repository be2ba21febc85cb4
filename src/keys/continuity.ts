// Continuity of a rotation (keys page 9, R-39, I-16): a DSSE envelope `application/vnd.ron.kms.continuity.v1+json` over
//   {ledger_id, old:{kid, pub}, new:{kid, pub}, op_id, proposal_digest?, ts}
// kids with version, pub maps key members to base64url; ledger_id is the store_id while ungoverned. Signatures, exactly:
// `<old kid#vN>/<alg>` and `<new kid#vN>/<alg>` for every signing track, and always the service keys; KEM keys by the
// service alone. After key-compromised the old signatures are absent and proposal_digest is there. File
// store/keys/<hash of the new kid#vN>.cont.json; its H stands in the rotate record as detail.continuity.
//
// The statement alone proves nothing. Attack: whoever stole the old key, which is why one rotates, issues a continuity to
// his own `#v2`. `valid` needs the inclusion proof of the rotate record with the same digests (kms/service/continuity.ts).

import { canonicalBytes, type Json } from '../bytes/canonical-json.ts';
import { anyObject, bytesOf, decodeCanonical, malformed, object, sha256Digest, string, time } from '../bytes/decode.ts';
import { parseUuid } from '../bytes/uuid.ts';
import type { Crypto, SigningKey } from '../crypto/provider.ts';
import { KEMS, SIGNATURES } from '../crypto/suite.ts';
import { type Envelope, envelopeFile, parseEnvelope } from '../envelope/dsse.ts';
import type { DualPublicKeys, DualSigningKeys } from '../envelope/dual-signature.ts';
import { demandType, payloadType } from '../envelope/h.ts';
import { versionedKid, withVersion } from './key-id.ts';
import { type PublicKeys, pubJson } from './key-record.ts';
import { type ExpectedSigner, firstDefect, serviceSigners, signatureDefect, signWith } from './service-signature.ts';
import { SIGN_ALGS, type SignAlg } from './tracks.ts';

export const CONTINUITY_TYPE = payloadType('kms.continuity.v1');

export interface ContinuityEnd {
  /** `<kid>#v<N>` */
  readonly kid: string;
  readonly pub: PublicKeys;
}

export interface Continuity {
  /** The store_id while ungoverned. */
  readonly ledger_id: string;
  readonly old: ContinuityEnd;
  readonly new: ContinuityEnd;
  readonly op_id: string;
  /** H of the executed key-compromised, when the old version cannot speak for itself. */
  readonly proposal_digest?: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly ts: string;
}

/** The private keys of one version, per signing track. */
export type TrackSigners = ReadonlyMap<SignAlg, SigningKey>;

const publicBytes = new Map<string, number>(
  [...Object.values(SIGNATURES), ...Object.values(KEMS)].map((one) => [one.member, one.publicBytes]),
);

const pub = (value: Json, path: string): PublicKeys => {
  const entries = Object.entries(anyObject(value, path));
  if (entries.length < 1 || entries.length > 2) malformed(path, 'one or two keys are expected');
  return Object.fromEntries(
    entries.map(([member, text]) => {
      const lengthBytes = member === 'ml_dsa_44' ? undefined : publicBytes.get(member);
      if (lengthBytes === undefined) return malformed(`${path}.${member}`, 'unknown member');
      return [member, bytesOf(lengthBytes)(text, `${path}.${member}`)];
    }),
  );
};

const end = object({ kid: versionedKid, pub });
const shape = object(
  { ledger_id: string({ pattern: /^[a-z0-9-]{1,64}$/ }), old: end, new: end, op_id: string(), ts: time },
  { proposal_digest: sha256Digest },
);

/** The signing tracks of one end, with their public keys. */
function signTracks(keys: PublicKeys): readonly { readonly alg: SignAlg; readonly publicKey: Uint8Array }[] {
  return SIGN_ALGS.flatMap((alg) => {
    const publicKey = keys[SIGNATURES[alg].member];
    return publicKey === undefined ? [] : [{ alg, publicKey }];
  });
}

/** True when the service alone can attest this: KEM keys do not sign. */
export function isServiceOnly(continuity: Continuity): boolean {
  return signTracks(continuity.new.pub).length === 0;
}

export function continuityPayload(continuity: Continuity): Uint8Array {
  const side = (one: ContinuityEnd): Json => ({ kid: one.kid, pub: pubJson(one.pub) });
  const { ledger_id, op_id, proposal_digest, ts } = continuity;
  return canonicalBytes({
    ledger_id,
    old: side(continuity.old),
    new: side(continuity.new),
    op_id,
    ts,
    ...(proposal_digest === undefined ? {} : { proposal_digest }),
  });
}

/** `old` is empty after a compromise and for KEM keys. */
export async function signContinuity(
  crypto: Crypto,
  continuity: Continuity,
  service: DualSigningKeys,
  signers: { readonly old: TrackSigners; readonly new: TrackSigners },
): Promise<Envelope> {
  const of = (kid: string, keys: TrackSigners): { keyid: string; key: SigningKey }[] =>
    [...keys].map(([alg, key]) => ({ keyid: `${kid}/${alg}`, key }));
  return signWith(crypto, CONTINUITY_TYPE, continuityPayload(continuity), service, [
    ...of(continuity.old.kid, signers.old),
    ...of(continuity.new.kid, signers.new),
  ]);
}

export function continuityFile(envelope: Envelope): Uint8Array {
  return envelopeFile(envelope);
}

/** Reads the form; no signature is checked. Throws Malformed. */
export function parseContinuity(
  bytes: Uint8Array,
  what: string,
): { readonly envelope: Envelope; readonly continuity: Continuity } {
  const envelope = parseEnvelope(bytes, what);
  demandType(envelope.payloadType, CONTINUITY_TYPE);
  const raw = decodeCanonical(shape, envelope.payload, `${what}, payload`);
  const from = raw.old.kid;
  const to = raw.new.kid;
  if (from.kid !== to.kid) malformed('new.kid', 'both ends must be versions of one key');
  if (to.version !== from.version + 1) malformed('new.kid', `version ${from.version + 1} is expected`);
  if (parseUuid(raw.op_id) === null) malformed('op_id', 'a UUID is expected');
  const side = ({ kid, pub }: typeof raw.old): ContinuityEnd => ({ kid: withVersion(kid.kid, kid.version), pub });
  return { envelope, continuity: { ...raw, old: side(raw.old), new: side(raw.new) } };
}

/** Null when exactly the required keys signed and all verify; else what is wrong. `service`: newest first. */
export function continuityDefect(
  crypto: Crypto,
  envelope: Envelope,
  continuity: Continuity,
  service: readonly DualPublicKeys[],
): string | null {
  const of = (one: ContinuityEnd): ExpectedSigner[] =>
    signTracks(one.pub).map(({ alg, publicKey }) => ({ keyid: `${one.kid}/${alg}`, alg, publicKey }));
  const old = continuity.proposal_digest === undefined ? of(continuity.old) : [];
  const ends = [...old, ...of(continuity.new)];
  return firstDefect(service, (keys) => signatureDefect(crypto, envelope, [...serviceSigners(keys), ...ends]));
}
