// store/public.json (store page 4): encoding and strict reading of the clear view. Its SHA-256 stands in every committing
// audit record; whether a file is the authenticated one is decided by its bytes (public-reader.ts, custody-store.ts).
// Refuses anything that is not the canonical form: keys not sorted, versions not ascending, unknown members.

import { canonicalFile } from '../bytes/canonical-json.ts';
import {
  array,
  decodeFile,
  hex64,
  integer,
  literal,
  malformed,
  map,
  nullable,
  object,
  sha256Digest,
  string,
} from '../bytes/decode.ts';
import type { KeyMember } from '../crypto/suite.ts';
import type { PublicKeyEntry, PublicVersion, PublicView } from '../keys/public-view.ts';
import { LIMITS } from '../limits.ts';

const MEMBERS = /^(?:ed25519|ml_dsa_65|ml_dsa_44|slh_dsa_sha2_128s|x25519|ml_kem_768|x_wing)$/;

const version = object(
  {
    n: integer(1, LIMITS.keyVersionMax),
    state: literal('active', 'superseded', 'retired', 'compromised'),
    tracks: array(string({ pattern: /^[a-z0-9-]{1,32}$/, what: 'a track name' }), 4, 1),
    pub: map(MEMBERS, hex64, 4),
    created_seq: integer(0),
  },
  { from_seq: integer(0), suite: integer(1, 4), continuity: sha256Digest, created_epoch: integer(1) },
);
const key = object({
  kid: string({ pattern: /^[a-z0-9][a-z0-9._/-]*$/, maxBytes: LIMITS.kidBytes, what: 'a kid without version' }),
  state: literal('active', 'retired'),
  versions: array(version, 1_000_000, 1),
});
const line = object({ seq: integer(0), hash: sha256Digest });

const shape = object({
  v: literal(1),
  store_id: string({ pattern: /^[0-9a-f]{32}$/, what: '32 lower-case hex characters' }),
  ledger_id: nullable(string({ pattern: /^(?:gl|drill)-[a-z2-7]{32}$/, what: 'a ledger id' })),
  generation: integer(1),
  keys: array(key, 1_000_000),
  ledger: nullable(object({ seq: integer(0), hash: sha256Digest, state_sha256: hex64 })),
  policy: nullable(line),
});

export function encodePublicView(view: PublicView): Uint8Array {
  return canonicalFile(view);
}

/** `what` names the file. Malformed for anything but the canonical form. */
export function decodePublicView(bytes: Uint8Array, what: string): PublicView {
  const raw = decodeFile(shape, bytes, what);
  const keys = raw.keys.map((entry, index): PublicKeyEntry => {
    const previous = raw.keys[index - 1];
    if (previous !== undefined && previous.kid >= entry.kid) malformed(`keys[${index}].kid`, 'keys are not sorted');
    return { ...entry, versions: entry.versions.map((one, at) => decodeVersion(one, at, `keys[${index}]`)) };
  });
  return { ...raw, keys };
}

function decodeVersion(raw: ReturnType<typeof version>, index: number, path: string): PublicVersion {
  if (raw.n !== index + 1) malformed(`${path}.versions[${index}].n`, `version ${index + 1} is expected`);
  const pub = Object.fromEntries(raw.pub) as Partial<Record<KeyMember, string>>;
  return { ...raw, pub };
}
