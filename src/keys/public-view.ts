// public.json (store page 4): the clear, authenticated view of a custody store. Its SHA-256 stands as `public_sha256` in
// every committing audit record. Readers take key states, policy head and ledger head from here, never from key objects.

import type { KeyMember } from '../crypto/suite.ts';

export type VersionState = 'active' | 'superseded' | 'retired' | 'compromised';

export interface PublicVersion {
  readonly n: number;
  readonly state: VersionState;
  /** Only when compromised; kept when such a version is retired. */
  readonly from_seq?: number;
  /** e.g. ['ed25519', 'ml-dsa'] */
  readonly tracks: readonly string[];
  /** KEM versions: wrap suite 1..4. */
  readonly suite?: number;
  /** Lower hex SHA-256 of each public key. */
  readonly pub: Readonly<Partial<Record<KeyMember, string>>>;
  /** Seq of the audit record that made the version. */
  readonly created_seq: number;
  /** Of that record; absent = 0. */
  readonly created_epoch?: number;
  /** H of the continuity statement; absent for version 1. */
  readonly continuity?: string;
}

export interface PublicKeyEntry {
  /** Without version. */
  readonly kid: string;
  readonly state: 'active' | 'retired';
  readonly versions: readonly PublicVersion[];
}

export interface PublicView {
  readonly v: 1;
  readonly store_id: string;
  readonly ledger_id: string | null;
  readonly generation: number;
  /** Sorted by kid. */
  readonly keys: readonly PublicKeyEntry[];
  readonly ledger: { readonly seq: number; readonly hash: string; readonly state_sha256: string } | null;
  /** `base_state`: the last execution that changed V (genesis: seq 0). */
  readonly policy: { readonly seq: number; readonly hash: string } | null;
}
