// Contents of the sealed records of a signer store (store page 7).
//   signer-keys/<n>             meta {v:1, n, created_at, bundle, order:["ed25519","ml_dsa_65"], restored_at?}
//                               secret: Ed25519 seed 32, ML-DSA-65 seed 32
//   signer-memory/<ledger_id>   meta {v:1, ledger_id, memory}, no secret; what `memory` holds is governance/signer-memory.ts
//   backup file                 RONK root record of type signer-keys, id `signer-backup`: meta {v:1, id, order, pairs:[{n,
//                               created_at, bundle}]}, secret: the seeds of every pair in order; never the memory
// `bundle` is the file text of the public bundle made with the pair, so that signer.json can be written again.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { anyObject, array, integer, literal, object, string, time } from '../bytes/decode.ts';
import { SIGNATURES } from '../crypto/suite.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export const ED25519_SEED_BYTES = SIGNATURES.ed25519.secretBytes;
export const PAIR_SECRET_BYTES = ED25519_SEED_BYTES + SIGNATURES['ml-dsa'].secretBytes;
export const BACKUP_ID = 'signer-backup';
/** Pairs of one signer: rotations over its life. */
export const MAX_PAIRS = 1000;

export const pairId = (n: number): string => `signer-keys/${n}`;
export const memoryId = (ledgerId: string): string => `signer-memory/${ledgerId}`;

const ORDER = ['ed25519', 'ml_dsa_65'];
const order = array(literal('ed25519', 'ml_dsa_65'), 2, 2);
const bundle = string({ maxBytes: LIMITS.payloadBytes });

const pairShape = object(
  { v: literal(1), n: integer(1, MAX_PAIRS), created_at: time, bundle, order },
  { restored_at: time },
);
const memoryShape = object({ v: literal(1), ledger_id: string({ maxBytes: 64 }), memory: anyObject });
const backupShape = object({
  v: literal(1),
  id: string({ maxBytes: 64 }),
  order,
  pairs: array(object({ n: integer(1, MAX_PAIRS), created_at: time, bundle }), MAX_PAIRS, 1),
});

export interface PairMeta {
  readonly n: number;
  readonly createdAt: string;
  /** The bundle file made with this pair. */
  readonly bundle: string;
  /** Set when the pair came from a backup: nothing is signed for a ledger without a memory. */
  readonly restoredAt: string | null;
}

export function encodePair(pair: PairMeta): JsonObject {
  return {
    v: 1,
    n: pair.n,
    created_at: pair.createdAt,
    bundle: pair.bundle,
    order: ORDER,
    ...(pair.restoredAt === null ? {} : { restored_at: pair.restoredAt }),
  };
}

export function decodePair(meta: JsonObject, secret: Uint8Array, what: string): PairMeta {
  const raw = pairShape(meta, '');
  if (secret.length !== PAIR_SECRET_BYTES) throw new RonError('Tampered', `${what}: the seeds have another length`);
  return { n: raw.n, createdAt: raw.created_at, bundle: raw.bundle, restoredAt: raw.restored_at ?? null };
}

export function encodeMemory(ledgerId: string, memory: JsonObject): JsonObject {
  return { v: 1, ledger_id: ledgerId, memory };
}

export function decodeMemory(meta: JsonObject, ledgerId: string, what: string): JsonObject {
  const raw = memoryShape(meta, '');
  if (raw.ledger_id !== ledgerId) throw new RonError('Tampered', `${what}: is the memory of ${raw.ledger_id}`);
  return raw.memory;
}

export interface BackupMeta {
  readonly id: string;
  readonly pairs: readonly { readonly n: number; readonly created_at: string; readonly bundle: string }[];
}

export function encodeBackup(backup: BackupMeta): JsonObject {
  return { v: 1, id: backup.id, order: ORDER, pairs: backup.pairs.map((pair) => ({ ...pair })) };
}

export function decodeBackup(meta: JsonObject, secret: Uint8Array, what: string): BackupMeta {
  const raw = backupShape(meta, '');
  if (secret.length !== PAIR_SECRET_BYTES * raw.pairs.length) {
    throw new RonError('Tampered', `${what}: the seeds have another length`);
  }
  return { id: raw.id, pairs: raw.pairs };
}
