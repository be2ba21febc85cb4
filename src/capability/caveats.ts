// First-party caveats (service page 2, R-23): `name SP "=" SP value` in ASCII, at most 512 bytes, one predicate each. Lists
// are `a,b` without spaces, sorted, unique. One text has one meaning: a value in another spelling is refused.
//   tenant   tenant ids, or `_instance` alone       scope    kms:admin audit govern read rotate sign unwrap verify wrap
//   exp, nbf RFC 3339 UTC with ms                   alg, purpose   creation algorithms, purposes
//   kid      one key id, with or without #vN        rps      integer 1..10000
//   paths    absolute paths                         usage    `once`          nonce    a UUID
// Refused: every other name, every value outside its rule. What is refused denies the token that carries it.

import { time } from '../bytes/decode.ts';
import { fromTime } from '../bytes/time.ts';
import { parseUuid } from '../bytes/uuid.ts';
import { RonError } from '../errors.ts';
import { isKeyName, type KeyId, parseKeyId } from '../keys/key-id.ts';
import { CREATION_ALGS } from '../keys/tracks.ts';
import { LIMITS } from '../limits.ts';
import { TENANT } from '../policy/state.ts';
import { decodePath, type PathSegments } from './paths.ts';

/** The tenant of kms:govern, kms:audit, kms:admin and of what belongs to no tenant; outside the tenant pattern (I-19). */
export const INSTANCE = '_instance';

export const SCOPES = [
  'kms:admin',
  'kms:audit',
  'kms:govern',
  'kms:read',
  'kms:rotate',
  'kms:sign',
  'kms:unwrap',
  'kms:verify',
  'kms:wrap',
] as const;
export type CapabilityScope = (typeof SCOPES)[number];

export type Caveat =
  | { readonly name: 'tenant' | 'scope' | 'alg' | 'purpose'; readonly items: readonly string[] }
  | { readonly name: 'exp' | 'nbf'; readonly atMs: number }
  | { readonly name: 'kid'; readonly kid: KeyId }
  | { readonly name: 'rps'; readonly perSecond: number }
  | { readonly name: 'paths'; readonly paths: readonly PathSegments[] }
  | { readonly name: 'usage' }
  | { readonly name: 'nonce'; readonly opId: string };

export type CaveatName = Caveat['name'];

export const RPS_MAX = 10_000;

/** Denied (21): the text of a token is not repeated, it may hold anything. */
const deny = (why: string): never => {
  throw new RonError('Denied', `the capability carries a caveat that nothing satisfies: ${why}`);
};

function list(name: string, value: string, accepts: (item: string) => boolean): readonly string[] {
  const items = value.split(',');
  if (!items.every(accepts)) return deny(`an item of ${name} outside its rule`);
  if (items.some((item, at) => at > 0 && items[at - 1]! >= item)) return deny(`the items of ${name} are not sorted`);
  return items;
}

function tenants(value: string): readonly string[] {
  return value === INSTANCE ? [INSTANCE] : list('tenant', value, (item) => TENANT.test(item));
}

function moment(name: string, value: string): number {
  try {
    return fromTime(time(value, name));
  } catch {
    return deny(`${name} is no time like 2026-01-31T23:59:59.000Z`);
  }
}

function pathList(value: string): readonly PathSegments[] {
  return list('paths', value, (item) => decodePath(item) !== null).map((item) => decodePath(item)!);
}

const isOneOf =
  (allowed: readonly string[]) =>
  (item: string): boolean =>
    allowed.includes(item);

const READ: { readonly [N in CaveatName]: (value: string) => Caveat } = {
  tenant: (value) => ({ name: 'tenant', items: tenants(value) }),
  scope: (value) => ({ name: 'scope', items: list('scope', value, isOneOf(SCOPES)) }),
  alg: (value) => ({ name: 'alg', items: list('alg', value, isOneOf(CREATION_ALGS)) }),
  purpose: (value) => ({ name: 'purpose', items: list('purpose', value, isKeyName) }),
  exp: (value) => ({ name: 'exp', atMs: moment('exp', value) }),
  nbf: (value) => ({ name: 'nbf', atMs: moment('nbf', value) }),
  kid: (value) => ({ name: 'kid', kid: parseKeyId(value) ?? deny('kid is no key id') }),
  rps: (value) =>
    /^[1-9][0-9]{0,4}$/.test(value) && Number(value) <= RPS_MAX
      ? { name: 'rps', perSecond: Number(value) }
      : deny(`rps is no integer from 1 to ${RPS_MAX}`),
  paths: (value) => ({ name: 'paths', paths: pathList(value) }),
  usage: (value) => (value === 'once' ? { name: 'usage' } : deny('usage is not `once`')),
  nonce: (value) => (parseUuid(value) === null ? deny('nonce is no UUID') : { name: 'nonce', opId: value }),
};

export const CAVEAT_NAMES = Object.keys(READ) as CaveatName[];

/** Printable ASCII, from a space to a tilde. */
const ASCII = /^[ -~]*$/;

/** Reads one caveat. Throws Denied. */
export function parseCaveat(text: string): Caveat {
  if (text.length > LIMITS.capabilityCaveatBytes) return deny(`more than ${LIMITS.capabilityCaveatBytes} bytes`);
  if (!ASCII.test(text)) return deny('bytes outside ASCII');
  const at = text.indexOf(' = ');
  const name = text.slice(0, Math.max(at, 0));
  if (at < 0 || !Object.hasOwn(READ, name)) return deny('no known name');
  return READ[name as CaveatName](text.slice(at + ' = '.length));
}

/** The text of a caveat as an operator typed it: `InvalidValue` naming `field`, which says what would be right. */
export function checkCaveat(text: string, field: string): Caveat {
  try {
    return parseCaveat(text);
  } catch (error) {
    if (!(error instanceof RonError) || error.code !== 'Denied') throw error;
    const why = error.message.slice(error.message.indexOf(': ') + 2);
    throw new RonError('InvalidValue', `${field}: not a caveat: ${JSON.stringify(text.slice(0, 200))}: ${why}`, {
      field,
      hint: `Write NAME = VALUE with one of ${CAVEAT_NAMES.join(', ')}; lists are sorted, without spaces. See ronctl-capability(5).`,
    });
  }
}
