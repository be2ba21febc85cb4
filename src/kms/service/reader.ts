// What the key service needs of a home that nobody unsealed (store page 4): the authenticated clear view, key files, the
// policy in force, and proven records of the log. Implemented on files by the storage layer, in tests in memory.

import type { AuditRecord } from '../../audit/draft.ts';
import type { DualPublicKeys } from '../../envelope/dual-signature.ts';
import type { LogPlace } from '../../keys/acceptance.ts';
import type { PublicView } from '../../keys/public-view.ts';
import type { Judged } from '../../policy/overlay.ts';
import type { Trust } from '../ports.ts';
import type { KeyObjectMemo } from './key-info.ts';
import type { PolicyInForce } from './key-policy.ts';

/** Records proved by inclusion under a verified checkpoint; an index or hint never decides. */
export interface ProvenLog {
  /** The newest epoch. */
  readonly epoch: number;
  /** The record at a place, or null when it cannot be proved here. */
  record(place: LogPlace): AuditRecord | null;
  /**
   * Places of successful `sign` records of this (kid#v, input_hash), oldest first; each was read, compared and proved.
   * `unavailable` when a part of the log that could hold one is not reachable.
   */
  signRecords(kidWithVersion: string, inputHash: string): readonly LogPlace[] | 'unavailable';
  /** Proven records of one op, newest first. For rare ops: the log is scanned. */
  find(op: AuditRecord['op']): Iterable<{ readonly place: LogPlace; readonly record: AuditRecord }>;
}

/** A record at its place, proved by a file from elsewhere. */
export interface ProvenElsewhere {
  readonly place: LogPlace;
  readonly record: AuditRecord;
}

/** Keys of a custody service that this home trusts, with or without its store. */
export interface TrustedService {
  /** Every pair that the service had, newest first. */
  readonly serviceKeys: readonly DualPublicKeys[];
  /** Reads a tlog-proof under the log keys. Throws Malformed, VerificationFailed. */
  checkProof(proof: Uint8Array): ProvenElsewhere;
}

/** One consistent reading of a home. */
export interface KeyReader extends TrustedService {
  readonly trust: Trust;
  readonly storeId: string;
  readonly view: PublicView;
  readonly policy: PolicyInForce;
  readonly judged: Judged;
  /** Null without a reachable log, and under amnesia. */
  readonly log: ProvenLog | null;
  /** A file of store/keys/ by name; null when absent. */
  keyFile(name: string): Uint8Array | null;
  /** As in KeyFiles. */
  readonly objects?: KeyObjectMemo;
}
