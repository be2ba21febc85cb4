// Strict reading of parsed JSON into domain types: every member is named, typed and bounded; an unknown, missing or
// ill-typed member is `Malformed` with its path. Layers 0-2c use this instead of a schema library (I-08).

import { type ErrorCode, RonError } from '../errors.ts';
import { fromBase64Url } from './base64.ts';
import { type Json, type JsonObject, parseCanonical, parseCanonicalFile } from './canonical-json.ts';

/** Reads one value at a path, or throws `Malformed`. */
export type Decoder<T> = (value: Json, path: string) => T;

export function malformed(path: string, why: string): never {
  throw new RonError('Malformed', path === '' ? why : `${path}: ${why}`, path === '' ? {} : { field: path });
}

/** Codes that say something about the bytes of a file. */
const OF_FILES = new Set<ErrorCode>([
  'Malformed',
  'NewerVersion',
  'InvalidValue',
  'SuiteMismatch',
  'Tampered',
  'VerificationFailed',
]);

/** What `read` returns; its refusals name the file too, not only the member. */
export function within<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof RonError) || !OF_FILES.has(thrown.code) || thrown.message.startsWith(what)) throw thrown;
    throw new RonError(thrown.code, `${what}: ${thrown.message}`, {
      ...(thrown.field === undefined ? {} : { field: thrown.field }),
      ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
      cause: thrown,
    });
  }
}

/** Canonical bytes without a final newline, decoded; refusals name `what` and the member. */
export function decodeCanonical<T>(decoder: Decoder<T>, bytes: Uint8Array, what: string): T {
  return within(what, () => decoder(parseCanonical(bytes, what), ''));
}

/** A file of ours, decoded; refusals name `what` and the member. */
export function decodeFile<T>(decoder: Decoder<T>, bytes: Uint8Array, what: string): T {
  return within(what, () => decoder(parseCanonicalFile(bytes, what), ''));
}

export const join = (path: string, member: string): string => (path === '' ? member : `${path}.${member}`);

export const string =
  (rule?: { readonly pattern?: RegExp; readonly maxBytes?: number; readonly what?: string }): Decoder<string> =>
  (value, path) => {
    if (typeof value !== 'string') return malformed(path, 'a string is expected');
    if (rule?.pattern !== undefined && !rule.pattern.test(value)) {
      return malformed(path, `${rule.what ?? 'a string of another form'} is expected`);
    }
    if (rule?.maxBytes !== undefined && Buffer.byteLength(value) > rule.maxBytes) {
      return malformed(path, `longer than ${rule.maxBytes} bytes`);
    }
    return value;
  };

export const integer =
  (min: number, max: number = Number.MAX_SAFE_INTEGER): Decoder<number> =>
  (value, path) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return malformed(path, 'an integer is expected');
    if (value < min || value > max) return malformed(path, `an integer from ${min} to ${max} is expected`);
    return value;
  };

export const boolean: Decoder<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : malformed(path, 'true or false is expected');

export const literal =
  <const T extends string | number | boolean | null>(...allowed: readonly T[]): Decoder<T> =>
  (value, path) =>
    (allowed as readonly Json[]).includes(value)
      ? (value as T)
      : malformed(path, `expected ${allowed.map((one) => JSON.stringify(one)).join(' or ')}`);

export const nullable =
  <T>(inner: Decoder<T>): Decoder<T | null> =>
  (value, path) =>
    value === null ? null : inner(value, path);

export const array =
  <T>(inner: Decoder<T>, maxItems: number, minItems = 0): Decoder<T[]> =>
  (value, path) => {
    if (!Array.isArray(value)) return malformed(path, 'an array is expected');
    if (value.length < minItems || value.length > maxItems) {
      return malformed(path, `${minItems} to ${maxItems} items are expected, ${value.length} found`);
    }
    return value.map((item, index) => inner(item as Json, `${path}[${index}]`));
  };

/** Any JSON object, undecoded. */
export const anyObject: Decoder<JsonObject> = (value, path) =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as JsonObject)
    : malformed(path, 'an object is expected');

export const any: Decoder<Json> = (value) => value;

/** An object with outside member names, as a Map in member order. */
export const map =
  <T>(name: RegExp, inner: Decoder<T>, maxItems: number): Decoder<Map<string, T>> =>
  (value, path) => {
    const entries = Object.entries(anyObject(value, path));
    if (entries.length > maxItems) return malformed(path, `more than ${maxItems} members`);
    const out = new Map<string, T>();
    for (const [member, item] of entries) {
      if (!name.test(member)) return malformed(join(path, member), 'a member name of another form is expected');
      out.set(member, inner(item, join(path, member)));
    }
    return out;
  };

type Shape = Readonly<Record<string, Decoder<unknown>>>;
type Required<S extends Shape> = { readonly [K in keyof S]: S[K] extends Decoder<infer T> ? T : never };
type Optional<S extends Shape> = { readonly [K in keyof S]?: S[K] extends Decoder<infer T> ? T : never };

/** An object with exactly the members of `required`, and of `optional` at most. */
export const object =
  <R extends Shape, O extends Shape = Record<never, never>>(
    required: R,
    optional?: O,
  ): Decoder<Required<R> & Optional<O>> =>
  (value, path) => {
    const source = anyObject(value, path);
    const out: Record<string, unknown> = {};
    for (const [member, inner] of Object.entries(required)) {
      if (!Object.hasOwn(source, member)) return malformed(join(path, member), 'missing member');
      out[member] = inner(source[member]!, join(path, member));
    }
    for (const [member, inner] of Object.entries(optional ?? {})) {
      if (Object.hasOwn(source, member)) out[member] = inner(source[member]!, join(path, member));
    }
    for (const member of Object.keys(source)) {
      if (!Object.hasOwn(out, member)) return malformed(join(path, member), 'unknown member');
    }
    return out as Required<R> & Optional<O>;
  };

/** Unpadded base64url of exactly `lengthBytes`. */
export const bytesOf =
  (lengthBytes: number): Decoder<Uint8Array> =>
  (value, path) => {
    const bytes = typeof value === 'string' ? fromBase64Url(value, lengthBytes) : null;
    return bytes ?? malformed(path, `${lengthBytes} bytes as base64url without padding are expected`);
  };

export const HEX_64 = /^[0-9a-f]{64}$/;
export const hex64 = string({ pattern: HEX_64, what: '64 lower-case hex characters' });
export const sha256Digest = string({ pattern: /^sha256:[0-9a-f]{64}$/, what: '`sha256:` and 64 lower-case hex' });

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** RFC 3339 UTC with milliseconds, kept as text; a date that does not exist is refused. */
export const time: Decoder<string> = (value, path) => {
  if (typeof value !== 'string' || !TIME.test(value)) {
    return malformed(path, 'a time like 2026-01-31T23:59:59.000Z is expected');
  }
  const millis = Date.parse(value);
  if (Number.isNaN(millis) || new Date(millis).toISOString() !== value) return malformed(path, 'no such time');
  return value;
};
