// Every command line that the README, the manual pages of sections 5 and 7 and the hints of error codes name: the command
// exists, and so do its flags.

import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';
import { PROJECT } from '../support/binary.ts';
import { manPath } from '../support/man-page.ts';

interface Manifest {
  readonly commands: Readonly<Record<string, { readonly flags: Readonly<Record<string, { readonly char?: string }>> }>>;
}

const manifest = (): Manifest => JSON.parse(readFileSync(join(PROJECT, 'oclif.manifest.json'), 'utf8')) as Manifest;

/** Command lines of a text, continuation lines joined, as words behind `ronctl`. */
function commandLines(text: string): string[][] {
  const joined = text.replaceAll(/ *\\e?\n\s*/g, ' ');
  return [...joined.matchAll(/(?:^|[\s`'"$(=/])ronctl ([a-z][^\n`"()|]*)/g)].map((match) =>
    match[1]!
      .replaceAll(/'[^']*'/g, 'VALUE')
      .split(/\s+/)
      .filter((word) => word !== ''),
  );
}

function defects(words: readonly string[], { commands }: Manifest): string[] {
  const names = words.slice(0, words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word)) >>> 0);
  const depth = [3, 2, 1].find(
    (count) => names.length >= count && commands[names.slice(0, count).join(':')] !== undefined,
  );
  const shown = `ronctl ${words.slice(0, 8).join(' ')}`;
  if (depth === undefined) {
    const topic = Object.keys(commands).some((id) => id.startsWith(`${words[0]!}:`));
    return topic && words.length === 1 ? [] : [`no such command: ${shown}`];
  }
  const { flags } = commands[names.slice(0, depth).join(':')]!;
  const known = new Set(['help', ...Object.keys(flags)]);
  return words
    .filter((word) => word.startsWith('--') && word.length > 2)
    .map((word) => word.slice(2).replace(/[=,.;:].*$/, ''))
    .filter((flag) => !known.has(flag))
    .map((flag) => `no flag --${flag}: ${shown}`);
}

const mdocText = (source: string): string =>
  source
    .split('\n')
    .filter((line) => !line.startsWith('.\\"'))
    .map((line) => line.replace(/^\.(?:Dl|Ql) /, '`').replace(/^(`.*)$/, '$1`'))
    .join('\n');

/** What stands between backticks or template quotes in source text: hints and messages. */
const quoted = (source: string): string =>
  [...source.matchAll(/\\?`(ronctl [a-z][^`$\\]*)/g)].map((match) => `\`${match[1]!}\``).join('\n');

const sources: [string, string][] = [
  ['README.md', readFileSync(join(PROJECT, 'README.md'), 'utf8')],
  ...readdirSync(manPath(''))
    .filter((name) => /\.[57]$/.test(name))
    .map((name): [string, string] => [name, mdocText(readFileSync(manPath(name), 'utf8'))]),
  ...globSync('src/**/*.ts', { cwd: PROJECT })
    .toSorted()
    .map((name): [string, string] => [name, quoted(readFileSync(join(PROJECT, name), 'utf8'))])
    .filter(([, text]) => text !== ''),
  [
    'error codes',
    Object.values(ERROR_CODES)
      .map((row) => row.next)
      .join('\n'),
  ],
];

describe('commands that the documentation names', () => {
  it.each(sources)('exist, with their flags: %s', (_name, text) => {
    const lines = commandLines(text);
    expect([...new Set(lines.flatMap((words) => defects(words, manifest())))]).toEqual([]);
  });

  it('are found by this test', () => {
    const text = 'see `ronctl no such --thing` and\n  bin/ronctl version --nope \\\n   --more';
    expect(commandLines(text).flatMap((words) => defects(words, manifest()))).toEqual([
      'no such command: ronctl no such --thing',
      'no flag --nope: ronctl version --nope --more',
      'no flag --more: ronctl version --nope --more',
    ]);
  });
});
