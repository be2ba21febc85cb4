// The entry that bin/ronctl starts. Refuses (exit 3) to run under an inspector or with anything else than the launcher's
// options: a debugger or a preloaded module reads keys and passphrases.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type StartOptions, start } from './start.ts';

const LAUNCHER_OPTIONS = ['--disable-sigusr1', '--no-addons'];
const FORBIDDEN_VARIABLES = ['NODE_OPTIONS', 'NODE_PATH', 'NODE_EXTRA_CA_CERTS', 'OPENSSL_CONF', 'OPENSSL_MODULES'];

/** Why this process must not go on, or null. */
function refusal(): string | null {
  if (process.getBuiltinModule('node:inspector').url() !== undefined) return 'an inspector is open';
  if (process.execArgv.join(' ') !== LAUNCHER_OPTIONS.join(' ')) {
    return `the runtime was started with [${process.execArgv.join(' ')}] instead of [${LAUNCHER_OPTIONS.join(' ')}]`;
  }
  const variable = FORBIDDEN_VARIABLES.find((name) => process.env[name] !== undefined);
  return variable === undefined ? null : `${variable} is set`;
}

const why = refusal();
if (why === null) {
  const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
  const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as StartOptions['manifest'];
  void start(process.argv.slice(2), { root, manifest, development: false });
} else {
  process.stderr.write(`ronctl: error RefusedStart: ${why}\n  next  Start it through the \`ronctl\` launcher.\n`);
  process.exitCode = 3;
}
