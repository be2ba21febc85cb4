// Section 1 is generated: what lies in man/ is what the code says now, clean for mandoc, and installed by the package.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { serverConfigPage } from '../../src/cli/man-config.ts';
import { manPages } from '../../src/cli/man-page.ts';
import { serverKeys } from '../../src/config/server-keys.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { EXIT_CODES } from '../../src/operations/explain.ts';
import { PROJECT } from '../support/binary.ts';
import { manPath } from '../support/man-page.ts';
import { manifestCommands } from '../support/surface.ts';

interface Manifest {
  readonly description: string;
  readonly man: readonly string[];
  readonly oclif: { readonly topics: Readonly<Record<string, { readonly description: string }>> };
}

const manifest = JSON.parse(readFileSync(`${PROJECT}/package.json`, 'utf8')) as Manifest;
const topics = Object.entries(manifest.oclif.topics).map(([name, { description }]) => ({ name, description }));
const commands = manifestCommands();
const pages = manPages(commands, topics, manifest.description);
const onDisk = readdirSync(manPath('')).filter((name) => name.endsWith('.1'));

describe('section 1', () => {
  test('has one page for the tool and one for each topic, and no stale one', () => {
    expect(onDisk.sort()).toEqual([...pages.keys()].sort());
    const used = new Set(commands.filter(({ words }) => words.length > 1).map(({ words }) => words[0]));
    expect([...used].filter((topic) => !pages.has(`ronctl-${topic}.1`))).toEqual([]);
  });

  test.each([...pages])('%s is up to date (npm run build && npm run man)', (name, text) => {
    expect(readFileSync(manPath(name), 'utf8')).toBe(text);
  });

  test('every command, flag, exit code and error code is on its page', () => {
    for (const { words, flags } of commands) {
      const text = pages.get(words.length === 1 ? 'ronctl.1' : `ronctl-${words[0]}.1`)!;
      expect(text).toContain(`.Ss ronctl ${words.join(' ')}\n`);
      for (const { name } of flags.filter(({ global }) => !global)) expect(text).toContain(`Fl -${name}`);
    }
    const main = pages.get('ronctl.1')!;
    for (const code of EXIT_CODES.keys()) expect(main).toContain(`.It ${code}\n`);
    for (const code of Object.keys(ERROR_CODES)) expect(main).toContain(`.It Sy ${code} Pq exit `);
  });

  const mandoc = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', ...onDisk.map(manPath)], { encoding: 'utf8' });
  test.runIf(mandoc.error === undefined)('is clean for mandoc', () => {
    expect(mandoc.stdout).toBe('');
    expect(mandoc.status).toBe(0);
  });

  test.runIf(mandoc.error === undefined)('what a definition says reaches the reader as it is', () => {
    const flag = {
      name: 'x',
      summary: "a \\ backslash, .Sh and 'quotes",
      options: [],
      required: false,
      multiple: false,
      global: false,
    };
    const [, text] = [
      ...manPages(
        [
          {
            words: ['t'],
            summary: '.It looks like a macro',
            description: '',
            examples: ["ronctl t 'a\\b'"],
            flags: [flag],
            args: [],
            variadic: false,
          },
        ],
        [],
        'x: y',
      ),
    ][0]!;
    const shown = spawnSync('mandoc', ['-T', 'ascii'], { input: text, encoding: 'utf8' })
      .stdout.replaceAll(/.\u0008/g, '')
      .replaceAll(/\s+/g, ' ');
    expect(shown).toContain('.It looks like a macro.');
    expect(shown).toContain("A \\ backslash, .Sh and 'quotes.");
    expect(shown).toContain("ronctl t 'a\\b'");
  });
});

test('ron-kms.toml(5) is up to date (npm run build && npm run man), and has every key, variable and flag', () => {
  const text = readFileSync(manPath('ron-kms.toml.5'), 'utf8');
  expect(text).toBe(serverConfigPage());
  for (const { key, env, flag, aliases = [] } of serverKeys()) {
    expect(text).toContain(`.It Li ${key}\n`);
    for (const name of [env, ...aliases]) expect(text).toContain(`Ev ${name}\n`);
    if (flag !== undefined) expect(text).toContain(`.Fl -${flag}\n`);
  }
});

test('the package installs every page', () => {
  expect(manifest.man).toEqual(
    readdirSync(manPath(''))
      .sort()
      .map((name) => `man/${name}`),
  );
});
