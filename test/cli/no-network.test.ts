// Offline commands open no socket (cli rules 8 and 14), and an online one only the socket that was named.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { PROJECT, type Run, runBinary, temporaryHome } from '../support/binary.ts';
import { answer, rudeServer } from '../support/rude-server.ts';
import { makeStoryHome, type StoryHome } from '../support/story-home.ts';

const home = temporaryHome();
let story: StoryHome;
beforeAll(async () => {
  story = await makeStoryHome(home);
});

async function watched(argv: readonly string[]): Promise<{ readonly run: Run; readonly network: string[] }> {
  const file = home.file('network');
  const run = await runBinary([join(PROJECT, 'test', 'support', 'watched-network.ts'), ...argv], {
    program: process.execPath,
    cwd: home.directory,
    env: { RONCTL_NETWORK: file, RONCTL_HOME: home.path, HOME: home.directory },
  });
  return { run, network: readFileSync(file, 'utf8').split('\n').filter(Boolean) };
}

const store = (): string[] => ['--passphrase-file', `store=${home.passphrase('store')}`];

const COMMANDS: readonly (readonly [string, () => string[], number])[] = [
  ['version', () => ['version'], 0],
  ['doctor', () => ['doctor'], -1],
  ['governance list', () => ['governance', 'list'], 0],
  ['governance verify', () => ['governance', 'verify'], 0],
  ['governance ingest', () => ['governance', 'ingest', ...store()], 0],
  ['kms list', () => ['kms', 'list'], 0],
  ['kms status', () => ['kms', 'status'], 0],
  ['kms sign', () => ['kms', 'sign', story.kid, '--file', 'payload', '--out', 'b2', '--force', ...store()], 0],
  ['kms verify', () => ['kms', 'verify', '--file', 'payload', '--sig', 'bundle'], 0],
  ['audit verify', () => ['audit', 'verify'], 0],
  ['policy inspect', () => ['policy', 'inspect'], 0],
  ['tail', () => ['tail', '--count', '1'], 0],
  ['kms sign --explain', () => ['kms', 'sign', story.kid, '--b3', 'a'.repeat(64), '--explain'], 0],
];

describe('the network', () => {
  test.each(COMMANDS)('%s does without it', async (_, argv, exit) => {
    const { run, network } = await watched(argv());
    if (exit >= 0) expect(run.exit, run.stderr).toBe(exit);
    expect(network).toEqual([]);
  });

  test('an online command connects to what was named and to nothing else', async () => {
    const server = await rudeServer((socket) => socket.write(answer(200, '{"ready":true,"version":"1"}')));
    const { network } = await watched(['kms', 'status', '--kms', `unix:${server.socketPath}`]);
    expect(network.length).toBeGreaterThan(0);
    expect(network.filter((one) => !one.includes(server.socketPath))).toEqual([]);
  });
});
