// What the caveats of a token leave when all of them hold (service page 2): lists intersect, times and rates take the
// narrowest, every `paths` must match. Refused (Denied): no tenant, scope or exp; an intersection without a member; two
// keys or two nonces that differ. Attenuation can therefore only narrow.

import { RonError } from '../errors.ts';
import { type KeyId, withVersion } from '../keys/key-id.ts';
import { type Caveat, parseCaveat } from './caveats.ts';
import type { PathSegments } from './paths.ts';

export interface EffectiveCaveats {
  readonly tenants: readonly string[];
  readonly scopes: readonly string[];
  readonly expiresMs: number;
  /** Null: from the beginning. */
  readonly notBeforeMs: number | null;
  /** Null: not narrowed, here and below. */
  readonly algs: readonly string[] | null;
  readonly purposes: readonly string[] | null;
  /** With version: that version alone; without: every version of the key. */
  readonly kid: KeyId | null;
  readonly rps: number | null;
  /** Each list must have a path that the request begins with. */
  readonly paths: readonly (readonly PathSegments[])[];
  readonly once: boolean;
  /** The op_id that the request must carry. */
  readonly nonce: string | null;
}

const deny = (why: string): never => {
  throw new RonError('Denied', `the capability allows nothing: ${why}`);
};

const times = (caveats: readonly Caveat[], name: 'exp' | 'nbf'): number[] =>
  caveats.flatMap((one) => ('atMs' in one && one.name === name ? [one.atMs] : []));

function intersection(caveats: readonly Caveat[], name: 'tenant' | 'scope' | 'alg' | 'purpose'): string[] | null {
  const lists = caveats.flatMap((one) => ('items' in one && one.name === name ? [one.items] : []));
  if (lists.length === 0) return null;
  const [first, ...rest] = lists;
  const left = first!.filter((item) => rest.every((items) => items.includes(item)));
  return left.length === 0 ? deny(`its ${name} caveats have nothing in common`) : left;
}

function oneKey(caveats: readonly Caveat[]): KeyId | null {
  let found: KeyId | null = null;
  for (const one of caveats) {
    if (one.name !== 'kid') continue;
    const { kid } = one;
    if (found === null) found = kid;
    else if (!covers(found, kid) && !covers(kid, found)) return deny('it names two keys');
    else if (found.version === null) found = kid;
  }
  return found;
}

/** True when `kid` is the key that `caveat` names, in the version it names if it names one. */
export function covers(caveat: KeyId, kid: KeyId): boolean {
  return caveat.kid === kid.kid && (caveat.version === null || caveat.version === kid.version);
}

export const kidText = (id: KeyId): string => (id.version === null ? id.kid : withVersion(id.kid, id.version));

function oneNonce(caveats: readonly Caveat[]): string | null {
  const named = new Set(caveats.flatMap((one) => (one.name === 'nonce' ? [one.opId] : [])));
  if (named.size > 1) return deny('it names two nonces');
  return [...named][0] ?? null;
}

const least = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.min(...values));

/** Of parsed caveats. Throws Denied. */
export function combine(caveats: readonly Caveat[]): EffectiveCaveats {
  const expiresMs = least(times(caveats, 'exp')) ?? deny('it has no exp');
  const from = times(caveats, 'nbf');
  return {
    tenants: intersection(caveats, 'tenant') ?? deny('it has no tenant'),
    scopes: intersection(caveats, 'scope') ?? deny('it has no scope'),
    expiresMs,
    notBeforeMs: from.length === 0 ? null : Math.max(...from),
    algs: intersection(caveats, 'alg'),
    purposes: intersection(caveats, 'purpose'),
    kid: oneKey(caveats),
    rps: least(caveats.flatMap((one) => (one.name === 'rps' ? [one.perSecond] : []))),
    paths: caveats.flatMap((one) => (one.name === 'paths' ? [one.paths] : [])),
    once: caveats.some((one) => one.name === 'usage'),
    nonce: oneNonce(caveats),
  };
}

/** Of caveat texts. Throws Denied. */
export function effectiveCaveats(texts: readonly string[]): EffectiveCaveats {
  return combine(texts.map(parseCaveat));
}

/**
 * The caveats that a capability minted with this one carries on: what narrows keys and rates. Those of one request
 * (paths, usage, nonce) are not: they say what may be asked now, and minting is what was asked.
 */
export function inheritedCaveats(of: {
  readonly algs: readonly string[] | null;
  readonly purposes: readonly string[] | null;
  /** As in a kid caveat. */
  readonly kid: string | null;
  readonly rps: number | null;
}): readonly string[] {
  const list = (name: string, items: readonly string[] | null): string[] =>
    items === null ? [] : [`${name} = ${items.join(',')}`];
  return [
    ...list('alg', of.algs),
    ...list('purpose', of.purposes),
    ...(of.kid === null ? [] : [`kid = ${of.kid}`]),
    ...(of.rps === null ? [] : [`rps = ${of.rps}`]),
  ];
}
