// The grammar of caveats, what they leave together, and paths in whole decoded segments.

import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { CAVEAT_NAMES, checkCaveat, parseCaveat, SCOPES } from '../../src/capability/caveats.ts';
import { effectiveCaveats } from '../../src/capability/effective.ts';
import { decodePath, pathAllowed } from '../../src/capability/paths.ts';
import { refusal } from '../support/refusal.ts';

const KID = 'acme/release/ed25519/0190f3c0-0000-7000-8000-000000000001';
const UUID = '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
const BASE = ['tenant = acme', 'scope = kms:sign', 'exp = 2026-11-20T08:00:00.000Z'];

describe('the grammar', () => {
  it.each([
    'tenant = acme',
    'tenant = acme,b,constructor',
    'tenant = _instance',
    `scope = ${SCOPES.join(',')}`,
    'exp = 2026-11-20T08:00:00.000Z',
    'nbf = 2024-02-29T23:59:59.999Z',
    'alg = ed25519,hybrid,ml-dsa',
    'purpose = release',
    `kid = ${KID}`,
    `kid = ${KID}#v12`,
    'rps = 1',
    'rps = 10000',
    'paths = /',
    'paths = /v1/kms/keys/acme%2Fx,/v1/kms/sign',
    'usage = once',
    `nonce = ${UUID}`,
  ])('%s', (text) => {
    expect(CAVEAT_NAMES).toContain(parseCaveat(text).name);
  });

  it.each([
    ['no name', ''],
    ['no value', 'tenant'],
    ['an unknown name', 'colour = red'],
    ['a name of the prototype', 'constructor = x'],
    ['another case', 'Tenant = acme'],
    ['no space before', 'tenant= acme'],
    ['no space behind', 'tenant =acme'],
    ['two spaces', 'tenant =  acme'],
    ['a space in front', ' tenant = acme'],
    ['a space behind', 'tenant = acme '],
    ['a line feed', 'tenant = acme\n'],
    ['beyond ASCII', 'tenant = \u00e4'],
    ['a wildcard', 'tenant = *'],
    ['a wildcard scope', 'scope = kms:*'],
    ['an unknown scope', 'scope = kms:own'],
    ['a scope without prefix', 'scope = sign'],
    ['an empty list', 'tenant = '],
    ['an empty item', 'tenant = a,'],
    ['a list out of order', 'tenant = b,a'],
    ['an item twice', 'tenant = a,a'],
    ['a space in a list', 'tenant = a, b'],
    ['_instance with a tenant', 'tenant = _instance,acme'],
    ['upper case', 'tenant = ACME'],
    ['a time without ms', 'exp = 2026-11-20T08:00:00Z'],
    ['a time with an offset', 'exp = 2026-11-20T08:00:00.000+00:00'],
    ['a day that does not exist', 'exp = 2026-02-30T08:00:00.000Z'],
    ['a number as time', 'exp = 1700000000'],
    ['an unknown algorithm', 'alg = rsa'],
    ['no key id', 'kid = acme/release'],
    ['two key ids', `kid = ${KID},${KID}`],
    ['rps 0', 'rps = 0'],
    ['rps with a leading zero', 'rps = 010'],
    ['rps 10001', 'rps = 10001'],
    ['rps as a fraction', 'rps = 1.5'],
    ['negative rps', 'rps = -1'],
    ['a relative path', 'paths = v1/kms'],
    ['a path that ends in a slash', 'paths = /v1/'],
    ['an empty segment', 'paths = /v1//kms'],
    ['dots', 'paths = /v1/../kms'],
    ['encoded dots', 'paths = /v1/%2e%2E/kms'],
    ['a broken escape', 'paths = /v1/%2'],
    ['bytes that are no UTF-8', 'paths = /v1/%ff'],
    ['a query', 'paths = /v1?x'],
    ['twice', 'usage = twice'],
    ['no UUID', 'nonce = 1'],
    ['513 bytes', `tenant = ${'a'.repeat(504)}`],
  ])('refuses %s', (_, text) => {
    expect(refusal(() => parseCaveat(text)).code).toBe('Denied');
    expect(refusal(() => checkCaveat(text, '--caveat'))).toMatchObject({ code: 'InvalidValue', field: '--caveat' });
  });

  test('a refusal repeats nothing of the token', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, maxLength: 40 }), (noise) => {
        expect(refusal(() => parseCaveat(`x${noise}`)).message).not.toContain(noise);
      }),
    );
  });
});

describe('together', () => {
  const left = (...more: string[]) => effectiveCaveats([...BASE, ...more]);

  it('lists intersect, times and rates narrow, keys and nonces agree', () => {
    const all = effectiveCaveats([
      'tenant = a,b,c',
      'scope = kms:read,kms:sign',
      'exp = 2026-11-20T09:00:00.000Z',
      'tenant = b,c,d',
      'scope = kms:sign',
      'exp = 2026-11-20T08:00:00.000Z',
      'nbf = 2026-11-20T06:00:00.000Z',
      'nbf = 2026-11-20T07:00:00.000Z',
      'alg = ed25519,hybrid',
      'alg = hybrid,ml-dsa',
      'rps = 9',
      'rps = 3',
      `kid = ${KID}`,
      `kid = ${KID}#v2`,
      `nonce = ${UUID}`,
      `nonce = ${UUID}`,
    ]);
    expect(all).toMatchObject({ tenants: ['b', 'c'], scopes: ['kms:sign'], algs: ['hybrid'], rps: 3, nonce: UUID });
    expect(toTime(all.expiresMs)).toBe('2026-11-20T08:00:00.000Z');
    expect(toTime(all.notBeforeMs!)).toBe('2026-11-20T07:00:00.000Z');
    expect(all.kid).toMatchObject({ kid: KID, version: 2 });
    expect(left()).toMatchObject({
      algs: null,
      purposes: null,
      kid: null,
      rps: null,
      paths: [],
      once: false,
      nonce: null,
    });
  });

  it.each([
    ['tenants', ['tenant = other'], 'tenant'],
    ['_instance and a tenant', ['tenant = _instance'], 'tenant'],
    ['scopes', ['scope = kms:read'], 'scope'],
    ['algorithms', ['alg = ed25519', 'alg = hybrid'], 'alg'],
    ['purposes', ['purpose = a', 'purpose = b'], 'purpose'],
    ['keys', [`kid = ${KID}`, `kid = ${KID.replace(/1$/, '2')}`], 'two keys'],
    ['versions of a key', [`kid = ${KID}#v1`, `kid = ${KID}#v2`], 'two keys'],
    ['nonces', [`nonce = ${UUID}`, `nonce = ${UUID.replace(/1$/, '2')}`], 'two nonces'],
  ])('%s with nothing in common deny', (_, more, why) => {
    expect(refusal(() => left(...more))).toMatchObject({ code: 'Denied', message: expect.stringContaining(why) });
  });

  it.each([0, 1, 2])('a required caveat that is missing denies (%i)', (at) => {
    const rest = BASE.filter((_, index) => index !== at);
    expect(refusal(() => effectiveCaveats(rest))).toMatchObject({
      code: 'Denied',
      message: expect.stringContaining('has no'),
    });
  });

  const subset = (items: readonly string[]): fc.Arbitrary<string> =>
    fc.subarray([...items], { minLength: 1 }).map((list) => list.sort().join(','));
  const caveat = fc.oneof(
    subset(['a', 'b', 'c']).map((list) => `tenant = ${list}`),
    subset(SCOPES).map((list) => `scope = ${list}`),
    fc.integer({ min: 1, max: 10_000 }).map((n) => `rps = ${n}`),
    fc
      .date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true })
      .map((date) => `exp = ${date.toISOString()}`),
    subset(['/v1', '/v1/kms', '/v2']).map((list) => `paths = ${list}`),
  );

  test('a caveat more never widens, in whatever order they stand', () => {
    fc.assert(
      fc.property(fc.array(caveat, { maxLength: 6 }), caveat, fc.nat(), (some, more, seed) => {
        const before = attempt([...BASE.slice(2), 'tenant = a,b,c', `scope = ${SCOPES.join(',')}`, ...some]);
        const after = attempt([more, ...BASE.slice(2), 'tenant = a,b,c', `scope = ${SCOPES.join(',')}`, ...some]);
        if (after === null) return;
        expect(before).not.toBeNull();
        expect(before!.tenants).toEqual(expect.arrayContaining([...after.tenants]));
        expect(before!.scopes).toEqual(expect.arrayContaining([...after.scopes]));
        expect(after.expiresMs).toBeLessThanOrEqual(before!.expiresMs);
        expect(after.rps ?? Infinity).toBeLessThanOrEqual(before!.rps ?? Infinity);
        for (const path of [['v1'], ['v1', 'kms'], ['v2', 'x'], []]) {
          if (pathAllowed(after.paths, path)) expect(pathAllowed(before!.paths, path), String(seed)).toBe(true);
        }
      }),
    );
  });

  function attempt(texts: readonly string[]): ReturnType<typeof effectiveCaveats> | null {
    try {
      return effectiveCaveats(texts);
    } catch {
      return null;
    }
  }
});

describe('paths', () => {
  const allowed = (caveats: readonly string[], path: string): boolean => {
    const { paths } = effectiveCaveats([...BASE, ...caveats]);
    const request = decodePath(path);
    return request !== null && pathAllowed(paths, request);
  };

  it.each([
    [['paths = /v1/kms/keys/acme'], '/v1/kms/keys/acme', true],
    [['paths = /v1/kms/keys/acme'], '/v1/kms/keys/acme/rotate', true],
    [['paths = /v1/kms/keys/acme'], '/v1/kms/keys/acme-evil', false],
    [['paths = /v1/kms/keys/acme'], '/v1/kms/keys/acme%2Devil', false],
    [['paths = /v1/kms/keys/acme'], '/v1/kms/keys/%61cme', true],
    [['paths = /v1/kms/keys/%61cme'], '/v1/kms/keys/acme', true],
    [['paths = /v1/kms/keys/acme'], '/v1/kms/keys/acme%2Fx', false],
    [['paths = /v1/kms/keys/acme%2Fx'], '/v1/kms/keys/acme%2fx/rotate', true],
    [['paths = /v1/kms/keys/acme%2Fx'], '/v1/kms/keys/acme/x', false],
    [['paths = /v1/kms/keys/acme'], '/v1/kms/keys/other/../acme', false],
    [['paths = /v1/kms/keys/acme'], '/v1/kms/keys', false],
    [['paths = /v1/kms/keys/acme'], '/V1/kms/keys/acme', false],
    [['paths = /v1/a,/v1/b'], '/v1/b/c', true],
    [['paths = /v1/a,/v1/b', 'paths = /v1/b'], '/v1/a', false],
    [['paths = /v1', 'paths = /v1/b'], '/v1/b', true],
    [['paths = /'], '/anything', true],
    [[], '/anything', true],
  ])('%s and %s: %s', (caveats, path, answer) => {
    expect(allowed(caveats, path)).toBe(answer);
  });
});
