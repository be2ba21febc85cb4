// Contents of the custody store's own sealed records (store page 3). `order` names the parts of the secret:
//   service-keys  meta {v:1, order:["ed25519","ml_dsa_65",...]}      the service's signing keys
//   log-keys      meta {v:1, order:["ed25519","ml_dsa_44",...]}      the log's signing keys
//   cap-root/<n>  meta {v:1, n, created_at}                          32 bytes
// A pair that is to come stands behind the current one as `next_<member>`, the one before as `previous_<member>`.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { array, literal, object, string } from '../bytes/decode.ts';
import { concat } from '../bytes/framing.ts';
import { SIGNATURES, type SignatureAlg } from '../crypto/suite.ts';
import { RonError } from '../errors.ts';

export const CAP_ROOT_BYTES = 32;
export const capRootId = (n: number): string => `cap-root/${n}`;

const ALG_OF: Readonly<Record<string, SignatureAlg>> = {
  ed25519: 'ed25519',
  ml_dsa_65: 'ml-dsa',
  ml_dsa_44: 'ml-dsa-44',
};

const shape = object({
  v: literal(1),
  order: array(
    string({ pattern: /^(?:next_|previous_)?(?:ed25519|ml_dsa_65|ml_dsa_44)$/, what: 'a key member' }),
    6,
    2,
  ),
});

const algOf = (part: string): SignatureAlg => ALG_OF[part.replace(/^(?:next|previous)_/, '')]!;

/** Secrets by part name, in the order given. */
export function encodeKeyRecord(parts: readonly (readonly [name: string, secret: Uint8Array])[]): {
  readonly meta: JsonObject;
  readonly secret: Uint8Array;
} {
  return {
    meta: { v: 1, order: parts.map(([name]) => name) },
    secret: concat(...parts.map(([, secret]) => secret)),
  };
}

/** Copies of the parts of a key record; the caller wipes them. */
export function decodeKeyRecord(meta: JsonObject, secret: Uint8Array, what: string): ReadonlyMap<string, Uint8Array> {
  const { order } = shape(meta, '');
  const parts = new Map<string, Uint8Array>();
  let at = 0;
  for (const name of order) {
    const end = at + SIGNATURES[algOf(name)].secretBytes;
    parts.set(name, secret.slice(at, end));
    at = end;
  }
  if (at !== secret.length || parts.size !== order.length) {
    throw new RonError('Tampered', `${what}: the secret has another length than its order says`);
  }
  return parts;
}
