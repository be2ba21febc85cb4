// What `TestHome` runs within the process of a test is what the program does: the same bytes on both streams, the same exit
// code, the same files, and nothing is left behind in the process.

import { cpSync, rmSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { treeOf } from '../support/bad-input.ts';
import { PROJECT, type RunOptions, temporaryHome } from '../support/binary.ts';
import { makeStoryHome, type StoryHome } from '../support/story-home.ts';

const home = temporaryHome();
let story: StoryHome;
beforeAll(async () => {
  story = await makeStoryHome(home);
  cpSync(home.path, home.file('kept'), { recursive: true });
});

const LINES: [line: string, exit: number, env?: Readonly<Record<string, string>>][] = [
  ['governance --help', 0],
  ['kms list --help', 0],
  ['governance list', 0],
  ['kms list -o yaml', 0],
  ['governance list', 0, { RONCTL_OUTPUT: 'json' }],
  ['governance show ID', 0],
  ['kms list --no-such-flag', 2],
  ['kms list --no-such-flag --json', 2],
  ['kms show nothing', 3],
  ['kms verify --file payload --sig bundle', 0],
  ['kms verify --file bundle --sig bundle --json', 10],
  ['kms show KID --json', 0, { RONCTL_CRYPTO_PROVIDER: 'noble' }],
  ['kms show KID --json', 3, { RONCTL_CRYPTO_PROVIDER: 'openssl' }],
  ['audit verify', 0],
  ['inspect nowhere --json', 4],
  ['kms sign KID --file payload', 2],
  ['kms sign KID --file payload --json', 4, { RONCTL_CONFIG: 'nowhere.toml' }],
];

/** Times and ids that differ from run to run. */
const steady = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+( UTC|Z)/g, 'TIME')
    .replace(/\b(in )?\d+ ?(h|min|s|ms)\b( ago)?/g, 'SPAN')
    .replace(/"seconds_left":\d+/, '"seconds_left":N');

test.each(LINES)('ronctl %s is %i, with the same answer', async (line, exit, env) => {
  const argv = line.replace('KID', story.kid).replace('ID', story.proposal.id).split(' ');
  const options: RunOptions = env === undefined ? {} : { env };
  const outside = await home.run(argv, { ...options, ownProcess: true });
  const within = await home.run(argv, { ...options, ownProcess: false });
  expect(outside.exit, outside.stderr).toBe(exit);
  const answer = { exit, stdout: steady(outside.stdout), stderr: steady(outside.stderr) };
  expect({ exit: within.exit, stdout: steady(within.stdout), stderr: steady(within.stderr) }).toEqual(answer);
});

test('it writes the same files with the same modes, and its lock is free afterwards', async () => {
  const argv = ['kms', 'rotate', story.kid, '--passphrase-file', home.passphrase('store'), '--json'];
  const written = async (ownProcess: boolean): Promise<string[]> => {
    rmSync(home.path, { recursive: true, force: true });
    cpSync(home.file('kept'), home.path, { recursive: true });
    const run = await home.run(argv, { ownProcess });
    expect(run.exit, run.stderr).toBe(0);
    // Digests and random names differ.
    return treeOf(home.path).map((one) => one.replace(/ [0-9a-f]{64}$/, '').replace(/[0-9a-f]{16,}/g, 'ID'));
  };
  const outside = await written(true);
  expect(await written(false)).toEqual(outside);
  expect((await home.run(argv, { ownProcess: true })).exit).toBe(0);
  expect((await home.run(argv, { ownProcess: false })).exit).toBe(0);
});

test('directory, environment, umask and exit code of the process stay', async () => {
  const now = () => [process.cwd(), process.umask(), process.exitCode, { ...process.env }];
  process.chdir(PROJECT);
  const before = now();
  await home.run(['kms', 'show', 'nothing'], { ownProcess: false, env: { RONCTL_OUTPUT: 'yaml' } });
  expect(now()).toEqual(before);
});
