// Keys that follow from the root of a custody store: the HMAC keys of the log head and of idempotency, and the service's
// and the log's signing keys out of their records.

import { type LogSigningKeys, logVkeys } from '../audit/checkpoint.ts';
import { HEAD_KEY_INFO } from '../audit/head.ts';
import { utf8 } from '../bytes/text.ts';
import { wipe } from '../bytes/wipe.ts';
import { hkdfSha256 } from '../crypto/kdf.ts';
import type { Crypto, SigningKey } from '../crypto/provider.ts';
import type { DualSigningKeys } from '../envelope/dual-signature.ts';
import { RonError } from '../errors.ts';
import type { SealedItem } from './custody-port.ts';
import { decodeKeyRecord } from './custody-record.ts';

const KEY_BYTES = 32;
const NO_SALT = new Uint8Array(0);

/** HMAC key of the log's `head` (log page 4.5). */
export function headKey(rootKey: Uint8Array): Uint8Array {
  return hkdfSha256(rootKey, NO_SALT, utf8(HEAD_KEY_INFO), KEY_BYTES);
}

/** HMAC key of `req` in audit records (log page 4.3). */
export function idempotencyKey(rootKey: Uint8Array): Uint8Array {
  return hkdfSha256(rootKey, NO_SALT, utf8('ron-kms/idempotency/v1'), KEY_BYTES);
}

type Part = 'ed25519' | 'ml_dsa_65' | 'ml_dsa_44';
const ALG = { ed25519: 'ed25519', ml_dsa_65: 'ml-dsa', ml_dsa_44: 'ml-dsa-44' } as const;

/** Imports parts of a key record by name; null when the record has none of that name. Wipes nothing of `item`. */
async function importPart(crypto: Crypto, item: SealedItem, prefix: string, part: Part): Promise<SigningKey | null> {
  const parts = decodeKeyRecord(item.meta, item.secret, 'key record');
  const secret = parts.get(`${prefix}${part}`);
  try {
    return secret === undefined ? null : await crypto.signature(ALG[part]).importSecret(secret);
  } finally {
    wipe(...parts.values());
  }
}

function required(key: SigningKey | null, what: string): SigningKey {
  if (key === null) throw new RonError('Tampered', `the record ${what} lacks a key`);
  return key;
}

export async function importServiceKeys(crypto: Crypto, item: SealedItem): Promise<DualSigningKeys> {
  return {
    ed25519: required(await importPart(crypto, item, '', 'ed25519'), 'service-keys'),
    mlDsa: required(await importPart(crypto, item, '', 'ml_dsa_65'), 'service-keys'),
  };
}

export interface LogKeySet {
  readonly current: LogSigningKeys;
  /** The pair before, until a checkpoint carries both. */
  readonly previous: LogSigningKeys | null;
}

export async function importLogKeys(crypto: Crypto, item: SealedItem): Promise<LogKeySet> {
  const current = {
    ed25519: required(await importPart(crypto, item, '', 'ed25519'), 'log-keys'),
    mlDsa44: required(await importPart(crypto, item, '', 'ml_dsa_44'), 'log-keys'),
  };
  const ed25519 = await importPart(crypto, item, 'previous_', 'ed25519');
  const mlDsa44 = await importPart(crypto, item, 'previous_', 'ml_dsa_44');
  return { current, previous: ed25519 === null || mlDsa44 === null ? null : { ed25519, mlDsa44 } };
}

export function destroyLogKeys(keys: LogKeySet): void {
  for (const pair of [keys.current, keys.previous]) {
    pair?.ed25519.destroy();
    pair?.mlDsa44.destroy();
  }
}

export function vkeysOf(origin: string, keys: LogSigningKeys): { readonly ed25519: string; readonly mlDsa44: string } {
  const [ed25519, mlDsa44] = logVkeys(origin, keys);
  return { ed25519, mlDsa44 };
}
