// The build: src through the TypeScript compiler, its modules joined into few files in dist, the JSON schemas of results
// beside them, oclif.manifest.json from the command classes, and what bin/package-files.js adds. Runs after `npm ci` (prepare) and by `npm run build`; the npm scripts
// run it on the bundled runtime.

import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin, settings } from '@oclif/core';
import { rolldown } from 'rolldown';
import { writeFileManifest, writeSbom } from './package-files.js';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const dist = join(root, 'dist');

function compile(out) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const done = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.json'), '--outDir', out], {
    stdio: 'inherit',
    cwd: root,
  });
  if (done.status !== 0) throw new Error(`tsc ended with ${done.status ?? done.signal}`);
}

/** What oclif, the launcher and worker threads load by name. */
const ENTRIES = ['cli/main', 'cli/start', 'cli/help', 'cli/not-found'];
/** Its own bundle: a thread starts with what its tasks need, and none of the files that commands share. */
const WORKER = 'cli/worker';

/** Shared modules by what uses them together; a command loads a handful of files instead of 150 (I-08). */
const GROUPS = [
  { name: 'base', test: /\/(cli|ui|bytes|errors|limits|host)\b[^/]*(\/|\.js$)/, minShareCount: 20, priority: 5 },
  { name: 'crypto', test: /\/crypto\//, minShareCount: 2, priority: 4 },
  { name: 'governance', test: /\/governance\//, minShareCount: 2, priority: 3 },
  { name: 'storage', test: /\/(audit|sealed|storage|envelope)\//, minShareCount: 2, priority: 2 },
  { name: 'keys', test: /\/(policy|rollout|keys|kms)\//, minShareCount: 2, priority: 1 },
];

/**
 * Packages stay outside: they are bundled with the package as they are. Names stay as written, for stack traces; white
 * space and comments go, because parsing is most of a cold start.
 */
async function joinModules(from) {
  const commands = globSync('commands/**/*.js', { cwd: from }).map((file) => file.replace(/\.js$/, ''));
  await bundle(from, [...ENTRIES, ...commands], 'shared', GROUPS);
  await bundle(from, [WORKER], 'worker', []);
}

async function bundle(from, names, chunks, groups) {
  const input = Object.fromEntries(names.map((name) => [name, join(from, `${name}.js`)]));
  const joined = await rolldown({ input, platform: 'node', external: (id) => !/^[./]/.test(id) });
  await joined.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: `cli/${chunks}-[name].js`,
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    codeSplitting: { groups },
  });
  await joined.close();
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
rmSync(dist, { recursive: true, force: true });
const compiled = mkdtempSync(join(tmpdir(), 'ronctl-build-'));
try {
  compile(compiled);
  await joinModules(compiled);
} finally {
  rmSync(compiled, { recursive: true, force: true });
}
copySchemas();
await writeManifest();
writeSbom(root);
writeFileManifest(root);
