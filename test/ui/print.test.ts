import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPlainText } from '../../src/bytes/text.ts';
import { printText } from '../../src/ui/print.ts';
import { progressLine } from '../../src/ui/progress.ts';
import { printJson, printYaml } from '../../src/ui/structured.ts';
import { type Block, blank, fields, line, list, section, table } from '../../src/ui/text-model.ts';
import { colourPaint, noPaint, wantsColour } from '../../src/ui/theme.ts';

const print = (...blocks: Block[]): Promise<string> => printText(blocks, noPaint);

describe('a text model as lines', () => {
  test('labels and columns are aligned, lines have no trailing space', async () => {
    const text = await print(
      line('title'),
      fields([
        ['a', '1'],
        ['long label', 'x\ny'],
        ['empty', ''],
      ]),
      blank,
      table(
        ['ID', 'STATE'],
        [
          ['x', 'open'],
          ['longer', ''],
        ],
      ),
      section('more', [list(['one', 'two'])]),
    );
    expect(text).toBe(
      [
        'title',
        'a           1',
        'long label  x',
        '            y',
        'empty',
        '',
        'ID      STATE',
        'x       open',
        'longer',
        'more',
        '  - one',
        '  - two',
        '',
      ].join('\n'),
    );
  });

  test('a table without rows says so', async () => {
    expect(await print(table(['ID'], []))).toBe('(none)\n');
  });

  test('wide characters take two columns', async () => {
    expect(
      await print(
        table(
          ['A', 'B'],
          [
            ['漢字', 'x'],
            ['abcd', 'y'],
          ],
        ),
      ),
    ).toBe('A     B\n漢字  x\nabcd  y\n');
  });

  test('whatever a peer wrote, no control or bidi character reaches the terminal', async () => {
    const evil = fc.string({ unit: 'binary' });
    await fc.assert(
      fc.asyncProperty(evil, evil, async (a, b) => {
        const text = await print(line(a), fields([[a, b]]), table([a], [[b]]), list([b]), section(a, [line(b)]));
        expect(text.split('\n').every(isPlainText)).toBe(true);
      }),
    );
  });

  test('named traps are shown, not executed', async () => {
    expect(await print(line('a\u001b[2Jb\u202ec\u200bd\re'))).toBe('a\\u{1b}[2Jb\\u{202e}c\\u{200b}d\\u{d}e\n');
  });

  test('tones colour the text and never change it', async () => {
    const paint = await colourPaint();
    const blocks = [line('good', 'good'), fields([['label', 'bad', 'bad']]), table(['H'], [['x']])];
    const coloured = await printText(blocks, paint);
    expect(coloured).toContain('\u001b[32mgood\u001b[39m');
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '')).toBe(await printText(blocks, noPaint));
  });
});

describe('colour', () => {
  const ask = (variables: Record<string, string>, tty = true, noColorFlag = false, configured?: string): boolean =>
    wantsColour({ tty, noColorFlag, configured, variable: (name) => variables[name] });

  test('on a terminal only, and off by each of the switches', () => {
    expect(ask({})).toBe(true);
    expect(ask({}, false)).toBe(false);
    expect(ask({}, true, true)).toBe(false);
    expect(ask({}, true, false, 'never')).toBe(false);
    expect(ask({ NO_COLOR: '1' })).toBe(false);
    expect(ask({ RONCTL_NO_COLOR: '1' })).toBe(false);
    expect(ask({ TERM: 'dumb' })).toBe(false);
  });

  test('an empty NO_COLOR is as if unset', () => {
    expect(ask({ NO_COLOR: '' })).toBe(true);
  });
});

describe('structured output', () => {
  test('JSON is one line, and text that could act on a terminal is escaped', () => {
    const text = printJson({ a: 'x\u202e\u009b\n' });
    expect(text).toBe('{"a":"x\\u202e\\u009b\\n"}\n');
    expect(JSON.parse(text)).toEqual({ a: 'x\u202e\u009b\n' });
  });

  test('YAML reads back as the same value', async () => {
    const { parse } = await import('yaml');
    const value = { ok: true, list: [1, 'yes', null, '0x10', '2026-11-20'], text: 'a\nb: c #d', deep: { x: [] } };
    expect(parse(await printYaml(value))).toEqual(value);
  });
});

describe('progress', () => {
  function watched(stderrIsTty: boolean): {
    shown: () => string;
    at: (ms: number, done: number) => void;
    finish: () => void;
  } {
    let now = 0;
    let out = '';
    const writeStderr = (text: string): void => {
      out += text;
    };
    const line = progressLine({ stderrIsTty, writeStderr }, { monotonicMs: () => now });
    return {
      shown: () => out,
      at(ms, done) {
        now = ms;
        line.report({ phase: 'verifying', done, total: 200, unit: 'records' });
      },
      finish: () => line.finish(),
    };
  }

  test('nothing in the first second, then one line in place, cleared at the end', () => {
    const seen = watched(true);
    seen.at(900, 10);
    expect(seen.shown()).toBe('');
    seen.at(1100, 100);
    expect(seen.shown()).toBe('\r\u001b[Kverifying: 100 of 200 records (50 %)');
    seen.finish();
    expect(seen.shown().endsWith('\r\u001b[K')).toBe(true);
  });

  test('without a terminal a plain line every 10 s', () => {
    const seen = watched(false);
    for (let ms = 1000; ms <= 25_000; ms += 1000) seen.at(ms, ms / 1000);
    seen.finish();
    expect(seen.shown()).toBe('verifying: 10 of 200 records (5 %)\nverifying: 20 of 200 records (10 %)\n');
  });
});
