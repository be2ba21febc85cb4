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
  /** Where it is not what the code says. */
  readonly retryable?: boolean;
}

/** A RonError with what the transport knows besides. */
export class Refusal extends ReasonedError {
  readonly status: number | undefined;
  readonly wire: WireCode | undefined;
  readonly allow: readonly string[] | undefined;
  readonly retryable: boolean | undefined;

  constructor(code: ErrorCode, message: string, transport: Transport, detail: ErrorDetail = {}) {
    super(code, message, transport.reason, detail);
    this.status = transport.status;
    this.wire = transport.wire;
    this.allow = transport.allow;
    this.retryable = transport.retryable;
  }
}

export const RETRY_AFTER_S = 5;

/** The server stops: nothing new is begun (CON-27). */
export function draining(): Refusal {
  return new Refusal('StoreUnavailable', 'the service is stopping', { reason: 'store_unavailable' });
}

/** What an operation that goes on behind its answer has to be said of. */
export interface Unfinished {
  /** What holds already. */
  readonly stands: string | null;
  /** Asking again does nothing twice: `reading` has no effect, `named` carries an op_id. */
  readonly repeat: 'reading' | 'named' | 'unnamed';
}

const AGAIN: Readonly<Record<Unfinished['repeat'], string>> = {
  reading: 'Ask again.',
  named: 'Ask again with the same op_id: nothing is done twice.',
  unnamed: 'It may have been done: look before you ask again. With an op_id asking again does nothing twice.',
};

/** The deadline of the operation has passed. It may have been done: the same op_id asks again. */
export function tooLate(deadlineMs: number, { stands, repeat }: Unfinished): Refusal {
  const message = `the operation was not finished within ${deadlineMs / 1000} s`;
  return new Refusal(
    'Busy',
    stands === null ? message : `${message}; ${stands}`,
    { status: 504, wire: 'Timeout', reason: 'backpressure', retryable: repeat !== 'unnamed' },
    { hint: AGAIN[repeat] },
  );
}

/** 504 has been waited for already, but what it waited for may be done by then. */
const asksToWait = (status: number, retryable: boolean): boolean =>
  status === 429 || status === 503 || (status === 504 && retryable);

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
  const retryable = own?.retryable ?? row.retryable;
  const { message, field, data } = known;
  const hint = known.hint ?? (known.code === 'Frozen' ? 'frozen' : undefined);
  return {
    status,
    retryAfterS: asksToWait(status, retryable) ? RETRY_AFTER_S : null,
    allow: own?.allow ?? null,
    error: {
      code: own?.wire ?? row.code,
      message: hidePaths(message, home),
      retryable,
      ...(hint === undefined ? {} : { hint: hidePaths(hint, home) }),
      ts,
      request_id: requestId,
      ron_code: known.code,
      ...(field === undefined ? {} : { field: hidePaths(field, home) }),
      ...(data === undefined ? {} : { data: hidePathsIn(data, home) }),
    },
  };
}
