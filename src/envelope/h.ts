// DSSE pre-authentication encoding and the digest H of every signed object (governance page 1, R-06):
//   PAE(type, body) = "DSSEv1" SP len(type) SP type SP len(body) SP body        lengths in decimal ASCII
//   H(type, payload) = "sha256:" + hex SHA-256(PAE(type, payload))
// An envelope is never hashed: hedged signatures would give one object two digests.

import { concat } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256Hex } from '../crypto/hash.ts';

/** `application/vnd.ron.<name>+json`, e.g. payloadType('gov.proposal.v1'). */
export function payloadType(name: string): string {
  return `application/vnd.ron.${name}+json`;
}

export function pae(type: string, body: Uint8Array): Uint8Array {
  return concat(utf8(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body);
}

/** `type` is the full payload type. */
export function digestH(type: string, payload: Uint8Array): string {
  return `sha256:${sha256Hex(pae(type, payload))}`;
}
