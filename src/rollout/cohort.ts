// Which keys a partial rollout reaches (governance page 5, R-38):
//
//   bucket = u64 of the first 8 bytes of HMAC-SHA256(genesis nonce (16), "ron-kms/cohort/v1" 00 tenant 00 uuid (16)) mod 100
//   inside = bucket < percent, or the key was created (version 1) after the last raise of that scope
//
// The nonce is fixed before any key exists and a new key is always inside. Attack: a tenant makes keys until one falls
// outside AND.

import { concat } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { parseUuid } from '../bytes/uuid.ts';
import { hmacSha256 } from '../crypto/hash.ts';
import type { Phase, PqState } from './phases.ts';

const LABEL = utf8('ron-kms/cohort/v1');
const ZERO = Uint8Array.of(0);

/** 0..99. `uuid` is lower case with hyphens; throws TypeError on another form (kids are parsed before this). */
export function bucketOf(genesisNonce: Uint8Array, tenant: string, uuid: string): number {
  const raw = parseUuid(uuid)?.bytes;
  if (raw === undefined) throw new TypeError('bucketOf: not a uuid in lower case with hyphens');
  if (genesisNonce.length !== 16) throw new TypeError('bucketOf: the genesis nonce has 16 bytes');
  const mac = hmacSha256(genesisNonce, concat(LABEL, ZERO, utf8(tenant), ZERO, raw));
  return Number(new DataView(mac.buffer, mac.byteOffset, 8).getBigUint64(0) % 100n);
}

export function inCohort(genesisNonce: Uint8Array, tenant: string, uuid: string, percent: number): boolean {
  return percent >= 100 || bucketOf(genesisNonce, tenant, uuid) < percent;
}

/** The phase of one key under one scope's state. */
export function effectivePhase(key: {
  readonly pq: PqState;
  readonly inCohort: boolean;
  readonly createdAfterRaise: boolean;
}): Phase {
  return key.inCohort || key.createdAfterRaise ? key.pq.phase : key.pq.base_phase;
}
