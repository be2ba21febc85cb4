// Key ids (keys page 4):
//   <tenant>/<purpose>/<alg>/<uuid>[#v<N>]
// tenant, purpose [a-z0-9][a-z0-9._-]{0,63}; alg a creation algorithm; uuid v4 or v7 in lower case with hyphens; N decimal
// from 1 to 2^31 without leading zero; at most 189 bytes. Upper case is never folded here: on the wire it is refused.

import { type Decoder, malformed } from '../bytes/decode.ts';
import { parseUuid } from '../bytes/uuid.ts';
import { fail } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { CREATION_ALGS, type CreationAlg } from './tracks.ts';

export interface KeyId {
  /** Without version. */
  readonly kid: string;
  readonly tenant: string;
  readonly purpose: string;
  readonly alg: CreationAlg;
  readonly uuid: string;
  /** Null when the text names no version. */
  readonly version: number | null;
}

export interface VersionedKeyId extends KeyId {
  readonly version: number;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const VERSION = /^[1-9][0-9]{0,9}$/;

/** True for a tenant or a purpose. */
export function isKeyName(text: string): boolean {
  return NAME.test(text);
}

/** A request is judged by its kid in many places, and keys are used again and again. */
const REMEMBERED = 4096;
const parsed = new Map<string, KeyId>();

/** Null when the text is no key id. */
export function parseKeyId(text: string): KeyId | null {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const id = readKeyId(text);
  if (id === null) return null;
  if (parsed.size >= REMEMBERED) parsed.clear();
  parsed.set(text, id);
  return id;
}

function readKeyId(text: string): KeyId | null {
  if (Buffer.byteLength(text) > LIMITS.kidBytes) return null;
  const hash = text.indexOf('#');
  const kid = hash < 0 ? text : text.slice(0, hash);
  const [tenant, purpose, alg, uuid, ...rest] = kid.split('/');
  if (tenant === undefined || purpose === undefined || alg === undefined || uuid === undefined) return null;
  if (rest.length > 0 || !isKeyName(tenant) || !isKeyName(purpose)) return null;
  const known = CREATION_ALGS.find((one) => one === alg);
  const parts = parseUuid(uuid);
  if (known === undefined || parts === null || (parts.version !== 4 && parts.version !== 7)) return null;
  const base = { kid, tenant, purpose, alg: known, uuid };
  if (hash < 0) return { ...base, version: null };
  const digits = text.slice(hash + 2);
  if (text[hash + 1] !== 'v' || !VERSION.test(digits) || Number(digits) > LIMITS.keyVersionMax) return null;
  return { ...base, version: Number(digits) };
}

const FORM = 'a key id is <tenant>/<purpose>/<alg>/<uuid>, optionally with #v<N>, all in lower case';

/** Throws InvalidValue naming `field`. */
export function requireKeyId(text: string, field: string): KeyId {
  return (
    parseKeyId(text) ??
    fail('InvalidValue', `${field}: not a key id: ${JSON.stringify(text.slice(0, 200))}; ${FORM}`, {
      field,
      hint: 'List the keys with `ronctl kms list`.',
    })
  );
}

/** As requireKeyId, and the version must be named. */
export function requireVersionedKeyId(text: string, field: string): VersionedKeyId {
  const { version, ...id } = requireKeyId(text, field);
  if (version === null) {
    return fail('InvalidValue', `${field}: the key id ${text} must name a version, as in ${text}#v1`, { field });
  }
  return { ...id, version };
}

/** Reads a kid with version in a parsed object; Malformed otherwise. */
export const versionedKid: Decoder<VersionedKeyId> = (value, path) => {
  const id = typeof value === 'string' ? parseKeyId(value) : null;
  if (id === null || id.version === null) return malformed(path, 'a key id with its version is expected');
  return { ...id, version: id.version };
};

/** `<kid>#v<N>` */
export function withVersion(kid: string, version: number): string {
  return `${kid}#v${version}`;
}

/** The text of a new key. `uuid` as made by uuidV7. */
export function newKid(tenant: string, purpose: string, alg: CreationAlg, uuid: string): string {
  return `${tenant}/${purpose}/${alg}/${uuid}`;
}
