// ronctl-http(7) against the code: endpoints, scopes, codes with their statuses, headers, keys of limits.

import { expect, test } from 'vitest';
import { serverKeys } from '../../src/config/server-keys.ts';
import { ERROR_CODES, type ErrorCode } from '../../src/errors.ts';
import { ROUTES } from '../../src/kms-api/routes.ts';
import { WIRE_CODES, wireRow } from '../../src/kms-api/wire-error.ts';
import { readManPage } from '../support/man-page.ts';

const page = readManPage('ronctl-http.7');
const section = (title: string) => page.get(title)!;

test('every endpoint is there with its scope', () => {
  const expected = ROUTES.map(({ method, path, scope, tenant }) => [
    method,
    path,
    `${scope?.slice('kms:'.length) ?? 'none'}${tenant === 'instance' ? ' *' : ''}`,
  ]);
  expect(section('ENDPOINTS').rows).toEqual(expected);
});

/** What the transport itself answers besides the table of errors. */
const OF_TRANSPORT: Readonly<Record<string, readonly number[]>> = {
  Unsupported: [405, 415, 417],
  TooLarge: [431],
  Timeout: [408, 504],
  ExportForbidden: [403],
};

test('every wire code is there with its statuses', () => {
  const statuses = new Map<string, Set<number>>(WIRE_CODES.map((code) => [code, new Set(OF_TRANSPORT[code] ?? [])]));
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const { code: wire, status } = wireRow(code);
    statuses.get(wire)!.add(status);
  }
  const expected = [...statuses].map(([code, all]) => `${code} ${[...all].sort((a, b) => a - b).join(',')}`);
  const rows = section('REFUSALS').rows.map(([code, all]) => `${code} ${all}`);
  expect(rows.toSorted()).toEqual(expected.toSorted());
});

test('every key that it names exists', () => {
  const keys = new Set(serverKeys().map(({ key }) => key));
  const named = section('LIMITS').rows.flatMap(([, value]) => value!.match(/^[a-z_]+(?:\.[a-z_]+)?$/g) ?? []);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((one) => !keys.has(one) && one !== 'key')).toEqual([]);
});

test('members of bodies that it explains exist in the schemas, headers in the answers', () => {
  const items = section('REQUESTS').items.map(({ name }) => name);
  expect(items).toEqual(
    expect.arrayContaining(['op_id', 'dry_run', 'kid_or_set', 'policy', 'policy_hints', 'kem_mode']),
  );
  for (const header of ['X-Corr-ID', 'X-KMS-Cache-Age', 'Retry-After', 'WWW-Authenticate']) {
    expect(section('ANSWERS').text).toContain(header);
  }
});
