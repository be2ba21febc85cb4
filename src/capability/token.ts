// A capability as it travels (service page 2): base64url without padding of a macaroon whose identifier is ours and whose
// caveats are first-party predicates. Refused: padding or another alphabet, and what codec and identifier refuse. Nothing
// here needs the root key except `mintToken` and `isAuthentic`; whoever holds a token may attenuate it.

import { fromBase64Url, toBase64Url } from '../bytes/base64.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { fail } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { checkCaveat } from './caveats.ts';
import { addFirstParty, newMacaroon } from './chain.ts';
import { type CapabilityIdentifier, parseIdentifier, printIdentifier } from './identifier.ts';
import { type Macaroon, parseMacaroon, printMacaroon } from './macaroon.ts';

const LOCATION = utf8('ron-kms');

/** Characters of the largest token. */
export const TOKEN_CHARACTERS = Math.ceil((LIMITS.capabilityBytes * 4) / 3);

export interface Token {
  readonly macaroon: Macaroon;
  readonly identifier: CapabilityIdentifier;
  /** Texts of the first-party caveats in order. Bytes that are no UTF-8 stand as U+FFFD, which no caveat allows. */
  readonly caveats: readonly string[];
  /** A third-party caveat is among them: the server denies such a token. */
  readonly thirdParty: boolean;
}

/** Any macaroon from its text. Throws Malformed without a character of it. */
export function decodeMacaroon(text: string): Macaroon {
  if (text.length > TOKEN_CHARACTERS) fail('Malformed', `not a capability: more than ${LIMITS.capabilityBytes} bytes`);
  const bytes = fromBase64Url(text);
  if (bytes === null || bytes.length === 0) {
    return fail('Malformed', 'not a capability: base64url without padding is expected');
  }
  return parseMacaroon(bytes);
}

export const encodeMacaroon = (macaroon: Macaroon): string => toBase64Url(printMacaroon(macaroon));

/** Form and identifier; the signature is not judged. */
export function parseToken(text: string): Token {
  return describeToken(decodeMacaroon(text));
}

export function describeToken(macaroon: Macaroon): Token {
  const first = macaroon.caveats.filter((one) => one.vid === null);
  return {
    macaroon,
    identifier: parseIdentifier(macaroon.identifier),
    caveats: first.map((one) => fromUtf8(one.identifier) ?? '\ufffd'),
    thirdParty: first.length < macaroon.caveats.length,
  };
}

/** A new token under a root key. Throws InvalidValue for a caveat outside the grammar, TooLarge. */
export function mintToken(rootKey: Uint8Array, identifier: CapabilityIdentifier, caveats: readonly string[]): string {
  let macaroon = newMacaroon(rootKey, printIdentifier(identifier), LOCATION);
  for (const text of caveats) {
    checkCaveat(text, 'caveat');
    macaroon = addFirstParty(macaroon, utf8(text));
  }
  return encodeMacaroon(macaroon);
}

/** The token with further caveats: never wider. Throws Malformed, InvalidValue, TooLarge. */
export function attenuate(token: string, caveats: readonly string[], field = 'caveat'): string {
  let macaroon = decodeMacaroon(token);
  for (const text of caveats) {
    checkCaveat(text, field);
    macaroon = addFirstParty(macaroon, utf8(text));
  }
  return encodeMacaroon(macaroon);
}
