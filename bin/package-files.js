// What the package holds besides code: dist/files.sha256, the SHA-256 of every file of our own, of everything in bundled
// dependencies that can run or be loaded, and of the four runtimes (checked by `ronctl version --verify` and `ronctl
// doctor`); and dist/sbom.cdx.json, a CycloneDX 1.6 list of what is in it. Both from the lockfile and the tree of `npm ci`.

import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OWN = ['bin/ronctl', 'CHANGELOG.md', 'LICENSE', 'README.md', 'oclif.manifest.json', 'package.json'];
const OWN_DIRECTORIES = ['dist', 'man', 'vectors'];
/** What a dependency can run or load. npm leaves some of the other files out when it packs, which ones depends on npm. */
const LOADABLE = /\.(js|cjs|mjs|json|wasm|node)$/;

const MANIFEST = 'dist/files.sha256';
const SBOM = 'dist/sbom.cdx.json';

const readJson = (root, path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

function* walk(root, path) {
  for (const name of readdirSync(join(root, path)).sort()) {
    const inner = `${path}/${name}`;
    const info = lstatSync(join(root, inner));
    if (info.isDirectory()) yield* walk(root, inner);
    else if (info.isFile()) yield inner;
  }
}

const exists = (root, path) => lstatSync(join(root, path), { throwIfNoEntry: false }) !== undefined;

/** Locked packages that run with the product: their path in the tree, and their lock entry. */
export function runtimePackages(lock) {
  return Object.entries(lock.packages).filter(
    ([path, entry]) => path !== '' && entry.dev !== true && entry.devOptional !== true,
  );
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

export function writeFileManifest(root) {
  const lock = readJson(root, 'package-lock.json');
  const bundled = runtimePackages(lock)
    .filter(([, entry]) => entry.optional !== true)
    .map(([path]) => path);
  const nested = (path, inner) =>
    bundled.some((other) => other !== path && inner.startsWith(`${other}/`) && other.startsWith(`${path}/`));
  const files = [
    ...OWN.filter((path) => exists(root, path)),
    ...OWN_DIRECTORIES.filter((path) => exists(root, path)).flatMap((path) => [...walk(root, path)]),
    ...bundled
      .filter((path) => exists(root, path))
      .flatMap((path) => [...walk(root, path)].filter((inner) => LOADABLE.test(inner) && !nested(path, inner))),
  ].filter((path) => path !== MANIFEST);
  const inOrder = [...new Set(files)].toSorted((a, b) => (a < b ? -1 : 1));
  const lines = inOrder.map((path) => `${sha256(readFileSync(join(root, path)))}  ${path}`);
  const runtimes = readFileSync(join(root, 'bin/runtimes.sha256'), 'utf8').trimEnd().split('\n');
  writeFileSync(
    join(root, MANIFEST),
    `${[...lines, ...runtimes.map((line) => line.replace('  ', '  runtime/'))].join('\n')}\n`,
  );
}

const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const purl = (name, version) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

export function writeSbom(root) {
  const lock = readJson(root, 'package-lock.json');
  const { name, version, license } = lock.packages[''];
  const component = ([path, entry]) => ({
    type: 'library',
    'bom-ref': purl(nameOf(path), entry.version),
    name: nameOf(path),
    version: entry.version,
    scope: entry.optional === true ? 'optional' : 'required',
    ...(entry.integrity === undefined
      ? {}
      : {
          hashes: [
            { alg: 'SHA-512', content: Buffer.from(entry.integrity.slice('sha512-'.length), 'base64').toString('hex') },
          ],
        }),
    ...(entry.license === undefined
      ? {}
      : {
          licenses: [
            / (OR|AND|WITH) /.test(entry.license) ? { expression: entry.license } : { license: { id: entry.license } },
          ],
        }),
    purl: purl(nameOf(path), entry.version),
  });
  const components = runtimePackages(lock).map(component);
  const known = new Map(components.map((one) => [one['bom-ref'], one]));
  const sbom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': purl(name, version),
        name,
        version,
        licenses: [{ license: { id: license } }],
        purl: purl(name, version),
      },
    },
    components: [...known.values()],
  };
  writeFileSync(join(root, SBOM), `${JSON.stringify(sbom, null, 1)}\n`);
}
