// A key version in clear (keys page 10, X-18): a DSSE envelope `application/vnd.ron.kms.key.v1+json` over
//   {kid, state, tracks, suite?, pub, created_at, from_seq?, rotate_days?}
// one per version, kid with version, signed by the service keys alone; file store/keys/<hash>.pub.json. `from_seq` only
// when compromised (a retired version may have been, too). A reader checks both signatures, and `pub` against the digests in public.json. State comes from
// public.json, never from the object: one from before a rotation or a compromise is signed and looks right.

import { canonicalBytes } from '../bytes/canonical-json.ts';
import { decodeCanonical, integer, literal, malformed, object, time, within } from '../bytes/decode.ts';
import { concat } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto } from '../crypto/provider.ts';
import type { KeyMember } from '../crypto/suite.ts';
import { type Envelope, envelopeFile, parseEnvelope } from '../envelope/dsse.ts';
import type { DualPublicKeys, DualSigningKeys } from '../envelope/dual-signature.ts';
import { demandType, payloadType } from '../envelope/h.ts';
import { versionedKid, withVersion } from './key-id.ts';
import {
  componentsOfRecord,
  decodePub,
  type KeyVersion,
  pubJson,
  rotateDays,
  suiteShape,
  tracksShape,
} from './key-record.ts';
import type { VersionState } from './public-view.ts';
import { firstDefect, serviceSigners, signatureDefect, signWith } from './service-signature.ts';

export const KEY_OBJECT_TYPE = payloadType('kms.key.v1');

export interface KeyObject extends KeyVersion {
  /** At `created_at` and no later. */
  readonly state: VersionState;
  readonly from_seq?: number;
}

const STATES = ['active', 'superseded', 'retired', 'compromised'] as const;

const shape = object(
  {
    kid: versionedKid,
    state: literal(...STATES),
    tracks: tracksShape,
    pub: (value) => value,
    created_at: time,
  },
  { suite: suiteShape, from_seq: integer(0), rotate_days: rotateDays },
);

/** Name in store/keys/ of the key object (`pub`) or continuity statement (`cont`) of a version. */
export function keyFileName(kidWithVersion: string, kind: 'pub' | 'cont'): string {
  const hash = sha256Hex(concat(utf8('ron-kms/record/v1'), Uint8Array.of(0), utf8(kidWithVersion)));
  return `${hash}.${kind}.json`;
}

/** Lower hex SHA-256 of each public key, as in public.json and in create and rotate records. */
export function pubDigests(pub: KeyVersion['pub']): Partial<Record<KeyMember, string>> {
  return Object.fromEntries(Object.entries(pub).map(([member, bytes]) => [member, sha256Hex(bytes)]));
}

/** True when two sets of digests have the same members and values. */
export function sameDigests(
  a: Readonly<Partial<Record<string, string>>>,
  b: Readonly<Partial<Record<string, string>>>,
): boolean {
  const members = Object.keys(a);
  return members.length === Object.keys(b).length && members.every((member) => a[member] === b[member]);
}

export function keyObjectPayload(object: KeyObject): Uint8Array {
  const { kid, state, tracks, suite, pub, created_at, from_seq, rotate_days } = object;
  return canonicalBytes({
    kid,
    state,
    tracks,
    pub: pubJson(pub),
    created_at,
    ...(suite === undefined ? {} : { suite }),
    ...(from_seq === undefined ? {} : { from_seq }),
    ...(rotate_days === undefined ? {} : { rotate_days }),
  });
}

/** The file of a key object. */
export async function signKeyObject(crypto: Crypto, object: KeyObject, service: DualSigningKeys): Promise<Uint8Array> {
  return envelopeFile(await signWith(crypto, KEY_OBJECT_TYPE, keyObjectPayload(object), service));
}

/** Reads the form; no signature is checked. Throws Malformed. */
export function parseKeyObject(
  bytes: Uint8Array,
  what: string,
): { readonly envelope: Envelope; readonly object: KeyObject } {
  return within(what, () => readKeyObject(bytes, what));
}

function readKeyObject(bytes: Uint8Array, what: string): { readonly envelope: Envelope; readonly object: KeyObject } {
  const envelope = parseEnvelope(bytes, what);
  demandType(envelope.payloadType, KEY_OBJECT_TYPE);
  const raw = decodeCanonical(shape, envelope.payload, `${what}, payload`);
  if (raw.state === 'compromised' && raw.from_seq === undefined) malformed('from_seq', 'missing member');
  if (raw.from_seq !== undefined && raw.state !== 'compromised' && raw.state !== 'retired') {
    malformed('from_seq', 'it stands in the object of a compromised version only');
  }
  const { material, components } = componentsOfRecord(raw.tracks, raw.suite, 'tracks');
  const { kid, pub, suite: _suite, tracks: _tracks, ...rest } = raw;
  return {
    envelope,
    object: { ...rest, ...material, kid: withVersion(kid.kid, kid.version), pub: decodePub(components, pub, 'pub') },
  };
}

/** Null when both signatures of one pair of service keys verify; else what is wrong. `service`: newest first. */
export function keyObjectDefect(crypto: Crypto, envelope: Envelope, service: readonly DualPublicKeys[]): string | null {
  return firstDefect(service, (keys) => signatureDefect(crypto, envelope, serviceSigners(keys)));
}
