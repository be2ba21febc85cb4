// vectors/capability: tokens, what caveats leave, and paths, against the product.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/bytes/hex.ts';
import { toTime } from '../../src/bytes/time.ts';
import { isAuthentic } from '../../src/capability/chain.ts';
import { effectiveCaveats, kidText } from '../../src/capability/effective.ts';
import { decodePath, pathAllowed } from '../../src/capability/paths.ts';
import { parseToken } from '../../src/capability/token.ts';
import { refusal } from '../support/refusal.ts';
import { capabilitySuites } from './generate-capability.ts';
import { formatSuite, readSuite, VECTORS_DIRECTORY } from './own-format.ts';

it('the files are what the generator makes', () => {
  for (const [path, suite] of capabilitySuites()) {
    expect(readFileSync(join(VECTORS_DIRECTORY, path), 'utf8'), path).toBe(formatSuite(suite));
  }
});

const rows = (name: string) => readSuite(`capability/${name}.json`).vectors.map((one) => [one.name, one] as const);

describe('tokens', () => {
  it.each(rows('token'))('%s', (_, one) => {
    const { root_key: key, token } = one.in as Record<string, string>;
    if (one.error === 'Malformed') {
      expect(refusal(() => parseToken(token!)).code).toBe('Malformed');
      return;
    }
    const parsed = parseToken(token!);
    expect(isAuthentic(fromHex(key!)!, parsed.macaroon)).toBe(one.error === undefined);
    if (one.out !== undefined) expect(parsed).toMatchObject({ ...one.out });
  });
});

describe('what caveats leave', () => {
  it.each(rows('effective'))('%s', (_, one) => {
    const caveats = one.in['caveats'] as string[];
    if (one.out === undefined) {
      expect(refusal(() => effectiveCaveats(caveats)).code).toBe(one.error);
      return;
    }
    const { expiresMs, notBeforeMs, kid, ...rest } = effectiveCaveats(caveats);
    expect({
      ...rest,
      exp: toTime(expiresMs),
      nbf: notBeforeMs === null ? null : toTime(notBeforeMs),
      kid: kid === null ? null : kidText(kid),
    }).toEqual(one.out);
  });
});

describe('paths', () => {
  it.each(rows('path'))('%s', (_, one) => {
    const { paths, path } = one.in as Record<string, string>;
    const list = paths!.split(',').map((text) => decodePath(text)!);
    const request = decodePath(path!);
    expect({ allowed: request !== null && pathAllowed([list], request) }).toEqual(one.out);
  });
});
