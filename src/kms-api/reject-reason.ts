// The reason of a refusal: one word for the metric and for the log line, which must be the same (C-79). Errors that are
// answers to the question (not found, a conflict, a verdict) are no rejections and have none.

import { type ErrorCode, type ErrorDetail, RonError } from '../errors.ts';
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

/** Null: not a rejection. Who went away (Interrupted) was not turned away. */
export function rejectReason(code: ErrorCode): RejectReason | null {
  return REASONS[code] ?? null;
}

/** A refusal whose reason its code alone does not say: `ratio_cap`, `decompress_cap` (C-19), `clock_skew` (C-20), `revoked`. */
export class ReasonedError extends RonError {
  readonly reason: RejectReason | undefined;

  constructor(code: ErrorCode, message: string, reason: RejectReason | undefined, detail: ErrorDetail = {}) {
    super(code, message, detail);
    this.reason = reason;
  }
}

/** Of an error: what its refuser said, else what its code says. */
export function reasonOf(error: RonError): RejectReason | null {
  return (error instanceof ReasonedError ? error.reason : undefined) ?? rejectReason(error.code);
}
