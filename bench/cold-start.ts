// Cold start as ratios of one run (performance page, section 1): `version` and `governance list` against the bare runtime and
// against an empty oclif command of the same versions with a manifest. Target (I-08): governance list at most 1.4 times the
// empty command. Run: npm run build && node bench/cold-start.ts [rounds]

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const rounds = Number(process.argv[2] ?? 21);
const directory = mkdtempSync(join(tmpdir(), 'ronctl-bench-'));

/** The least that oclif can be: one command, a manifest, no plugins. */
function emptyCommand(): string {
  const at = join(directory, 'empty');
  mkdirSync(join(at, 'commands'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(at, 'node_modules'));
  const manifest = {
    name: 'empty',
    version: '0.0.0',
    type: 'module',
    oclif: { bin: 'empty', commands: { strategy: 'pattern', target: './commands' }, plugins: [] },
  };
  writeFileSync(join(at, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(at, 'commands', 'nothing.js'),
    "import { Command } from '@oclif/core';\nexport default class Nothing extends Command {\n  async run() {\n    await this.parse(Nothing);\n  }\n}\n",
  );
  const command = { id: 'nothing', aliases: [], args: {}, flags: {}, hiddenAliases: [], isESM: true, strict: true };
  const commands = { nothing: { ...command, relativePath: ['commands', 'nothing.js'] } };
  writeFileSync(join(at, 'oclif.manifest.json'), JSON.stringify({ version: '0.0.0', commands }));
  const main = join(at, 'main.js');
  writeFileSync(
    main,
    `import { run } from '@oclif/core';\nimport { readFileSync } from 'node:fs';\nconst pjson = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));\nvoid run(process.argv.slice(2), { root: ${JSON.stringify(at)}, pjson, devPlugins: false, userPlugins: false });\n`,
  );
  return main;
}

const node = process.execPath;
const options = ['--disable-sigusr1', '--no-addons'];
const main = join(root, 'dist', 'cli', 'main.js');
const trial = join(directory, 'trial');
const home = join(trial, 'home');
const env = { PATH: '/usr/bin:/bin', RONCTL_HOME: home, HOME: directory };
const start = (argv: readonly string[]): number => {
  const begin = performance.now();
  const done = spawnSync(argv[0] ?? node, argv.slice(1), { env, stdio: 'ignore' });
  if (done.error !== undefined) throw done.error;
  return performance.now() - begin;
};

// A governed home with an executed proposal, so that the list has something to verify.
start([node, ...options, main, 'quickstart', '--keep', trial]);
const variants: readonly (readonly [name: string, argv: readonly string[]])[] = [
  ['bare runtime', [node, ...options, '-e', '0']],
  ['empty oclif command', [node, ...options, emptyCommand(), 'nothing']],
  ['version', [node, ...options, main, 'version']],
  ['governance list', [node, ...options, main, 'governance', 'list']],
  ['bin/ronctl version', [join(root, 'bin', 'ronctl'), 'version']],
];

const times = new Map(variants.map(([name]) => [name, [] as number[]]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, argv] of variants) {
    const ms = start(argv);
    if (round > 0) times.get(name)!.push(ms);
  }
}
rmSync(directory, { recursive: true, force: true });

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const base = median(times.get('empty oclif command')!);
const bare = median(times.get('bare runtime')!);
for (const [name, values] of times) {
  const ms = median(values);
  const ratios = `${(ms / bare).toFixed(2)}x bare, ${(ms / base).toFixed(2)}x empty oclif`;
  process.stdout.write(`${name.padEnd(22)} ${ms.toFixed(1).padStart(7)} ms   ${ratios}\n`);
}
