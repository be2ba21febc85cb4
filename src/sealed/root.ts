// Content of a root record (store page 3): meta {v:1, store_id, genesis_digest|null} and the 32-byte root key.
// `genesis_digest` is set by adoption; when it differs from the pin, the store is verify-only.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { literal, nullable, object, sha256Digest, string } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';

export const ROOT_KEY_BYTES = 32;

export interface RootContent {
  readonly storeId: string;
  readonly genesisDigest: string | null;
}

const shape = object({ v: literal(1), store_id: string(), genesis_digest: nullable(sha256Digest) });

export function encodeRootMeta(content: RootContent): JsonObject {
  return { v: 1, store_id: content.storeId, genesis_digest: content.genesisDigest };
}

/** `what` names the file. */
export function decodeRootMeta(meta: JsonObject, secret: Uint8Array, what: string): RootContent {
  const raw = shape(meta, '');
  if (secret.length !== ROOT_KEY_BYTES) throw new RonError('Tampered', `${what}: the root key has another length`);
  return { storeId: raw.store_id, genesisDigest: raw.genesis_digest };
}
