import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { memberRow, serverKeys } from '../../src/config/server-keys.ts';
import {
  BadValue,
  fromFile,
  fromText,
  parseSocket,
  toFile,
  toText,
  type Value,
  type ValueType,
} from '../../src/config/server-value.ts';

const some = (type: ValueType): fc.Arbitrary<Exclude<Value, null>> => {
  switch (type.kind) {
    case 'integer':
    case 'duration':
    case 'size':
    case 'permille':
      return fc.integer({ min: type.min, max: type.max });
    case 'boolean':
      return fc.boolean();
    case 'choice':
      return fc.constantFrom(...type.values);
    case 'list':
      return type.values.length === 0
        ? fc.constant([])
        : fc
            .uniqueArray(fc.constantFrom(...type.values), { minLength: 1 })
            .map((items) => (type.sorted ? [...items].sort() : items));
    case 'socket':
      return fc
        .tuple(fc.constantFrom('127.0.0.1', '10.1.2.3', '[::1]', '[fe80::1]', 'localhost'), fc.nat(65_535))
        .map(([host, port]) => `${host}:${port}`);
    case 'path':
      return fc.stringMatching(/^\/[A-Za-z0-9 ._'"#=\\-]{0,40}$/);
    default:
      return fc.constantFrom('RON-KMS', '').filter((one) => type.pattern.test(one));
  }
};

const printable = serverKeys().filter(
  ({ type }) => type.kind !== 'text' || type.pattern.test('') || type.pattern.test('RON-KMS'),
);

describe('printing and reading again gives the same', () => {
  test.each(printable.map((row) => [row.key, row.type] as const))('%s', (_key, type) => {
    fc.assert(
      fc.property(some(type), (value) => {
        expect(fromText(type, toText(type, value))).toEqual(value);
        expect(fromFile(type, JSON.parse(JSON.stringify(toFile(type, value))))).toEqual(value);
      }),
      { numRuns: 30 },
    );
  });
});

const typeOf = (key: string): ValueType => serverKeys().find((row) => row.key === key)!.type;

describe('reads', () => {
  const read: readonly (readonly [key: string, text: string, value: Value])[] = [
    ['read_timeout', '1500ms', 1500],
    ['read_timeout', '1m30s', 90_000],
    ['limits.max_body_bytes', '1MiB', 1_048_576],
    ['limits.max_body_bytes', '1MB', 1_000_000],
    ['limits.max_body_bytes', '64KB', 64_000],
    ['limits.max_body_bytes', '2048B', 2048],
    ['limits.max_body_bytes', '1048576', 1_048_576],
    ['limits.tenant_share_min', '0.05', 50],
    // A larger share is tighter, so a fraction of a thousandth counts as one.
    ['limits.tenant_share_min', '0.0501', 51],
    ['limits.tenant_share_min', '0.0500000001', 51],
    ['service.allowed_algs', 'ed25519,ml-dsa,x25519,ml-kem', ['ed25519', 'ml-dsa', 'ml-kem', 'x25519']],
    ['service.amnesia', '1', true],
    ['service.amnesia', 'false', false],
  ];
  test.each(read)('%s = %s', (key, text, value) => {
    expect(fromText(typeOf(key), text)).toEqual(value);
  });

  const refused: readonly (readonly [key: string, text: string, expected: string])[] = [
    ['read_timeout', '5', 'a duration'],
    ['read_timeout', '1d', 'a duration'],
    ['read_timeout', '0s', 'a duration from 10ms'],
    ['limits.max_body_bytes', '1023', 'a size from 1KiB'],
    ['limits.max_body_bytes', '1TB', 'a size'],
    ['limits.max_body_bytes', '1mib', 'a size'],
    ['max_conns', '0', 'a whole number from 1'],
    ['max_conns', '01', 'a whole number'],
    ['max_conns', '1e3', 'a whole number'],
    ['limits.tenant_share_min', '0.6', 'a fraction from 0.001 to 0.5'],
    ['limits.tenant_share_min', '5e-2', 'a fraction'],
    ['service.amnesia', 'yes', 'true, false, 1 or 0'],
    ['service.allowed_algs', 'ed25519,ed25519', 'without repetition'],
    ['service.allowed_algs', '', 'a list of'],
    ['service.allowed_algs', 'rsa', 'a list of'],
    ['bind_addr', '127.0.0.1', 'an address with its port'],
    ['bind_addr', '127.0.0.1:65536', 'an address with its port'],
    ['bind_addr', '256.0.0.1:1', 'an address with its port'],
    ['bind_addr', 'kms.example:9446', 'an address with its port'],
    ['bind_addr', '[::1', 'an address with its port'],
    ['bind_addr', '[::g]:1', 'an address with its port'],
    ['bind_addr', '127.0.0.1:080', 'an address with its port'],
    ['tls.key_path', 'a\nb', 'a path'],
    ['pq.verify_mode', 'hybrid', 'one of or, and, pq_only'],
    ['backends.pkcs11.pin_env', '1234', 'the name of a variable'],
    ['service.genesis_digest', 'sha256:00', '64 lower-case hex'],
  ];
  test.each(refused)('not %s = %s', (key, text, expected) => {
    const value = fromText(typeOf(key), text);
    expect(value).toBeInstanceOf(BadValue);
    expect((value as BadValue).expected).toContain(expected);
  });

  test('files hold values of their type', () => {
    expect(fromFile(typeOf('max_conns'), '1024')).toBeInstanceOf(BadValue);
    expect(fromFile(typeOf('max_conns'), 1.5)).toBeInstanceOf(BadValue);
    expect(fromFile(typeOf('read_timeout'), 5)).toBeInstanceOf(BadValue);
    expect(fromFile(typeOf('service.amnesia'), 'true')).toBeInstanceOf(BadValue);
    expect(fromFile(typeOf('limits.tenant_share_min'), 0.05)).toBe(50);
    expect(fromFile(typeOf('limits.tenant_share_min'), 1e-9)).toBe(1);
    expect(fromFile(typeOf('limits.tenant_share_min'), Number.NaN)).toBeInstanceOf(BadValue);
    expect(fromFile(typeOf('service.allowed_algs'), 'ed25519')).toBeInstanceOf(BadValue);
    expect(fromFile(typeOf('limits.max_body_bytes'), 2048)).toBe(2048);
  });
});

test('loopback is 127/8, ::1 and localhost', () => {
  const loopback = ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', '[0:0:0:0:0:0:0:1]:1', 'localhost:1'];
  const others = ['0.0.0.0:1', '10.0.0.1:1', '[::]:1', '[::ffff:127.0.0.1]:1', '128.0.0.1:1'];
  expect(loopback.map((one) => parseSocket(one)!.loopback)).toEqual(loopback.map(() => true));
  expect(others.map((one) => parseSocket(one)!.loopback)).toEqual(others.map(() => false));
});

describe('the table', () => {
  test('has every default inside its own type', () => {
    for (const profile of ['dev', 'drill', 'micronode', 'macronode'] as const) {
      for (const row of serverKeys()) {
        const value = row.default({ profile, amnesia: false, backend: 'file', home: '/h' });
        if (value !== null) expect([row.key, fromText(row.type, toText(row.type, value))]).toEqual([row.key, value]);
      }
    }
  });

  test('names no key, variable, alias or flag twice', () => {
    const rows = serverKeys();
    const all = rows.flatMap(({ key, old = [] }) => [key, ...old]);
    const variables = rows.flatMap(({ env, aliases = [] }) => [env, ...aliases]);
    const flags = rows.flatMap(({ flag }) => flag ?? []);
    for (const names of [all, variables, flags]) expect(new Set(names).size).toBe(names.length);
    expect(variables.filter((name) => !/^(?:RON_)?KMS_[A-Z0-9_]+$/.test(name))).toEqual([]);
  });

  test('finds a row by its member', () => {
    expect(memberRow('read_timeout_ms').key).toBe('read_timeout');
  });
});
