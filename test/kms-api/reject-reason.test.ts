// The reason of a rejection against the status that the wire gives the same code: one story in metric, log and answer.

import { describe, expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/errors.ts';
import { rejectReason } from '../../src/kms-api/reject-reason.ts';
import { wireRow } from '../../src/kms-api/wire-error.ts';

const codes = Object.keys(ERROR_CODES) as ErrorCode[];
const reasonsAt = (status: number): Set<string | null> =>
  new Set(codes.filter((code) => wireRow(code).status === status).map(rejectReason));

describe('a refusal with status', () => {
  test.each<[number, readonly string[]]>([
    [401, ['unauth']],
    [413, ['oversize']],
    [429, ['backpressure', 'quota']],
  ])('%i always has one of %j', (status, reasons) => {
    expect([...reasonsAt(status)].every((reason) => reason !== null && reasons.includes(reason))).toBe(true);
  });

  test('503 is the store, a freeze, or an end of the process', () => {
    const without = codes.filter((code) => wireRow(code).status === 503 && rejectReason(code) === null);
    expect(without).toEqual(['Interrupted']);
    expect(reasonsAt(503)).toEqual(new Set(['frozen', 'store_unavailable', null]));
  });

  test('404 and 409 are answers, no rejections', () => {
    expect([...reasonsAt(404), ...reasonsAt(409)]).toEqual([null, null]);
  });
});
