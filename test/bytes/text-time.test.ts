// Untrusted text on a terminal, NFC, times and durations.

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText, fromUtf8, isCleanText, isPlainText, utf8 } from '../../src/bytes/text.ts';
import { parseDuration, parseDurationOrTime, parseTime, spell, toTime } from '../../src/bytes/time.ts';
import { refusal } from '../support/refusal.ts';

describe('UTF-8', () => {
  it('round trip of well-formed text; a byte order mark is kept', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(fromUtf8(utf8(text))).toBe(text);
      }),
    );
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });

  it.each([
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
  ])('refuses %s', (_name, bytes) => {
    expect(fromUtf8(Uint8Array.from(bytes))).toBeNull();
  });

  it('clean text is well formed and in NFC', () => {
    expect(isCleanText('é')).toBe(true);
    expect(isCleanText('e\u0301')).toBe(false);
    expect(isCleanText('\ud800')).toBe(false);
  });
});

describe('escapeText', () => {
  it.each([
    ['a colour sequence', '\u001b[31mred', '\\u{1b}[31mred'],
    ['a C1 control', '\u009b31m', '\\u{9b}31m'],
    ['a line feed', 'a\nb', 'a\\u{a}b'],
    ['a carriage return', 'a\rb', 'a\\u{d}b'],
    ['right-to-left override', 'a\u202eb', 'a\\u{202e}b'],
    ['an isolate', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
    ['the Arabic letter mark', '\u061c', '\\u{61c}'],
    ['a zero-width space', 'a\u200bb', 'a\\u{200b}b'],
    ['a soft hyphen', 'a\u00adb', 'a\\u{ad}b'],
    ['a byte order mark', '\ufeffa', '\\u{feff}a'],
    ['a tag character', 'a\u{e0041}', 'a\\u{e0041}'],
    ['a variation selector', 'a\u{e0100}', 'a\\u{e0100}'],
    ['a Hangul filler', '\u3164', '\\u{3164}'],
    ['the combining grapheme joiner', 'a\u034fb', 'a\\u{34f}b'],
    ['a line separator', '\u2028', '\\u{2028}'],
    ['a lone surrogate', '\ud800', '\\u{d800}'],
    ['an interlinear annotation', '\ufff9', '\\u{fff9}'],
    ['delete', '\u007f', '\\u{7f}'],
  ])('%s', (_name, text, expected) => {
    expect(escapeText(text)).toBe(expected);
    expect(isPlainText(text)).toBe(false);
  });

  it('leaves ordinary text of any script alone', () => {
    for (const text of ['plain text', 'Grüße, Ελλάδα, 漢字, שלום', '\u{1f512}', 'e\u0301']) {
      expect(escapeText(text)).toBe(text);
      expect(isPlainText(text)).toBe(true);
    }
  });

  it('its output is plain', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(isPlainText(escapeText(text))).toBe(true);
      }),
    );
  });
});

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['5m', 300_000],
    ['0s', 0],
  ])('%s', (text, millis) => {
    expect(parseDuration(text, '--timeout')).toBe(millis);
  });

  it.each(['', '5', 's', '1.5h', '-1h', '1 h', '1h ', '1w', '1H', '٣s', '1e3s', '999999999999d'])(
    'refuses %j',
    (text) => {
      const error = refusal(() => parseDuration(text, '--timeout'));
      expect(error.code).toBe('InvalidValue');
      expect(error.field).toBe('--timeout');
      expect(error.message).toBe(`--timeout: not a duration: ${JSON.stringify(text)}`);
    },
  );

  it('the largest duration added to a time of today is still a time', () => {
    const from = Date.parse('2026-11-20T00:00:00Z');
    expect(toTime(parseDurationOrTime('365000d', from, '--until'))).toMatch(/^3026-|^3025-/);
    expect(refusal(() => parseDurationOrTime('365001d', from, '--until')).code).toBe('InvalidValue');
  });
});

describe('times', () => {
  it.each([
    ['2026-11-20T14:00:00Z', '2026-11-20T14:00:00.000Z'],
    ['2026-11-20T14:00:00.5Z', '2026-11-20T14:00:00.500Z'],
    ['2026-11-20t14:00:00z', '2026-11-20T14:00:00.000Z'],
    ['2026-11-20T14:00:00+02:00', '2026-11-20T12:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2026-11-20T23:59:59-23:59', '2026-11-21T23:58:59.000Z'],
  ])('%s', (text, expected) => {
    expect(toTime(parseTime(text, '--at'))).toBe(expected);
    expect(parseDurationOrTime(text, 0, '--at')).toBe(parseTime(text, '--at'));
  });

  it.each([
    '2026-11-20',
    '2026-11-20T14:00:00',
    '2026-11-20T14:00Z',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-20T24:00:00Z',
    '2026-11-20T14:60:00Z',
    '2026-11-20T14:00:60Z',
    '2026-11-20T14:00:00+24:00',
    '2026-11-20T14:00:00.1234Z',
    ' 2026-11-20T14:00:00Z',
    '2026-11-20T14:00:00Z\n',
    '20 Nov 2026',
  ])('refuses %j', (text) => {
    const error = refusal(() => parseTime(text, '--at'));
    expect(error.code).toBe('InvalidValue');
    expect(error.field).toBe('--at');
    expect(error.message).toContain('--at: not a time: ');
  });

  it('prints and reads the same moment', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59.999Z') }), (millis) => {
        expect(parseTime(toTime(millis), 'x')).toBe(millis);
      }),
    );
  });
});

describe('spell', () => {
  it.each([
    [0, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [119_000, '1 min 59 s'],
    [600_000, '10 min'],
    [659_000, '10 min'],
    [3_600_000, '1 h'],
    [85_260_000, '23 h 41 min'],
    [172_800_000, '2 d'],
    [190_800_000, '2 d 5 h'],
    [-60_000, '1 min'],
  ])('%d ms is %s', (ms, text) => {
    expect(spell(ms)).toBe(text);
  });
});
