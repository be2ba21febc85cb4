// The manifest (store page 4): which record files are the store, at which generation and with which bytes. Sealed as record
// `manifest`; its meta is, exactly,
//   {v:1, store_id, genesis_digest, generation, records:{<id hash>:{generation, sha256}}, ledger:{seq,hash}|null,
//    policy:{seq,hash}|null, audit:{origin,size,root}|null}
// `records` also holds `root`. A record file that is not named is ignored; one that is named and missing or different is
// tampering. Attack: an old revocation record put back, one file deleted. `audit` is the log head before the committing
// record; signer stores have no log, and null there.

import type { Json, JsonObject } from '../bytes/canonical-json.ts';
import { HEX_64, hex64, integer, literal, map, nullable, object, sha256Digest, string } from '../bytes/decode.ts';
import { recordHash } from './record-id.ts';

export interface RecordRef {
  readonly generation: number;
  /** Lower hex SHA-256 of the record file. */
  readonly sha256: string;
}

export interface LineRef {
  readonly seq: number;
  /** `sha256:...`, the hash of a ledger line. */
  readonly hash: string;
}

export interface LogHead {
  readonly origin: string;
  readonly size: number;
  /** Lower hex. */
  readonly root: string;
}

export interface Manifest {
  readonly storeId: string;
  readonly genesisDigest: string | null;
  readonly generation: number;
  /** By id hash. */
  readonly records: ReadonlyMap<string, RecordRef>;
  readonly ledger: LineRef | null;
  readonly policy: LineRef | null;
  readonly audit: LogHead | null;
}

/** Keys, roots and memories of one store. */
const MAX_RECORDS = 1_000_000;

const line = object({ seq: integer(0), hash: sha256Digest });

const shape = object({
  v: literal(1),
  store_id: string(),
  genesis_digest: nullable(sha256Digest),
  generation: integer(1),
  records: map(HEX_64, object({ generation: integer(1), sha256: hex64 }), MAX_RECORDS),
  ledger: nullable(line),
  policy: nullable(line),
  audit: nullable(object({ origin: string({ maxBytes: 255 }), size: integer(0), root: hex64 })),
});

export function decodeManifest(value: Json): Manifest {
  const raw = shape(value, '');
  return {
    storeId: raw.store_id,
    genesisDigest: raw.genesis_digest,
    generation: raw.generation,
    records: raw.records,
    ledger: raw.ledger,
    policy: raw.policy,
    audit: raw.audit,
  };
}

export function encodeManifest(manifest: Manifest): JsonObject {
  const { storeId, genesisDigest, generation, records, ledger, policy, audit } = manifest;
  return {
    v: 1,
    store_id: storeId,
    genesis_digest: genesisDigest,
    generation,
    records: Object.fromEntries([...records].map(([hash, ref]) => [hash, { ...ref }])),
    ledger: ledger === null ? null : { ...ledger },
    policy: policy === null ? null : { ...policy },
    audit: audit === null ? null : { ...audit },
  };
}

/** The reference of a record by its id. */
export function findRecord(manifest: Manifest, id: string): RecordRef | undefined {
  return manifest.records.get(recordHash(id));
}
