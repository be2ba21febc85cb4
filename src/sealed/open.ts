// Opening a sealed record (store page 3, I-17). What the errors say:
//   WrongPassphrase (3)  the key check value differs: a typing error, not an attack
//   Tampered (10)        cut short; another record, store or generation in its place; altered after the kcv matched
//   Malformed, NewerVersion, InvalidValue, Unsupported (3)   not a record; newer; KDF cost out of bounds
// The caller wipes the secret.

import { type JsonObject, parseCanonical } from '../bytes/canonical-json.ts';
import { equalBytes } from '../bytes/equal.ts';
import { readU32be } from '../bytes/framing.ts';
import { wipe } from '../bytes/wipe.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import { type SealedHeader, type SplitRecord, splitRecord } from './header.ts';
import { deriveKek } from './kdf-parameters.ts';
import type { SealedRecordType } from './record-id.ts';
import { keyCheckValue, recordKey } from './seal.ts';

/** What the caller expects to find; every difference is tampering. */
export interface ExpectedRecord {
  readonly storeId: string;
  readonly id: string;
  readonly type: SealedRecordType;
  /** Undefined: any (the root and manifest are judged by hash or content). */
  readonly generation?: number;
}

export interface OpenedRecord {
  readonly header: SealedHeader;
  readonly meta: JsonObject;
  readonly secret: Uint8Array;
}

const tampered = (what: string, why: string): RonError =>
  new RonError('Tampered', `${what}: ${why}`, {
    hint: 'Keep the files as they are, compare with a backup, tell the security officer.',
  });

function checkPlace(header: SealedHeader, expected: ExpectedRecord, what: string): void {
  if (header.store_id !== expected.storeId) {
    throw tampered(what, `belongs to store ${header.store_id}, not to ${expected.storeId}`);
  }
  if (header.record_type !== expected.type) {
    throw tampered(what, `is a record of type ${header.record_type}, not ${expected.type}`);
  }
  if (header.kid !== undefined && header.kid !== expected.id) {
    throw tampered(what, `is the record of ${header.kid}, not of ${expected.id}`);
  }
  if (expected.generation !== undefined && header.generation !== expected.generation) {
    throw tampered(what, `is of generation ${header.generation}, not ${expected.generation}`);
  }
}

function openUnder(crypto: Crypto, parent: Uint8Array, split: SplitRecord, id: string, what: string): OpenedRecord {
  const { header } = split;
  const key = recordKey(parent, header.salt, header.record_type, id);
  const plaintext = crypto.aead(header.aead).open(key, header.nonce, split.aad, split.ciphertext);
  wipe(key);
  if (plaintext === null) throw tampered(what, 'altered, or another record put in its place');
  try {
    const metaBytes = plaintext.length < 4 ? Number.POSITIVE_INFINITY : readU32be(plaintext, 0);
    if (metaBytes > plaintext.length - 4) throw tampered(what, 'its content has another form');
    const meta = parseCanonical(plaintext.subarray(4, 4 + metaBytes), `${what}: meta`);
    if (meta === null || typeof meta !== 'object' || Array.isArray(meta)) {
      throw tampered(what, 'its content has another form');
    }
    return { header, meta: meta as JsonObject, secret: plaintext.slice(4 + metaBytes) };
  } finally {
    wipe(plaintext);
  }
}

/** Opens a record under the root key. `what` names the file in errors. */
export function openRecord(
  crypto: Crypto,
  rootKey: Uint8Array,
  bytes: Uint8Array,
  expected: ExpectedRecord,
  what: string,
): OpenedRecord {
  const split = splitRecord(bytes, what);
  if (split.header.key !== 'record') throw tampered(what, 'is a root record');
  checkPlace(split.header, expected, what);
  return openUnder(crypto, rootKey, split, expected.id, what);
}

/** Opens a root record with the passphrase (not wiped here). */
export async function openRoot(
  crypto: Crypto,
  passphrase: Uint8Array,
  bytes: Uint8Array,
  expected: ExpectedRecord,
  what: string,
): Promise<OpenedRecord> {
  const split = splitRecord(bytes, what);
  if (split.header.key !== 'root') throw tampered(what, 'is not a root record');
  checkPlace(split.header, expected, what);
  const kek = await deriveKek(crypto, passphrase, split.header.kdf);
  try {
    if (!equalBytes(keyCheckValue(kek), split.header.kcv)) {
      throw new RonError('WrongPassphrase', `${what}: the passphrase does not open it`);
    }
    return openUnder(crypto, kek, split, expected.id, what);
  } finally {
    wipe(kek);
  }
}
