// Recogniser of capability files (service page 2): one line of base64url, of a macaroon whose identifier is ours. The token
// is a secret, so neither it nor its signature is shown. A macaroon of somebody else is not ours.

import { fromUtf8 } from '../bytes/text.ts';
import { effectiveCaveats } from '../capability/effective.ts';
import { decodeMacaroon, describeToken, type Token } from '../capability/token.ts';
import { RonError } from '../errors.ts';
import type { Artefact, ArtefactCheck, ArtefactMember } from './artefact.ts';
import { check } from './artefact.ts';

const LINE = /^[A-Za-z0-9_-]+\n?$/;
/** Version 2 and the location `ron-kms`, as every token of ours begins until somebody writes another location. */
const OURS = 'AgEHcm9uLWttcw';

function read(text: string): Token | null {
  if (!LINE.test(text) || !text.startsWith('Ag')) return null;
  try {
    return describeToken(decodeMacaroon(text.trimEnd()));
  } catch (error) {
    if (!(error instanceof RonError) || text.startsWith(OURS)) throw error;
    return null;
  }
}

function judgeCaveats(caveats: readonly string[]): ArtefactCheck {
  try {
    effectiveCaveats(caveats);
    return check('the caveats allow something', true);
  } catch (error) {
    if (!(error instanceof RonError)) throw error;
    return check('the caveats allow something', false, error.message);
  }
}

/** Null when it is no capability of ours. Throws Malformed for one that is broken. */
export function describeCapability(text: string): Artefact | null {
  const token = read(text);
  if (token === null) return null;
  const { identifier, macaroon, caveats, thirdParty } = token;
  const third = macaroon.caveats.filter((one) => one.vid !== null);
  const members: ArtefactMember[] = [
    ...Object.entries(identifier).map(([name, value]) => ({ name, value: String(value) })),
    ...(macaroon.location === null ? [] : [{ name: 'location', value: fromUtf8(macaroon.location) ?? '\ufffd' }]),
    ...caveats.map((value, at) => ({ name: `caveats[${at}]`, value })),
    ...third.map((one, at) => ({
      name: `third_party[${at}]`,
      value: fromUtf8(one.location ?? one.identifier) ?? '\ufffd',
    })),
  ];
  return {
    kind: 'capability',
    version: 1,
    type: null,
    digest: null,
    words: null,
    members,
    signatures: [],
    checks: [
      judgeCaveats(caveats),
      ...(thirdParty
        ? [check('no third-party caveat', false, 'the service takes no token that needs a discharge')]
        : []),
    ],
    unchecked: [
      'whether it is genuine, registered, and not revoked: `ronctl cap verify FILE` in the home of the store',
      'whether it has expired: `ronctl cap inspect FILE`',
    ],
  };
}
