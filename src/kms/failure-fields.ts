// What a log line says of a failure: code, kind, and the reason where it was a rejection. Never the message of an error that
// nobody made on purpose: it may hold anything.

import { RonError } from '../errors.ts';
import type { LogFields } from '../kms-api/log-fields.ts';
import { reasonOf } from '../kms-api/reject-reason.ts';

/** Codes that are no rejection have no `reason`. */
export function failureFields(error: unknown): LogFields {
  if (!(error instanceof RonError)) return { result: 'err', code: 'Internal', error_kind: 'bug' };
  const reason = reasonOf(error);
  return { result: 'err', code: error.code, error_kind: error.kind, ...(reason === null ? {} : { reason }) };
}
