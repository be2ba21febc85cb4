// Sealed record, RONK v1 (store page 3):
//   "RONK"  01  u32be header length (<= 4096)  header (canonical JSON)  ciphertext with 16-byte tag
//   AAD = every byte before the ciphertext
// Header, exactly: {aead, created_at, generation, key: "root"|"record", kcv?, kdf?, kid?, nonce, not_after?, record_type,
// salt, store_id}; `kdf` and `kcv` exactly when `key` is "root", `kid` exactly for key versions.
// Running example: {"aead":"chacha20-poly1305","created_at":"2026-11-20T14:00:00.000Z","generation":1,"key":"record",
// "nonce":"...","record_type":"log-keys","salt":"...","store_id":"0f..."}
// Refuses: other magic (Malformed), a newer version (NewerVersion), a length over 4096 before allocation, a header that is
// not canonical. Lengths are checked before arithmetic.

import { toBase64Url } from '../bytes/base64.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../bytes/canonical-json.ts';
import { bytesOf, type Decoder, integer, literal, object, string, time, within } from '../bytes/decode.ts';
import { concat, readU32be, u32be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import type { AeadAlg } from '../crypto/suite.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodeKdf, encodeKdf, type KdfParameters } from './kdf-parameters.ts';
import { RECORD_TYPES, type SealedRecordType } from './record-id.ts';

export const SALT_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
export const KCV_BYTES = 8;

const MAGIC = utf8('RONK');
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 1 + 4;

interface CommonHeader {
  readonly aead: AeadAlg;
  /** RFC 3339 UTC with milliseconds. */
  readonly created_at: string;
  readonly generation: number;
  /** Only for key versions: with `#vN`. */
  readonly kid?: string;
  readonly nonce: Uint8Array;
  readonly not_after?: string;
  readonly record_type: SealedRecordType;
  readonly salt: Uint8Array;
  /** Store id, or in a signer store the signer id. */
  readonly store_id: string;
}

export type SealedHeader =
  | (CommonHeader & { readonly key: 'root'; readonly kcv: Uint8Array; readonly kdf: KdfParameters })
  | (CommonHeader & { readonly key: 'record' });

const common = {
  aead: literal('chacha20-poly1305', 'aes-256-gcm'),
  created_at: time,
  generation: integer(1),
  nonce: bytesOf(NONCE_BYTES),
  record_type: literal(...RECORD_TYPES),
  salt: bytesOf(SALT_BYTES),
  store_id: string({ pattern: /^[a-z0-9][a-z0-9._-]{0,63}$/, what: 'a store or signer id' }),
};
const kid = string({ pattern: /^[a-z0-9][a-z0-9._/-]*#v[1-9][0-9]*$/, maxBytes: LIMITS.kidBytes, what: 'a kid' });

const rootShape = object({ ...common, key: literal('root'), kcv: bytesOf(KCV_BYTES), kdf: decodeKdf });
const recordShape = object({ ...common, key: literal('record') }, { not_after: time });
const versionShape = object({ ...common, key: literal('record'), kid }, { not_after: time });

export function encodeHeader(header: SealedHeader): Uint8Array {
  const json: JsonObject = {
    ...header,
    nonce: toBase64Url(header.nonce),
    salt: toBase64Url(header.salt),
    ...(header.key === 'root' ? { kcv: toBase64Url(header.kcv), kdf: encodeKdf(header.kdf) } : {}),
  } as JsonObject;
  const body = canonicalBytes(json);
  return concat(MAGIC, Uint8Array.of(VERSION), u32be(body.length), body);
}

export interface SplitRecord {
  readonly header: SealedHeader;
  /** Every byte before the ciphertext. */
  readonly aad: Uint8Array;
  readonly ciphertext: Uint8Array;
}

const truncated = (what: string): RonError =>
  new RonError('Tampered', `${what}: cut short`, { hint: 'Restore the file from a backup; find out who changed it.' });

/** True when the bytes begin like a sealed record of any version. */
export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Splits a record file; `what` names it in errors. Decrypts nothing. */
export function splitRecord(bytes: Uint8Array, what: string): SplitRecord {
  if (!isSealed(bytes)) {
    throw new RonError('Malformed', `${what}: not a sealed record (RONK)`);
  }
  const version = bytes[MAGIC.length];
  if (version === undefined) throw truncated(what);
  if (version > VERSION) {
    throw new RonError(
      'NewerVersion',
      `${what}: sealed record version ${version}; this ronctl reads version ${VERSION}`,
      {
        hint: `Use a ronctl that reads RONK version ${version}.`,
      },
    );
  }
  if (version !== VERSION) throw new RonError('Malformed', `${what}: no sealed record version ${version} exists`);
  if (bytes.length < PREFIX_BYTES) throw truncated(what);
  const headerBytes = readU32be(bytes, MAGIC.length + 1);
  if (headerBytes > LIMITS.sealedHeaderBytes) {
    throw new RonError(
      'Malformed',
      `${what}: a header of ${headerBytes} bytes; at most ${LIMITS.sealedHeaderBytes} are allowed`,
    );
  }
  if (bytes.length < PREFIX_BYTES + headerBytes + TAG_BYTES) throw truncated(what);
  const end = PREFIX_BYTES + headerBytes;
  return {
    header: decodeHeader(bytes.subarray(PREFIX_BYTES, end), what),
    aad: bytes.subarray(0, end),
    ciphertext: bytes.subarray(end),
  };
}

function decodeHeader(bytes: Uint8Array, what: string): SealedHeader {
  const json = parseCanonical(bytes, `${what}: header`);
  const kind = json !== null && typeof json === 'object' && !Array.isArray(json) ? (json as JsonObject) : {};
  const shape: Decoder<SealedHeader> =
    kind['key'] === 'root' ? rootShape : kind['record_type'] === 'key-version' ? versionShape : recordShape;
  return within(what, () => shape(json, ''));
}
