// Kid counters (log page 4.3, 4.4): `kid_seq` counts the records of a kid without its version from 1. counters.json is the
// canonical object {kid: kid_seq} at the newest `state` record, which carries its digest; it counts only after that
// digest matched.

import { canonicalFile, type JsonObject } from '../bytes/canonical-json.ts';
import { decodeFile, integer, map } from '../bytes/decode.ts';
import { digestH, payloadType } from '../envelope/h.ts';

const LF = 0x0a;

export type KidCounters = Map<string, number>;

/** `acme/release/ed25519/<uuid>#v3` without `#v3`. */
export function kidWithoutVersion(kid: string): string {
  const at = kid.lastIndexOf('#');
  return at < 0 ? kid : kid.slice(0, at);
}

export function countersFile(counters: KidCounters): Uint8Array {
  return canonicalFile(Object.fromEntries(counters) satisfies JsonObject);
}

/** H of the canonical object, without the final LF of the file. */
export function countersDigest(file: Uint8Array): string {
  return digestH(payloadType('audit.counters.v1'), file.at(-1) === LF ? file.subarray(0, -1) : file);
}

/** Throws Malformed. */
export function parseCounters(file: Uint8Array): KidCounters {
  return decodeFile(map(/^[^\s#]{1,256}$/, integer(1), 10_000_000), file, 'counters.json');
}
