// DSSE pre-authentication encoding and the digest H of every signed object (governance page 1, R-06):
//   PAE(type, body) = "DSSEv1" SP len(type) SP type SP len(body) SP body        lengths in decimal ASCII
//   H(type, payload) = "sha256:" + hex SHA-256(PAE(type, payload))
// An envelope is never hashed: hedged signatures would give one object two digests.

import { malformed } from '../bytes/decode.ts';
import { concat } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';

/** `application/vnd.ron.<name>+json`, e.g. payloadType('gov.proposal.v1'). */
export function payloadType(name: string): string {
  return `application/vnd.ron.${name}+json`;
}

const VERSIONED = /^(application\/vnd\.ron\.[a-z0-9.-]+\.v)([1-9][0-9]{0,5})(\+json)$/;

/** True for `….v2+json` beside `….v1+json`. */
export function laterVersionOf(actual: string, expected: string): boolean {
  const found = VERSIONED.exec(actual);
  const known = VERSIONED.exec(expected);
  return found !== null && known !== null && found[1] === known[1] && Number(found[2]) > Number(known[2]);
}

/** Malformed when an object is of another type; NewerVersion when it is a later version of the expected one. */
export function demandType(actual: string, expected: string, field = 'payloadType'): void {
  if (actual === expected) return;
  if (laterVersionOf(actual, expected)) {
    throw new RonError('NewerVersion', `${field}: ${actual}; this ronctl reads ${expected}`, {
      field,
      hint: `Use a ronctl that reads ${actual}.`,
    });
  }
  malformed(field, `expected ${expected}`);
}

export function pae(type: string, body: Uint8Array): Uint8Array {
  return concat(utf8(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body);
}

/** `type` is the full payload type. */
export function digestH(type: string, payload: Uint8Array): string {
  return `sha256:${sha256Hex(pae(type, payload))}`;
}
