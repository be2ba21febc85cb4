// Canonical JSON: writer and reader agree, one text for every value, and each refusal says why and where.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalBytes,
  canonicalFile,
  canonicalText,
  type Json,
  parseCanonical,
  parseCanonicalFile,
  parseCanonicalText,
} from '../../src/bytes/canonical-json.ts';
import { utf8 } from '../../src/bytes/text.ts';
import type { RonError } from '../../src/errors.ts';
import { refusal } from '../support/refusal.ts';

const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', maxDepth: 10 },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger().map((value) => value + 0),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'binary', maxLength: 6 }), tie('json'), { maxKeys: 4 }),
  ),
}));

describe('properties', () => {
  it('what is written is read, and written again the same', () => {
    fc.assert(
      fc.property(json, (value) => {
        const bytes = canonicalBytes(value);
        const parsed = parseCanonical(bytes, 'value');
        expect(JSON.parse(JSON.stringify(parsed))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalBytes(parsed)).toEqual(bytes);
        expect(parseCanonicalFile(canonicalFile(value), 'file')).toEqual(parsed);
      }),
    );
  });

  it('a text that is read is the only text of its value', () => {
    // JSON with any spacing, escapes and order: accepted only where it is already canonical.
    fc.assert(
      fc.property(json, fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const canonical = canonicalText(value);
        if (text === canonical) expect(() => parseCanonicalText(text, 'x')).not.toThrow();
        else expect(refusal(() => parseCanonicalText(text, 'x')).code).toBe('Malformed');
      }),
    );
  });

  it('any changed byte is refused or gives another value that is canonical itself', () => {
    const bytes = canonicalBytes({ a: [1, 'x', null], b: { c: 'é', d: -7 }, e: true });
    for (let i = 0; i < bytes.length; i++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = bytes.with(i, bytes[i]! ^ (1 << bit));
        let parsed: Json;
        try {
          parsed = parseCanonical(changed, 'x');
        } catch (error) {
          expect((error as RonError).code).toBe('Malformed');
          continue;
        }
        expect(canonicalBytes(parsed)).toEqual(changed);
      }
    }
  });

  it('never throws anything but Malformed for bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          parseCanonical(bytes, 'x');
        } catch (error) {
          expect((error as RonError).code).toBe('Malformed');
        }
      }),
    );
  });
});

describe('objects from outside', () => {
  it('have no prototype, so that __proto__ and constructor are members like others', () => {
    const parsed = parseCanonicalText('{"__proto__":1,"constructor":2}', 'x') as Record<string, Json>;
    expect(Object.getPrototypeOf(parsed)).toBeNull();
    expect(Object.keys(parsed)).toEqual(['__proto__', 'constructor']);
    expect(canonicalText(parsed)).toBe('{"__proto__":1,"constructor":2}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('are ordered by UTF-16 units, also names that look like indices', () => {
    const text = '{"1":1,"10":2,"2":3,"\u{1f600}":4,"\ufb33":5}';
    expect(canonicalText(parseCanonicalText(text, 'x'))).toBe(text);
    expect(refusal(() => parseCanonicalText('{"\ufb33":5,"\u{1f600}":4}', 'x')).message).toContain('canonical order');
  });
});

describe('nesting', () => {
  const nested = (depth: number, inner = ''): string => '['.repeat(depth) + inner + ']'.repeat(depth);
  const value = (depth: number): unknown => (depth === 0 ? 1 : [value(depth - 1)]);

  it('is accepted up to 16, in reader and writer', () => {
    for (const inner of ['', '1', '"x"']) parseCanonicalText(nested(16, inner), 'x');
    expect(canonicalText(value(16))).toBe(nested(16, '1'));
  });

  it('of 17 is refused, in reader and writer', () => {
    expect(refusal(() => parseCanonicalText(nested(17), 'x')).message).toContain('nested deeper than 16');
    expect(refusal(() => parseCanonicalText(nested(100_000), 'x')).message).toContain('nested deeper than 16');
    expect(() => canonicalText(value(17))).toThrow('nested deeper than 16');
  });
});

describe('the writer refuses what it could not write faithfully', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  it.each([
    ['undefined', undefined, 'not plain JSON'],
    ['an undefined member', { a: undefined }, 'a: not plain JSON'],
    ['a hole', Object.assign([1], { 2: 2 }), '[1]: not plain JSON'],
    ['a fraction', { a: { b: 1.5 } }, 'a.b: not an integer in range'],
    ['minus zero', [-0], '[0]: not an integer in range'],
    ['2^53', 2 ** 53, 'not an integer in range'],
    ['NaN', Number.NaN, 'not an integer in range'],
    ['infinity', Number.POSITIVE_INFINITY, 'not an integer in range'],
    ['a bigint', 1n, 'not plain JSON'],
    ['a function', { a: () => 1 }, 'a: not plain JSON'],
    ['a symbol', Symbol('x'), 'not plain JSON'],
    ['a date', { at: new Date(0) }, 'at: not plain JSON'],
    ['a Map', new Map(), 'not plain JSON'],
    ['bytes', new Uint8Array(1), 'not plain JSON'],
    ['a class instance', Object.create({ inherited: true }), 'not plain JSON'],
    ['an own toJSON', { toJSON: () => 1 }, 'toJSON: not plain JSON'],
    ['a lone surrogate', '\ud800', 'lone surrogate'],
    ['reversed surrogates', { a: '\udc00\ud800' }, 'a: lone surrogate'],
    ['a lone surrogate in a name', { '\udc00': 1 }, 'member name with a lone surrogate'],
    ['a cycle', cyclic, 'nested deeper than 16'],
  ])('%s', (_name, value, message) => {
    expect(() => canonicalText(value)).toThrow(TypeError);
    expect(() => canonicalText(value)).toThrow(message);
  });
});

describe('files', () => {
  it.each([
    ['empty', '', 'empty file'],
    ['without a line feed', '{}', 'does not end in one line feed'],
    ['with two line feeds', '{}\n\n', 'bytes after the end'],
    ['with CRLF', '{}\r\n', 'bytes after the end'],
    ['a line feed alone', '\n', 'ends too early'],
  ])('%s', (_name, text, message) => {
    const error = refusal(() => parseCanonicalFile(utf8(text), 'draft'));
    expect(error.code).toBe('Malformed');
    expect(error.message).toContain(message);
    expect(error.message.startsWith('draft: ')).toBe(true);
  });

  it('names the member that is wrong', () => {
    const error = refusal(() => parseCanonicalText('{"a":{"b":[1,1.0]}}', 'x'));
    expect(error.field).toBe('a.b[1]');
    expect(error.message).toContain('member a.b[1], offset');
  });
});
