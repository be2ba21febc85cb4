// The reason of a refusal: one word for the metric and for the log line, which must be the same (C-79). Errors that are
// answers to the question (not found, a conflict, a verdict) are no rejections and have none.

import type { ErrorCode } from '../errors.ts';
import type { RejectReason } from './metrics.ts';

const REASONS: Readonly<Partial<Record<ErrorCode, RejectReason>>> = {
  NoCapability: 'unauth',
  Denied: 'caveat',
  AttestationMissing: 'attest_missing',
  StoreUnavailable: 'store_unavailable',
  Busy: 'backpressure',
  LimitReached: 'quota',
  TooLarge: 'oversize',
  PqPolicy: 'pq_policy',
  Frozen: 'frozen',
  Usage: 'bad_request',
  Malformed: 'bad_request',
  InvalidValue: 'bad_request',
  UnknownKey: 'bad_request',
  Unsupported: 'unsupported',
  SuiteMismatch: 'unsupported',
  Unreachable: 'store_unavailable',
  Terminated: 'store_unavailable',
  StorageFault: 'store_unavailable',
  Locked: 'store_unavailable',
  Changing: 'store_unavailable',
  Tampered: 'store_unavailable',
  RolledBack: 'store_unavailable',
  LogTruncated: 'store_unavailable',
  SelfTestFailed: 'store_unavailable',
};

/**
 * Null: not a rejection. What the code alone does not say is said by who refuses: `ratio_cap` and `decompress_cap` (C-19),
 * `clock_skew` (C-20), `revoked`. Who went away (Interrupted) was not turned away.
 */
export function rejectReason(code: ErrorCode): RejectReason | null {
  return REASONS[code] ?? null;
}
