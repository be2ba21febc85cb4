// The HMAC-SHA-256 chain of a macaroon (libmacaroons; service page 2, D-07):
//   key  = HMAC("macaroons-key-generator", root key); first signature = HMAC(key, identifier)
//   first party: s' = HMAC(s, identifier)
//   third party: vid = nonce || secretbox(key s, caveat key), s' = HMAC(s, HMAC(s, vid) || HMAC(s, identifier))
//   a discharge is bound to its root: HMAC(32 zero bytes, HMAC(0, root signature) || HMAC(0, own signature))
// Signatures are compared in constant time. What the predicates mean is not judged here.

import { equalBytes } from '../bytes/equal.ts';
import { concat } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { wipe } from '../bytes/wipe.ts';
import { hmacSha256 } from '../crypto/hash.ts';
import { SECRETBOX_NONCE_BYTES, type Secretbox } from '../crypto/secretbox.ts';
import { fail, RonError } from '../errors.ts';
import type { Macaroon, MacaroonCaveat } from './macaroon.ts';

const GENERATOR = utf8('macaroons-key-generator');
const ZERO = new Uint8Array(32);

const deriveKey = (rootKey: Uint8Array): Uint8Array => hmacSha256(GENERATOR, rootKey);

const pair = (key: Uint8Array, a: Uint8Array, b: Uint8Array): Uint8Array =>
  hmacSha256(key, concat(hmacSha256(key, a), hmacSha256(key, b)));

const next = (signature: Uint8Array, { identifier, vid }: MacaroonCaveat): Uint8Array =>
  vid === null ? hmacSha256(signature, identifier) : pair(signature, vid, identifier);

/** A macaroon without caveats. `rootKey`: any length. */
export function newMacaroon(rootKey: Uint8Array, identifier: Uint8Array, location: Uint8Array | null): Macaroon {
  const key = deriveKey(rootKey);
  const signature = hmacSha256(key, identifier);
  wipe(key);
  return { location, identifier, caveats: [], signature };
}

/** Anybody who holds a macaroon can do this, and nobody can undo it. */
export function addFirstParty(macaroon: Macaroon, predicate: Uint8Array): Macaroon {
  return append(macaroon, { identifier: predicate, vid: null, location: null });
}

const append = (macaroon: Macaroon, caveat: MacaroonCaveat): Macaroon => ({
  ...macaroon,
  caveats: [...macaroon.caveats, caveat],
  signature: next(macaroon.signature, caveat),
});

export interface ThirdParty {
  /** Where the discharge is to be had; shown only. */
  readonly location: Uint8Array;
  /** What the third party recognises the caveat by. */
  readonly identifier: Uint8Array;
  /** Shared with the third party: the root key of its discharge. */
  readonly caveatKey: Uint8Array;
  /** 24 fresh random bytes. */
  readonly nonce: Uint8Array;
}

export function addThirdParty(box: Secretbox, macaroon: Macaroon, third: ThirdParty): Macaroon {
  const key = deriveKey(third.caveatKey);
  const vid = concat(third.nonce, box.seal(macaroon.signature, third.nonce, key));
  wipe(key);
  return append(macaroon, { identifier: third.identifier, vid, location: third.location });
}

const bound = (root: Uint8Array, own: Uint8Array): Uint8Array => (equalBytes(root, own) ? root : pair(ZERO, root, own));

/** A discharge as it is sent along with the macaroon that it discharges. */
export function bindDischarge(root: Macaroon, discharge: Macaroon): Macaroon {
  return { ...discharge, signature: bound(root.signature, discharge.signature) };
}

/** True when the signature is the root key's over identifier and first-party caveats; false also with a third-party caveat. */
export function isAuthentic(rootKey: Uint8Array, macaroon: Macaroon): boolean {
  const key = deriveKey(rootKey);
  let signature = hmacSha256(key, macaroon.identifier);
  wipe(key);
  for (const caveat of macaroon.caveats) signature = next(signature, caveat);
  return equalBytes(signature, macaroon.signature) && macaroon.caveats.every((one) => one.vid === null);
}

/** Chains of discharges may be this deep. */
const MAX_DEPTH = 8;

interface Judging {
  readonly box: Secretbox;
  readonly root: Macaroon;
  readonly discharges: readonly Macaroon[];
  readonly used: Set<Macaroon>;
  readonly predicates: Uint8Array[];
}

function walk(of: Judging, macaroon: Macaroon, key: Uint8Array, depth: number): Uint8Array {
  let signature = hmacSha256(key, macaroon.identifier);
  for (const caveat of macaroon.caveats) {
    if (caveat.vid === null) of.predicates.push(caveat.identifier);
    else discharge(of, caveat, caveat.vid, signature, depth);
    signature = next(signature, caveat);
  }
  return signature;
}

function discharge(of: Judging, caveat: MacaroonCaveat, vid: Uint8Array, signature: Uint8Array, depth: number): void {
  const found = of.discharges.find((one) => !of.used.has(one) && equalBytes(one.identifier, caveat.identifier));
  if (found === undefined) throw new RonError('Inconclusive', 'a discharge is missing for a third-party caveat');
  if (depth === MAX_DEPTH) fail('VerificationFailed', 'discharges that need discharges, too deep');
  of.used.add(found);
  const nonce = vid.subarray(0, SECRETBOX_NONCE_BYTES);
  const key =
    vid.length < SECRETBOX_NONCE_BYTES ? null : of.box.open(signature, nonce, vid.subarray(SECRETBOX_NONCE_BYTES));
  if (key === null)
    throw new RonError('VerificationFailed', 'a third-party caveat does not open under the signature before it');
  const own = walk(of, found, key, depth + 1);
  wipe(key);
  if (!equalBytes(bound(of.root.signature, own), found.signature)) {
    fail('VerificationFailed', 'a discharge is not from the third party, or not bound to this capability');
  }
}

/**
 * Checks signature and discharges, and returns the first-party predicates of all of them, in order: each must hold. Throws
 * VerificationFailed; Inconclusive when a discharge is missing.
 */
export function verifyChain(
  box: Secretbox,
  rootKey: Uint8Array,
  macaroon: Macaroon,
  discharges: readonly Macaroon[],
): readonly Uint8Array[] {
  const of: Judging = { box, root: macaroon, discharges, used: new Set(), predicates: [] };
  const key = deriveKey(rootKey);
  const signature = walk(of, macaroon, key, 0);
  wipe(key);
  if (!equalBytes(signature, macaroon.signature))
    fail('VerificationFailed', 'the signature is not that of the root key');
  if (of.used.size !== discharges.length) fail('VerificationFailed', 'a discharge that no caveat asks for');
  return of.predicates;
}
