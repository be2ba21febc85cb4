// The sealed record of one key version (store page 3, type `key-version`, id `<kid>#v<N>`). Its meta, exactly:
//   {v:1, kid, created_at, tracks, suite?, secrets:[<key member>], pub:{<key member>: base64url}, rotate_days?}
// `secrets` names the parts of the secret bytes in their order; lengths follow from the names (keys page 2), never from
// the record. Secrets are stored raw, never as PKCS#8. Refused: parts that do not belong to the tracks, wrong lengths.

import { toBase64Url } from '../bytes/base64.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import { array, bytesOf, integer, literal, malformed, object, string, time } from '../bytes/decode.ts';
import { concat } from '../bytes/framing.ts';
import { wipe } from '../bytes/wipe.ts';
import type { KeyMember } from '../crypto/suite.ts';
import { versionedKid, withVersion } from './key-id.ts';
import { type Component, componentsOf, isWrapSuite, type Material, TRACKS } from './tracks.ts';

export type PublicKeys = Readonly<Partial<Record<KeyMember, Uint8Array>>>;

/** One key version without its secret. */
export interface KeyVersion extends Material {
  /** `<kid>#v<N>` */
  readonly kid: string;
  readonly created_at: string;
  readonly pub: PublicKeys;
  /** `policy_hints.rotate_days`: rotate earlier than the policy asks. */
  readonly rotate_days?: number;
}

/** A version with its secrets, in the order of `componentsOf`. The holder wipes them. */
export interface OpenKeyVersion extends KeyVersion {
  readonly secrets: readonly Uint8Array[];
}

export const rotateDays = integer(1, 90);
export const tracksShape = array(literal(...TRACKS), 2, 1);
export const suiteShape = literal(1, 2, 3, 4);

const shape = object(
  {
    v: literal(1),
    kid: versionedKid,
    created_at: time,
    tracks: tracksShape,
    secrets: array(string(), 2, 1),
    pub: (value) => value,
  },
  { suite: suiteShape, rotate_days: rotateDays },
);

/** The components that these tracks and suite stand for; Malformed when they fit no creation algorithm. */
export function componentsOfRecord(
  tracks: readonly string[],
  suite: number | undefined,
  path: string,
): { readonly material: Material; readonly components: readonly Component[] } {
  const text = tracks.join('+');
  const kem = { 'x25519+ml-kem': [1, 2], x25519: [3], 'ml-kem': [4] }[text];
  const fits = kem === undefined ? suite === undefined : suite !== undefined && kem.includes(suite);
  const known = kem !== undefined || ['ed25519', 'ml-dsa', 'slh-dsa', 'ed25519+ml-dsa'].includes(text);
  if (!known || !fits) malformed(path, `tracks ${text} with suite ${suite ?? 'none'} do not exist`);
  const ordered = TRACKS.filter((track) => tracks.includes(track));
  const material: Material =
    suite !== undefined && isWrapSuite(suite) ? { tracks: ordered, suite } : { tracks: ordered };
  return { material, components: componentsOf(material) };
}

/** Public keys per component, exactly those. */
export function decodePub(
  components: readonly Component[],
  value: Parameters<typeof shape>[0],
  path: string,
): PublicKeys {
  return object(Object.fromEntries(components.map((one) => [one.member, bytesOf(one.publicBytes)])))(value, path);
}

export function pubJson(pub: PublicKeys): Record<string, string> {
  return Object.fromEntries(Object.entries(pub).map(([member, bytes]) => [member, toBase64Url(bytes)]));
}

/** `meta` and `secret` of the sealed record. The caller still owns and wipes `secrets`. */
export function sealedKeyVersion(version: OpenKeyVersion): { readonly meta: JsonObject; readonly secret: Uint8Array } {
  const components = componentsOf(version);
  return {
    meta: {
      v: 1,
      kid: version.kid,
      created_at: version.created_at,
      tracks: [...version.tracks],
      secrets: components.map((one) => one.member),
      pub: pubJson(version.pub),
      ...(version.suite === undefined ? {} : { suite: version.suite }),
      ...(version.rotate_days === undefined ? {} : { rotate_days: version.rotate_days }),
    },
    secret: concat(...version.secrets),
  };
}

/**
 * Reads an opened record and wipes its `secret`; the result holds copies of the parts. `kid` is the id under which the
 * record was asked for. Throws Malformed.
 */
export function openKeyVersion(kid: string, meta: JsonObject, secret: Uint8Array): OpenKeyVersion {
  try {
    const raw = shape(meta, '');
    const named = withVersion(raw.kid.kid, raw.kid.version);
    if (named !== kid) malformed('kid', `the record belongs to ${named}, not to ${kid}`);
    const { material, components } = componentsOfRecord(raw.tracks, raw.suite, 'tracks');
    if (raw.secrets.join() !== components.map((one) => one.member).join()) {
      malformed('secrets', `${components.map((one) => one.member).join(', ')} are expected`);
    }
    const total = components.reduce((sum, one) => sum + one.secretBytes, 0);
    if (secret.length !== total) malformed('secrets', `${total} secret bytes are expected, ${secret.length} found`);
    const ends = components.map((_, index) =>
      components.slice(0, index + 1).reduce((sum, one) => sum + one.secretBytes, 0),
    );
    const secrets = ends.map((end, index) =>
      Uint8Array.from(secret.subarray(end - components[index]!.secretBytes, end)),
    );
    return {
      ...material,
      kid,
      created_at: raw.created_at,
      pub: decodePub(components, raw.pub, 'pub'),
      secrets,
      ...(raw.rotate_days === undefined ? {} : { rotate_days: raw.rotate_days }),
    };
  } finally {
    wipe(secret);
  }
}
