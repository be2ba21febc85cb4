// The error envelope: every code of ours has its documented wire code and status, and comes back as the same error.

import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode, RonError } from '../../src/errors.ts';
import { errorAnswer } from '../../src/kms/http/refusal.ts';
import { errorOfAnswer, WIRE_CODES, wireRow } from '../../src/kms-api/wire-error.ts';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

/** Documented: API-31..41, C-16..C-20. */
const DOCUMENTED: readonly (readonly [ErrorCode, string, number, boolean])[] = [
  ['NoCapability', 'NoCapability', 401, false],
  ['Denied', 'NoCapability', 403, false],
  ['NotFound', 'NotFound', 404, false],
  ['UnknownTenant', 'NotFound', 404, false],
  ['Malformed', 'BadRequest', 400, false],
  ['InvalidValue', 'BadRequest', 400, false],
  ['StoreUnavailable', 'StoreUnavailable', 503, true],
  ['StorageFault', 'StoreUnavailable', 503, true],
  ['Frozen', 'StoreUnavailable', 503, false],
  ['AttestationMissing', 'AttestationMissing', 403, false],
  ['Busy', 'Backpressure', 429, true],
  ['TooLarge', 'TooLarge', 413, false],
  ['Unsupported', 'Unsupported', 400, false],
  ['Conflict', 'Conflict', 409, false],
  ['Stale', 'Conflict', 409, false],
  ['Ungoverned', 'Conflict', 409, false],
  ['Internal', 'Internal', 500, false],
  ['Tampered', 'Internal', 500, false],
];

const PLACE = { requestId: 'r-1', ts: '2026-11-20T00:00:00.000Z', home: '/srv/ron/ronctl' };

describe('error envelope', () => {
  it.each(DOCUMENTED)('%s is %s, %i, retryable %s', (code, wire, status, retryable) => {
    expect(wireRow(code)).toEqual({ code: wire, status, retryable });
  });

  it('every code has a wire code, and the status of the table of errors where that can be sent', () => {
    for (const code of CODES) {
      const { code: wire, status } = wireRow(code);
      expect(WIRE_CODES).toContain(wire);
      const { http } = ERROR_CODES[code];
      if (http < 499 && http !== 200) expect([code, status]).toEqual([code, http]);
      else expect(status, code).toBeGreaterThanOrEqual(500);
    }
  });

  it('a client gets the error that the service threw', () => {
    for (const code of CODES) {
      const thrown = new RonError(code, `message of ${code}`, { hint: 'do this', field: 'a.b', data: { n: 1 } });
      const { status, error } = errorAnswer(thrown, PLACE);
      const { error: back } = errorOfAnswer(status, JSON.parse(JSON.stringify({ error })));
      expect([back.code, back.message, back.hint, back.field, back.data]).toEqual([
        code,
        `message of ${code}`,
        'do this',
        'a.b',
        { n: 1 },
      ]);
    }
  });

  it('a bug says nothing of itself', () => {
    const { status, error } = errorAnswer(new TypeError('secret 0123'), PLACE);
    expect([status, error.code, JSON.stringify(error).includes('secret')]).toEqual([500, 'Internal', false]);
  });

  it('a freeze says so where nobody else gives a hint (C-20)', () => {
    const at = (error: RonError) => errorAnswer(error, PLACE);
    expect(at(new RonError('Frozen', 'x')).error.hint).toBe('frozen');
    expect(at(new RonError('Frozen', 'x')).retryAfterS).toBe(5);
    expect(at(new RonError('Frozen', 'x', { hint: 'wait' })).error.hint).toBe('wait');
  });

  it.each<[number, unknown, ErrorCode]>([
    [503, { error: { code: 'StoreUnavailable', message: 'down', retryable: true } }, 'StoreUnavailable'],
    [403, { error: { code: 'NoCapability' } }, 'Denied'],
    [401, { error: { code: 'NoCapability' } }, 'NoCapability'],
    [409, { error: { code: 'SomethingNew', ron_code: 'AlsoNew' } }, 'InvalidValue'],
    [429, 'too many', 'Busy'],
    [502, null, 'Unreachable'],
    [404, {}, 'NotFound'],
  ])('an answer %i of another server is placed: %j', (status, body, code) => {
    expect(errorOfAnswer(status, body as never).error.code).toBe(code);
  });
});
