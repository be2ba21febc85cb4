// The story really runs, keeps to the table of the command line page, and the transcript in the README is what it prints, up
// to times, ids and digests.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { QuickstartResult } from '../../src/cli/quickstart.ts';
import { PROJECT, type Run, temporaryHome } from '../support/binary.ts';
import { shapeOfTranscript } from '../support/transcript-shape.ts';

const home = temporaryHome();
const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('ronctl-quickstart-'));

describe('quickstart', () => {
  let before: string[];
  let shown: Run;
  beforeAll(async () => {
    before = leftovers();
    shown = await home.run(['quickstart']);
  });

  test('ends well, writes to stdout only, and leaves nothing behind', () => {
    expect(shown).toMatchObject({ exit: 0, stderr: '' });
    expect(leftovers().filter((name) => !before.includes(name))).toEqual([]);
    expect(home.exists()).toBe(false);
  });

  test('the transcript in the README is what it prints', () => {
    const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
    const block = /<!-- quickstart -->\n```\n([\s\S]*?)\n```\n<!-- \/quickstart -->/.exec(readme)?.[1];
    expect(block).toBeDefined();
    expect(shown.stdout).not.toMatch(/\/home\/\w/);
    expect(shapeOfTranscript(block!)).toBe(shapeOfTranscript(shown.stdout.trimEnd()));
  });

  test('shows each command before its output, and announces every exit code that is not 0', () => {
    const commands = shown.stdout.split('\n').filter((line) => line.startsWith('$ ronctl '));
    expect(commands).toHaveLength(19);
    expect(shown.stdout.match(/\(exit \d+ is expected\)/g)).toEqual([
      '(exit 12 is expected)',
      '(exit 10 is expected)',
      '(exit 10 is expected)',
    ]);
    expect(shown.stdout.match(/^\[exit \d+\]$/gm)).toEqual(['[exit 12]', '[exit 10]', '[exit 10]']);
  });
});

test('--json is the transcript as data; --keep keeps the home, private, and its passphrases', async () => {
  const { data } = await home.json<QuickstartResult>(['quickstart', '--keep', 'trial']);
  expect(data?.kept).toBe(home.file('trial'));
  expect(data?.steps.map(({ exit }) => exit)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 10, 0, 10]);
  expect(data?.steps.every(({ exit, expected_exit }) => exit === expected_exit)).toBe(true);
  expect(data?.steps[9]?.stderr).toContain('waiting for bob (security-officer)');
  expect(data?.steps[18]?.stdout).toContain('record 5');
  expect(existsSync(home.file('trial/alice.pass'))).toBe(true);
  const again = await home.json(['quickstart', '--keep', 'trial'], 3);
  expect(again.error).toMatchObject({ code: 'Exists', field: '--keep' });
  const verify = await home.run(['audit', 'verify'], { env: { RONCTL_HOME: home.file('trial/ronctl-home') } });
  expect(verify.exit).toBe(0);
  const sealed = await home.run(['doctor'], { env: { RONCTL_HOME: home.file('trial/ronctl-home') } });
  expect(sealed.exit).toBe(0);
});
