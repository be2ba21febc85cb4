// The build: dist from src with the TypeScript compiler, the JSON schemas of results beside it, oclif.manifest.json from the
// command classes, and what bin/package-files.js adds. Runs after `npm ci` (prepare) and by `npm run build`; the npm scripts
// run it on the bundled runtime.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin, settings } from '@oclif/core';
import { writeFileManifest, writeSbom } from './package-files.js';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const dist = join(root, 'dist');

function compile() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const done = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.json')], {
    stdio: 'inherit',
    cwd: root,
  });
  if (done.status !== 0) throw new Error(`tsc ended with ${done.status ?? done.signal}`);
}

function copySchemas() {
  for (const schema of globSync('**/*.schema.json', { cwd: join(root, 'src') })) {
    mkdirSync(dirname(join(dist, schema)), { recursive: true });
    cpSync(join(root, 'src', schema), join(dist, schema));
  }
}

const sorted = (value) =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(
        Object.keys(value)
          .toSorted()
          .map((name) => [name, sorted(value[name])]),
      )
    : Array.isArray(value)
      ? value.map(sorted)
      : value;

async function writeManifest() {
  settings.enableAutoTranspile = false;
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
  await plugin.load();
  // What oclif copies from class statics beyond its own members stays out: it would be parsed at every start.
  const commands = Object.fromEntries(
    Object.entries(plugin.manifest.commands).map(([id, command]) => [
      id,
      { ...command, hidden: command.hidden ?? false },
    ]),
  );
  const file = join(root, 'oclif.manifest.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(sorted({ version: plugin.manifest.version, commands }))}\n`);
  renameSync(`${file}.new`, file);
}

rmSync(join(root, 'oclif.manifest.json'), { force: true });
if (existsSync(dist)) rmSync(dist, { recursive: true });
compile();
copySchemas();
await writeManifest();
writeSbom(root);
writeFileManifest(root);
