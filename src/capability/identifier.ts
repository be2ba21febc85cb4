// The identifier of a capability (service page 2, R-23): canonical JSON of at most 512 bytes,
//   {id, minted_at, minted_by, once, root, sub?, v:1}
// `id` a UUID v4, `root` the number of the root key, `once` spent by its first use, `sub` the bearer's standing name. It is
// what used-set, rate bucket, revocation and audit actor are keyed by, together with `root`.

import { canonicalBytes } from '../bytes/canonical-json.ts';
import { boolean, decodeCanonical, integer, literal, malformed, object, string, time } from '../bytes/decode.ts';
import { parseUuid } from '../bytes/uuid.ts';
import { fail } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export interface CapabilityIdentifier {
  readonly v: 1;
  readonly id: string;
  readonly root: number;
  readonly once: boolean;
  /** RFC 3339 UTC with ms. */
  readonly minted_at: string;
  /** Actor of the mint, as in audit records. */
  readonly minted_by: string;
  readonly sub?: string;
}

export const SUB = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const ROOT_MAX = 999_999_999;

const shape = object(
  {
    v: literal(1),
    id: (value, path) =>
      typeof value === 'string' && parseUuid(value)?.version === 4 ? value : malformed(path, 'a UUID v4 is expected'),
    root: integer(1, ROOT_MAX),
    once: boolean,
    minted_at: time,
    minted_by: string({ pattern: /^[^\p{Cc}\p{Z}]{1,160}$/u, what: 'an actor' }),
  },
  { sub: string({ pattern: SUB, what: 'a name of a-z 0-9 . _ -' }) },
);

/** Throws Malformed, without a word of the token. */
export function parseIdentifier(bytes: Uint8Array): CapabilityIdentifier {
  if (bytes.length > LIMITS.capabilityIdentifierBytes) {
    fail('Malformed', `not a capability: an identifier of more than ${LIMITS.capabilityIdentifierBytes} bytes`);
  }
  try {
    return decodeCanonical(shape, bytes, 'identifier');
  } catch (error) {
    return fail('Malformed', 'not a capability: an identifier that is not of ronctl', { cause: error });
  }
}

/** Throws TooLarge. */
export function printIdentifier(identifier: CapabilityIdentifier): Uint8Array {
  const bytes = canonicalBytes(identifier);
  if (bytes.length <= LIMITS.capabilityIdentifierBytes) return bytes;
  return fail('TooLarge', `the identifier of a capability has at most ${LIMITS.capabilityIdentifierBytes} bytes`);
}
