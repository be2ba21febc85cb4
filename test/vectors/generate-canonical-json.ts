// Makes vectors/canonical-json/*.json: `node test/vectors/generate-canonical-json.ts`, then `generate-sums.ts`. The inputs are
// written here by hand; outputs and the words of errors come from src/bytes/canonical-json.ts.

import { canonicalText, parseCanonical } from '../../src/bytes/canonical-json.ts';
import { fromHex, toHex } from '../../src/bytes/hex.ts';
import { fromUtf8, utf8 } from '../../src/bytes/text.ts';
import { type Fields, type OwnSuite, type OwnVector, writeSuite } from './own-format.ts';

/** Bytes of an input: `text` in UTF-8, or `hex` where it is no text. */
export const inputBytes = (fields: Fields): Uint8Array =>
  fields['text'] === undefined ? fromHex(fields['hex'] as string)! : utf8(fields['text'] as string);

/** `out` of a reading vector, or the error with the words that say why. */
export function read(fields: Fields): { readonly out: Fields } | { readonly error: string } {
  try {
    return { out: { canonical: canonicalText(parseCanonical(inputBytes(fields), 'input')) } };
  } catch (error) {
    const words = /^input: (.*?)(?: \((?:member .*, )?offset \d+\))?$/s.exec((error as Error).message);
    return { error: words![1]! };
  }
}

/** `out` of a writing vector: the canonical text of a JSON value given in any spelling. */
export const write = (fields: Fields): Fields => ({ canonical: canonicalText(JSON.parse(fields['json'] as string)) });

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

const READ: readonly (readonly [string, string | Uint8Array])[] = [
  ['the empty object', '{}'],
  ['the empty array', '[]'],
  ['literals', '[null,true,false]'],
  ['zero', '0'],
  ['the largest integer', '9007199254740991'],
  ['the smallest integer', '-9007199254740991'],
  ['members in UTF-16 order', '{"":1,"1":2,"10":3,"2":4,"A":5,"a":6,"\u00e9":7,"\u{1f600}":8,"\ufb33":9}'],
  ['short escapes', '"\\b\\t\\n\\f\\r\\"\\\\"'],
  ['other controls as lower-case \\u00xx', '"\\u0000\\u001f"'],
  ['delete, line separator and slash stand as they are', '"\u007f\u2028/"'],
  ['an astral character', '"\u{1f512}"'],
  ['text that is not in NFC stays as it is', '"e\u0301"'],
  ['a byte order mark inside a string', '"\ufeff"'],
  ['__proto__ is a name like others', '{"__proto__":{"a":1}}'],
  ['16 nested arrays', nested(16)],
  ['17 nested arrays', nested(17)],
  ['nothing', ''],
  ['white space before', ' {}'],
  ['white space after', '{} '],
  ['white space inside', '{"a": 1}'],
  ['a line feed after', '{}\n'],
  ['a second value', '{}{}'],
  ['a byte order mark before', '\ufeff{}'],
  ['members out of order', '{"b":1,"a":2}'],
  ['members in code point order, which is not UTF-16 order', '{"\ufb33":1,"\u{1f600}":2}'],
  ['a duplicate member', '{"a":1,"a":1}'],
  ['a duplicate member by another escape', '{"a":1,"\\u0061":1}'],
  ['minus zero', '-0'],
  ['a fraction of zero', '1.0'],
  ['a fraction', '0.5'],
  ['an exponent', '1e3'],
  ['1E21', '1e21'],
  ['2^53', '9007199254740992'],
  ['2^53 + 1', '9007199254740993'],
  ['a leading zero', '01'],
  ['a plus sign', '+1'],
  ['NaN', 'NaN'],
  ['Infinity', 'Infinity'],
  ['a lone high surrogate', '"\\ud800"'],
  ['a lone low surrogate', '"\\udc00"'],
  ['reversed surrogates', '"\\udc00\\ud800"'],
  ['an astral character as escapes', '"\\ud83d\\ude00"'],
  ['an escaped slash', '"\\/"'],
  ['an escaped letter', '"\\u0061"'],
  ['upper-case escape digits', '"\\u001F"'],
  ['a long escape where a short one exists', '"\\u000a"'],
  ['an unknown escape', '"\\x41"'],
  ['a raw control character', '"\u0001"'],
  ['a string that does not end', '"a'],
  ['single quotes', "'a'"],
  ['a trailing comma in an object', '{"a":1,}'],
  ['a trailing comma in an array', '[1,]'],
  ['a missing colon', '{"a"1}'],
  ['an unquoted name', '{a:1}'],
  ['an object that does not end', '{"a":1'],
  ['an array that does not end', '[1'],
  ['a comment', '{}/**/'],
  ['a capital literal', 'True'],
  ['an invalid byte', Uint8Array.of(0x22, 0xff, 0x22)],
  ['an overlong sequence', Uint8Array.of(0x22, 0xc0, 0xaf, 0x22)],
  ['a surrogate in UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)],
  ['UTF-16', Uint8Array.of(0x7b, 0, 0x7d, 0)],
];

const WRITE: readonly (readonly [string, string])[] = [
  ['members are sorted, white space goes', '{ "b" : 1, "a" : [ 1 , 2 ] }'],
  ['numbers that are integers', '[1.0, 1e3, -5E0]'],
  ['escapes become characters', '"\\u0041\\/\\u00e9\\ud83d\\ude00"'],
  ['controls become escapes', '"\\u000a\\u0000"'],
  ['nested objects are sorted too', '{"z":{"b":2,"a":1},"a":null}'],
  ['names by UTF-16 units', '{"\ufb33":1,"\u{1f600}":2,"10":3,"9":4}'],
];

export function canonicalJsonSuites(): Map<string, OwnSuite> {
  const source = 'test/vectors/generate-canonical-json.ts;';
  const reading: OwnVector[] = READ.map(([name, input]) => {
    const isText = typeof input === 'string' || fromUtf8(input) !== null;
    const given = isText ? { text: typeof input === 'string' ? input : fromUtf8(input)! } : { hex: toHex(input) };
    return { name, in: given, ...read(given) };
  });
  const writing: OwnVector[] = WRITE.map(([name, json]) => ({ name, in: { json }, out: write({ json }) }));
  return new Map<string, OwnSuite>([
    [
      'canonical-json/read.json',
      { suite: 'canonical-json/read', source: `${source} restricted RFC 8785`, vectors: reading },
    ],
    ['canonical-json/write.json', { suite: 'canonical-json/write', source: `${source} RFC 8785`, vectors: writing }],
  ]);
}

if (import.meta.main) for (const [path, suite] of canonicalJsonSuites()) writeSuite(path, suite);
