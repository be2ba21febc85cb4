// No command pays for a library that it does not use (I-08).

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT, runBinary, temporaryHome } from '../support/binary.ts';
import { answer, rudeServer } from '../support/rude-server.ts';

const home = temporaryHome();

/** Packages and own modules (`cli/start`) that a command loads. */
async function loadedBy(argv: readonly string[]): Promise<{ packages: string[]; own: string[]; exit: number }> {
  const list = home.file('loaded');
  const run = await runBinary([join(PROJECT, 'test', 'support', 'loaded-modules.ts'), ...argv], {
    program: process.execPath,
    cwd: home.directory,
    env: { RONCTL_LOADED: list, RONCTL_HOME: home.path, HOME: home.directory },
  });
  const urls = readFileSync(list, 'utf8').split('\n');
  const packages = urls.flatMap(
    (url) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(url)?.[1] ?? [],
  );
  const own = urls
    .flatMap((url) => /\/dist\/(.*)\.js$/.exec(url)?.[1] ?? [])
    .filter((path) => !path.includes('node_modules'));
  return { packages: [...new Set(packages)].sort(), own: own.sort(), exit: run.exit };
}

/** What @oclif/core brings along. */
const FRAMEWORK = new Set(
  (await loadedBy(['--version'])).packages.filter(
    (name) => !/noble|inquirer|chalk|zod|undici|fastify|hash-wasm|yaml|toml/.test(name),
  ),
);

const HEAVY = ['zod', 'undici', 'fastify', '@inquirer/prompts', '@inquirer/core', 'chalk', 'yaml', 'smol-toml'];
const NOBLE = ['@noble/curves', '@noble/post-quantum', '@noble/ciphers'];

describe('what a command loads', () => {
  test('version loads nothing beyond the command framework', async () => {
    const { packages, own, exit } = await loadedBy(['version']);
    expect(exit).toBe(0);
    expect(packages.filter((name) => !FRAMEWORK.has(name))).toEqual([]);
    expect(own.filter((path) => /^cli\/shared-(?!base|start|version|rolldown|node-clock)/.test(path))).toEqual([]);
    expect(own.filter((path) => path.startsWith('commands/'))).toEqual(['commands/version']);
  });

  const cases: readonly (readonly [name: string, argv: readonly string[], forbidden: readonly string[]])[] = [
    ['governance list', ['governance', 'list'], [...HEAVY, ...NOBLE]],
    ['audit verify', ['audit', 'verify'], [...HEAVY, ...NOBLE]],
    ['kms sign', ['kms', 'sign', 'acme/k', '--file', 'payload', '--out', 'bundle'], [...HEAVY, ...NOBLE]],
  ];
  test.each(cases)('%s loads no library that it does not use', async (_, argv, forbidden) => {
    const { packages, own } = await loadedBy(argv);
    expect(own).toContain(`commands/${argv[0]}/${argv[1]}`);
    expect(packages.filter((name) => forbidden.includes(name))).toEqual([]);
    expect(own.filter((path) => path.startsWith('commands/'))).toHaveLength(1);
  });

  test('the HTTP client is loaded by a command that reaches a server, and nothing of the server is', async () => {
    const gone = await loadedBy(['kms', 'status', '--kms', 'unix:/nonexistent']);
    expect(gone.packages.filter((name) => HEAVY.includes(name) && name !== 'chalk')).toEqual([]);
    const server = await rudeServer((socket) => socket.write(answer(200, '{"ready":true}')));
    const { packages, own } = await loadedBy(['kms', 'status', '--kms', `unix:${server.socketPath}`]);
    expect(packages).toContain('undici');
    expect(packages).not.toContain('fastify');
    expect(own.filter((path) => path.startsWith('commands/'))).toEqual(['commands/kms/status']);
  });

  test('yaml is loaded by -o yaml, and only there', async () => {
    expect((await loadedBy(['version', '-o', 'yaml'])).packages).toContain('yaml');
  });
});
