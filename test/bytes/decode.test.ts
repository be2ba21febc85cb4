// The strict member decoder: every refusal is Malformed with the path of the member.

import { describe, expect, it } from 'vitest';
import { type Json, parseCanonicalText } from '../../src/bytes/canonical-json.ts';
import {
  any,
  array,
  boolean,
  bytesOf,
  type Decoder,
  hex64,
  integer,
  literal,
  map,
  nullable,
  object,
  sha256Digest,
  string,
  time,
} from '../../src/bytes/decode.ts';
import { refusal } from '../support/refusal.ts';

const decode = (decoder: Decoder<unknown>, text: string): unknown => decoder(parseCanonicalText(text, 'x'), '');

const proposal = object(
  { id: string({ pattern: /^[a-z]+$/, what: 'an id' }), count: integer(1, 3) },
  { tags: array(string({ maxBytes: 4 }), 2), end: nullable(time) },
);

describe('accepts', () => {
  it.each([
    [proposal, '{"count":3,"id":"a"}', { id: 'a', count: 3 }],
    [proposal, '{"count":1,"end":null,"id":"a","tags":["é"]}', { id: 'a', count: 1, tags: ['é'], end: null }],
    [literal(6, 7), '7', 7],
    [boolean, 'false', false],
    [any, '[1]', [1]],
    [integer(-5), '-5', -5],
    [bytesOf(3), '"AAEC"', Uint8Array.of(0, 1, 2)],
    [hex64, `"${'0'.repeat(64)}"`, '0'.repeat(64)],
    [sha256Digest, `"sha256:${'f'.repeat(64)}"`, `sha256:${'f'.repeat(64)}`],
    [time, '"2024-02-29T23:59:59.999Z"', '2024-02-29T23:59:59.999Z'],
  ] as const)('%#', (decoder, text, expected) => {
    expect(decode(decoder as Decoder<unknown>, text)).toEqual(expected);
  });

  it('a map in member order, with names like __proto__ where the pattern has them', () => {
    const found = decode(map(/^[a-z_]+$/, integer(0), 3), '{"__proto__":1,"a":2}') as Map<string, number>;
    expect([...found]).toEqual([
      ['__proto__', 1],
      ['a', 2],
    ]);
  });
});

describe('refuses', () => {
  it.each([
    ['a missing member', proposal, '{"count":1}', 'id', 'missing member'],
    ['an unknown member', proposal, '{"count":1,"id":"a","z":1}', 'z', 'unknown member'],
    [
      'a member called __proto__',
      proposal,
      '{"__proto__":{"id":"a"},"count":1,"id":"a"}',
      '__proto__',
      'unknown member',
    ],
    ['a missing member that every object inherits', object({ toString: any }), '{}', 'toString', 'missing member'],
    ['null for an optional member', proposal, '{"count":1,"id":"a","tags":null}', 'tags', 'an array is expected'],
    ['another type', proposal, '{"count":"1","id":"a"}', 'count', 'an integer is expected'],
    ['out of bounds', proposal, '{"count":4,"id":"a"}', 'count', 'an integer from 1 to 3 is expected'],
    ['another form', proposal, '{"count":1,"id":"A"}', 'id', 'an id is expected'],
    [
      'too many items',
      proposal,
      '{"count":1,"id":"a","tags":["","",""]}',
      'tags',
      '0 to 2 items are expected, 3 found',
    ],
    [
      'bytes over the limit, not characters',
      proposal,
      '{"count":1,"id":"a","tags":["éé€"]}',
      'tags[0]',
      'longer than 4 bytes',
    ],
    ['an array for an object', proposal, '[]', undefined, 'an object is expected'],
    ['null for an object', proposal, 'null', undefined, 'an object is expected'],
    ['another literal', literal('a', 'c'), '"b"', undefined, 'expected "a" or "c"'],
    ['a number for a truth value', boolean, '1', undefined, 'true or false is expected'],
    ['a wrong length', bytesOf(3), '"AAE"', undefined, '3 bytes as base64url'],
    ['padding', bytesOf(1), '"AA=="', undefined, '1 bytes as base64url'],
    ['upper-case hex', hex64, `"${'A'.repeat(64)}"`, undefined, '64 lower-case hex characters'],
    ['a digest with a line feed', sha256Digest, `"sha256:${'f'.repeat(64)}\\n"`, undefined, '`sha256:`'],
    ['a map name of another form', map(/^[a-z]$/, any, 9), '{"bb":1}', 'bb', 'a member name of another form'],
    ['too many members', map(/^[a-z]$/, any, 1), '{"a":1,"b":1}', undefined, 'more than 1 members'],
    ['a day that does not exist', time, '"2026-02-29T00:00:00.000Z"', undefined, 'no such time'],
    ['hour 24', time, '"2026-02-28T24:00:00.000Z"', undefined, 'no such time'],
    ['a time without milliseconds', time, '"2026-02-28T00:00:00Z"', undefined, 'a time like'],
    ['a time zone', time, '"2026-02-28T00:00:00.000+00:00"', undefined, 'a time like'],
  ] as const)('%s', (_name, decoder, text, field, message) => {
    const error = refusal(() => decode(decoder, text));
    expect(error.code).toBe('Malformed');
    expect(error.field).toBe(field);
    expect(error.message).toContain(message);
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    '%d for an integer, from a parser of another kind',
    (value) => {
      expect(refusal(() => integer(0)(value as Json, 'n')).message).toBe('n: an integer is expected');
    },
  );

  it('an inherited member, in an object of another parser', () => {
    const error = refusal(() => object({ toString: any })({}, ''));
    expect(error.message).toBe('toString: missing member');
  });
});
