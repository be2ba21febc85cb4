// Licences of everything that is packed or used to build, from the lockfile (I-46), and the shape of the lockfile itself.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PROJECT } from './support/binary.ts';

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly bundleDependencies: readonly string[];
}

const read = (name: string): unknown => JSON.parse(readFileSync(`${PROJECT}/${name}`, 'utf8'));
const manifest = read('package.json') as Manifest;
const packages = Object.entries((read('package-lock.json') as { packages: Record<string, Locked> }).packages).filter(
  ([path]) => path !== '',
);

/** May be passed on with an Apache-2.0 work. */
const ALLOWED = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Unlicense',
]);
/** Used to build and test, never packed. */
const ALLOWED_TOOLS = new Set(['MPL-2.0', 'CC-BY-4.0', 'Python-2.0']);

const fits = (licence: string, allowed: ReadonlySet<string>): boolean =>
  licence
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((one) => allowed.has(one.trim())));

describe('licences', () => {
  test('everything that is packed may be passed on', () => {
    const wrong = packages.filter(([, { dev, license }]) => dev !== true && !fits(license ?? 'none', ALLOWED));
    expect(wrong.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
  });

  test('tools are free software too', () => {
    const both = new Set([...ALLOWED, ...ALLOWED_TOOLS]);
    const wrong = packages.filter(([, { dev, license }]) => dev === true && !fits(license ?? 'none', both));
    expect(wrong.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
  });
});

describe('the lockfile', () => {
  test('names exact versions and a hash for everything, no address, no link', () => {
    const wrong = packages.filter(
      ([, { version, integrity, resolved, link }]) =>
        version === undefined || integrity === undefined || resolved !== undefined || link === true,
    );
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  test('nothing runs a script at installation', () => {
    expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path)).toEqual([]);
  });

  test('the manifest asks for exact versions', () => {
    const asked = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    expect(Object.entries(asked).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('every dependency but the runtimes is bundled, the four runtimes are one version and known by hash', () => {
    expect([...manifest.bundleDependencies]).toEqual(Object.keys(manifest.dependencies).sort());
    expect(new Set(Object.values(manifest.optionalDependencies)).size).toBe(1);
    const hashed = readFileSync(`${PROJECT}/bin/runtimes.sha256`, 'utf8').trimEnd().split('\n');
    expect(hashed.map((line) => /^[0-9a-f]{64} {2}(.*)\/bin\/node$/.exec(line)?.[1] ?? line).sort()).toEqual(
      Object.keys(manifest.optionalDependencies).sort(),
    );
  });
});
