// Programs that are not ours and check an exported log: golang.org/x/mod/sumdb where Go and its package are installed, and one
// of the standard library of Python. Absent ones are reported once, not silently passed over.

import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Checked {
  readonly exit: number | null;
  /** stdout and stderr. */
  readonly output: string;
}

export interface Checker {
  readonly name: string;
  /** `log` is a directory or a URL. */
  check(log: string, vkey: string, oldSizes?: readonly number[]): Promise<Checked>;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const PATH = process.env['PATH'] ?? '/usr/bin:/bin';

function run(argv: readonly string[]): Promise<Checked> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), { env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += String(chunk)));
    child.on('error', reject);
    child.on('close', (exit) => resolve({ exit, output }));
  });
}

const checker = (name: string, program: readonly string[]): Checker => ({
  name,
  check: (log, vkey, oldSizes = []) => run([...program, log, vkey, ...oldSizes.map(String)]),
});

/** Debian's golang-golang-x-mod-dev under GOPATH, so that nothing is downloaded; null without it. */
function goChecker(): Checker | null {
  if (spawnSync('go', ['version'], { env: { PATH } }).error !== undefined) return null;
  const directory = mkdtempSync(join(tmpdir(), 'ronctl-go-'));
  mkdirSync(join(directory, 'cache'));
  copyFileSync(here('./tlog-check/main.go'), join(directory, 'main.go'));
  const env = {
    PATH,
    HOME: directory,
    GOCACHE: join(directory, 'cache'),
    GO111MODULE: 'off',
    GOPATH: '/usr/share/gocode',
  };
  const built = spawnSync('go', ['build', '-o', 'tlog-check', 'main.go'], { cwd: directory, env });
  return built.status === 0 ? checker('Go x/mod/sumdb', [join(directory, 'tlog-check')]) : null;
}

function pythonChecker(): Checker | null {
  if (spawnSync('python3', ['--version'], { env: { PATH } }).error !== undefined) return null;
  return checker('Python', ['python3', here('./tlog_check.py')]);
}

export function tlogCheckers(): readonly Checker[] {
  const found: readonly (Checker | null)[] = [goChecker(), pythonChecker()];
  const there = found.filter((one) => one !== null);
  process.stdout.write(`tlog checkers: ${there.map((one) => one.name).join(', ') || 'none here'}\n`);
  return there;
}
