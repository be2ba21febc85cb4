// Evidence of where a key lives (GAP-45), class `software`: a DSSE envelope `application/vnd.ron.kms.attestation.v1+json` over
//   {v: 1, build, class, kid, pub, store_id, ts}
// with kid and version, signed by the two keys of the audit log. It proves which log vouches for the public halves, not
// where the private ones lie. Refuses another class, a kid without version, keys that make up no version.

import { canonicalBytes } from '../bytes/canonical-json.ts';
import { decodeCanonical, literal, malformed, object, string, time, within } from '../bytes/decode.ts';
import { type Envelope, parseEnvelope } from '../envelope/dsse.ts';
import { demandType, payloadType } from '../envelope/h.ts';
import { versionedKid, withVersion } from './key-id.ts';
import { decodePub, type PublicKeys, pubJson } from './key-record.ts';
import { componentsOf, type Material } from './tracks.ts';

export const ATTESTATION_TYPE = payloadType('kms.attestation.v1');
export const SOFTWARE_CLASS = 'software';
/** Both must have signed. */
export const ATTESTATION_SIGNERS = ['log/ed25519', 'log/ml-dsa-44'] as const;

export interface AttestationStatement {
  /** As the service names its own, e.g. `release`. */
  readonly build: string;
  readonly class: typeof SOFTWARE_CLASS;
  /** `<kid>#v<N>` */
  readonly kid: string;
  readonly pub: PublicKeys;
  readonly store_id: string;
  /** RFC 3339 UTC ms. */
  readonly ts: string;
}

const shape = object({
  v: literal(1),
  build: string({ maxBytes: 128 }),
  class: literal(SOFTWARE_CLASS),
  kid: versionedKid,
  pub: (value) => value,
  store_id: string({ pattern: /^[0-9a-f]{32}$/, what: '32 lower-case hex characters' }),
  ts: time,
});

/** What versions are made of. */
const MATERIALS: readonly Material[] = [
  { tracks: ['ed25519'] },
  { tracks: ['ml-dsa'] },
  { tracks: ['ed25519', 'ml-dsa'] },
  { tracks: ['slh-dsa'] },
  { tracks: ['x25519', 'ml-kem'], suite: 1 },
  { tracks: ['x25519'], suite: 3 },
  { tracks: ['ml-kem'], suite: 4 },
];

function pubOf(value: Parameters<typeof shape>[0]): PublicKeys {
  const names = value !== null && typeof value === 'object' ? Object.keys(value).sort().join() : '';
  const components = MATERIALS.map(componentsOf).find(
    (one) =>
      one
        .map(({ member }) => member)
        .sort()
        .join() === names,
  );
  if (components === undefined) return malformed('pub', 'the public keys of one key version are expected');
  return decodePub(components, value, 'pub');
}

export function attestationPayload({ pub, ...rest }: AttestationStatement): Uint8Array {
  return canonicalBytes({ v: 1, ...rest, pub: pubJson(pub) });
}

/** Reads the form; no signature is checked. Throws Malformed. */
export function parseAttestation(
  bytes: Uint8Array,
  what: string,
): { readonly envelope: Envelope; readonly statement: AttestationStatement } {
  return within(what, () => {
    const envelope = parseEnvelope(bytes, what);
    demandType(envelope.payloadType, ATTESTATION_TYPE);
    const { v: _version, kid, pub, ...rest } = decodeCanonical(shape, envelope.payload, `${what}, payload`);
    return { envelope, statement: { ...rest, kid: withVersion(kid.kid, kid.version), pub: pubOf(pub) } };
  });
}
