// The one error envelope (API-30..41, C-16..C-20): documented wire codes and statuses, made from the codes of errors.ts by one
// table. The exact code crosses as `ron_code`, so that a client of ours has the same error as in-process.
//   {error: {code, message, retryable, hint?, ts, request_id, ron_code, field?, data?}}

import type { Json } from '../bytes/canonical-json.ts';
import { ERROR_CODES, type ErrorCode, RonError } from '../errors.ts';

export const WIRE_CODES = [
  'NoCapability',
  'NotFound',
  'BadRequest',
  'StoreUnavailable',
  'AttestationMissing',
  'Backpressure',
  'Timeout',
  'TooLarge',
  'Unsupported',
  'Conflict',
  'Internal',
  'ExportForbidden',
  // Additive (API-61).
  'PolicyRefused',
  'PqPolicy',
  'LimitReached',
  'VerificationFailed',
  'UnwrapFailed',
] as const;
export type WireCode = (typeof WIRE_CODES)[number];

export interface WireError {
  readonly code: WireCode;
  /** For people; nothing secret. */
  readonly message: string;
  readonly retryable: boolean;
  readonly hint?: string;
  /** RFC 3339 UTC. */
  readonly ts: string;
  /** `r-` and a uuid. */
  readonly request_id: string;
  readonly ron_code: ErrorCode;
  readonly field?: string;
  readonly data?: unknown;
}

interface Row {
  readonly code: WireCode;
  readonly status: number;
  readonly retryable: boolean;
}

const fixed = (code: WireCode, status: number, retryable = false): Row => ({ code, status, retryable });

/** Codes that the status of errors.ts alone does not place. */
const ROWS: Readonly<Partial<Record<ErrorCode, Row>>> = {
  Busy: fixed('Backpressure', 429, true),
  Frozen: fixed('StoreUnavailable', 503),
  StoreUnavailable: fixed('StoreUnavailable', 503, true),
  AttestationMissing: fixed('AttestationMissing', 403),
  Locked: fixed('StoreUnavailable', 503, true),
  Changing: fixed('StoreUnavailable', 503, true),
  StorageFault: fixed('StoreUnavailable', 503, true),
  Unreachable: fixed('StoreUnavailable', 503, true),
  SelfTestFailed: fixed('StoreUnavailable', 503),
  Interrupted: fixed('StoreUnavailable', 503, true),
  Terminated: fixed('StoreUnavailable', 503, true),
  Unsupported: fixed('Unsupported', 400),
  SuiteMismatch: fixed('Unsupported', 400),
  PolicyRefused: fixed('PolicyRefused', 403),
  PqPolicy: fixed('PqPolicy', 422),
  LimitReached: fixed('LimitReached', 429),
  VerificationFailed: fixed('VerificationFailed', 422),
  UnwrapFailed: fixed('UnwrapFailed', 422),
};

const BY_STATUS: Readonly<Record<number, WireCode>> = {
  400: 'BadRequest',
  401: 'NoCapability',
  403: 'NoCapability',
  404: 'NotFound',
  409: 'Conflict',
  413: 'TooLarge',
};

/** Wire code, status and whether the same request may succeed later. */
export function wireRow(code: ErrorCode): Row {
  const own = ROWS[code];
  if (own !== undefined) return own;
  const status = ERROR_CODES[code].http;
  const wire = BY_STATUS[status];
  return wire === undefined ? fixed('Internal', 500) : fixed(wire, status);
}

const text = (value: unknown): value is string => typeof value === 'string';

/**
 * The error that a response carries. An unknown or missing `ron_code` is placed by the wire code, then by the status: a
 * server of another make speaks this contract too.
 */
export function errorOfAnswer(status: number, body: Json): { readonly error: RonError; readonly retryable: boolean } {
  const envelope = isObject(body) && isObject(body['error']) ? body['error'] : {};
  const { message, hint, field, retryable, data } = envelope;
  const code = codeOf(status, envelope['code'], envelope['ron_code']);
  const error = new RonError(code, text(message) && message !== '' ? message : `the server answers ${status}`, {
    ...(text(hint) ? { hint } : {}),
    ...(text(field) ? { field } : {}),
    ...(data === undefined ? {} : { data }),
  });
  return { error, retryable: retryable === true };
}

const isObject = (value: unknown): value is Readonly<Record<string, Json>> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const OF_WIRE: Readonly<Record<WireCode, ErrorCode>> = {
  NoCapability: 'NoCapability',
  NotFound: 'NotFound',
  BadRequest: 'InvalidValue',
  StoreUnavailable: 'StoreUnavailable',
  AttestationMissing: 'AttestationMissing',
  Backpressure: 'Busy',
  Timeout: 'Busy',
  TooLarge: 'TooLarge',
  Unsupported: 'Unsupported',
  Conflict: 'Conflict',
  Internal: 'Internal',
  ExportForbidden: 'PolicyRefused',
  PolicyRefused: 'PolicyRefused',
  PqPolicy: 'PqPolicy',
  LimitReached: 'LimitReached',
  VerificationFailed: 'VerificationFailed',
  UnwrapFailed: 'UnwrapFailed',
};

function codeOf(status: number, wire: Json | undefined, exact: Json | undefined): ErrorCode {
  if (text(exact) && Object.hasOwn(ERROR_CODES, exact)) return exact as ErrorCode;
  if (wire === 'NoCapability') return status === 403 ? 'Denied' : 'NoCapability';
  if (text(wire) && Object.hasOwn(OF_WIRE, wire)) return OF_WIRE[wire as WireCode];
  if (status === 401) return 'NoCapability';
  if (status === 403) return 'Denied';
  if (status === 404) return 'NotFound';
  if (status === 413) return 'TooLarge';
  if (status === 429 || status === 503 || status === 504) return 'Busy';
  return status >= 500 ? 'Unreachable' : 'InvalidValue';
}
