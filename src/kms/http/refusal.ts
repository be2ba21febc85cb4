// Refusals that only the transport makes, with the status and the reason label that their error code alone does not say
// (C-18..C-20, C-79), and the error envelope of every answer that is not 2xx.

import type { ErrorCode, ErrorDetail } from '../../errors.ts';
import { RonError } from '../../errors.ts';
import type { RejectReason } from '../../kms-api/metrics.ts';
import { ReasonedError } from '../../kms-api/reject-reason.ts';
import { type WireCode, type WireError, wireRow } from '../../kms-api/wire-error.ts';
import { hidePaths, hidePathsIn } from './hide-paths.ts';

interface Transport {
  readonly status?: number;
  readonly wire?: WireCode;
  readonly reason?: RejectReason;
  /** Methods of the path, for the header `Allow`. */
  readonly allow?: readonly string[];
}

/** A RonError with what the transport knows besides. */
export class Refusal extends ReasonedError {
  readonly status: number | undefined;
  readonly wire: WireCode | undefined;
  readonly allow: readonly string[] | undefined;

  constructor(code: ErrorCode, message: string, transport: Transport, detail: ErrorDetail = {}) {
    super(code, message, transport.reason, detail);
    this.status = transport.status;
    this.wire = transport.wire;
    this.allow = transport.allow;
  }
}

export const RETRY_AFTER_S = 5;

/** The server stops: nothing new is begun (CON-27). */
export function draining(): Refusal {
  return new Refusal('StoreUnavailable', 'the service is stopping', { reason: 'store_unavailable' });
}

/** The deadline of the operation has passed. It may have been done: the same op_id asks again. */
export function tooLate(deadlineMs: number): Refusal {
  return new Refusal(
    'Busy',
    `the operation was not finished within ${deadlineMs / 1000} s`,
    { status: 504, wire: 'Timeout', reason: 'backpressure' },
    { hint: 'Ask again with the same op_id: nothing is done twice.' },
  );
}

export interface ErrorAnswer {
  readonly status: number;
  readonly error: WireError;
  readonly retryAfterS: number | null;
  readonly allow: readonly string[] | null;
}

/** Where an answer is made. */
export interface AnswerPlace {
  readonly requestId: string;
  /** RFC 3339 UTC. */
  readonly ts: string;
  /** Of the server, absolute: no answer shows it. */
  readonly home: string;
}

/**
 * Anything that is no RonError is a bug, and says nothing of itself to the outside (API-41). No text has an absolute path of
 * the server (API-30).
 */
export function errorAnswer(thrown: unknown, { requestId, ts, home }: AnswerPlace): ErrorAnswer {
  const known = thrown instanceof RonError ? thrown : new RonError('Internal', 'ronctl itself is at fault');
  const row = wireRow(known.code);
  const own = known instanceof Refusal ? known : null;
  const status = own?.status ?? row.status;
  const { message, field, data } = known;
  const hint = known.hint ?? (known.code === 'Frozen' ? 'frozen' : undefined);
  return {
    status,
    retryAfterS: status === 429 || status === 503 ? RETRY_AFTER_S : null,
    allow: own?.allow ?? null,
    error: {
      code: own?.wire ?? row.code,
      message: hidePaths(message, home),
      retryable: row.retryable,
      ...(hint === undefined ? {} : { hint: hidePaths(hint, home) }),
      ts,
      request_id: requestId,
      ron_code: known.code,
      ...(field === undefined ? {} : { field: hidePaths(field, home) }),
      ...(data === undefined ? {} : { data: hidePathsIn(data, home) }),
    },
  };
}
