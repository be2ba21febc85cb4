// The entry that bin/ronctl starts. Refuses (exit 3) to run under an inspector or with anything else than the launcher's
// options: a debugger or a preloaded module reads keys and passphrases.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { useCodeCache } from './code-cache.ts';
import type { StartOptions } from './start.ts';

const LAUNCHER_OPTIONS = ['--disable-sigusr1', '--no-addons'];
const FORBIDDEN_VARIABLES = [
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_EXTRA_CA_CERTS',
  'NODE_COMPILE_CACHE',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
];

/** Why this process must not go on, or null. */
function refusal(): string | null {
  if (process.getBuiltinModule('node:inspector').url() !== undefined) return 'an inspector is open';
  if (process.execArgv.join(' ') !== LAUNCHER_OPTIONS.join(' ')) {
    return `the runtime was started with [${process.execArgv.join(' ')}] instead of [${LAUNCHER_OPTIONS.join(' ')}]`;
  }
  const variable = FORBIDDEN_VARIABLES.find((name) => process.env[name] !== undefined);
  return variable === undefined ? null : `${variable} is set`;
}

async function main(): Promise<void> {
  const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
  useCodeCache(root);
  // Everything else is loaded when the cache is on.
  const { start } = await import('./start.ts');
  const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as StartOptions['manifest'];
  await start(process.argv.slice(2), { root, manifest, development: false });
}

const why = refusal();
if (why === null) {
  void main();
} else {
  process.stderr.write(`ronctl: error RefusedStart: ${why}\n  next  Start it through the \`ronctl\` launcher.\n`);
  process.exitCode = 3;
}
