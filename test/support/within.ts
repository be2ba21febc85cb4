// A command line in the process of the test, through the entry that bin/ronctl starts: the built commands, the real host and
// reporter, with files as output and nothing as input. A start of the program costs a hundred times as much as most commands do, so
// `TestHome` starts it for the first line of each command and outcome in a file of tests, and takes this for the others.
// Not for what is about processes: signals, terminals, pipes, servers, several at once.

import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { startWithin } from '../../src/cli/start.ts';
import type { Run } from './binary.ts';

export interface Line {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

interface Built {
  readonly startWithin: typeof startWithin;
}

/** As node loads it, not through vitest: the modules that are packed. */
const builtEntry = (root: string): Built => createRequire(import.meta.url)(join(root, 'dist/cli/start.js')) as Built;

/** As a command left it. */
const exitCode = (): number => Number(process.exitCode ?? 0);

async function once(root: string, { argv, env, cwd }: Line): Promise<Run> {
  const { startWithin } = builtEntry(root);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const directory = mkdtempSync(join(tmpdir(), 'ronctl-within-'));
  const file = (name: string): string => join(directory, name);
  const streams = {
    stdin: openSync('/dev/null', 'r'),
    stdout: openSync(file('stdout'), 'a'),
    stderr: openSync(file('stderr'), 'a'),
  };
  const before = { env: process.env, cwd: process.cwd(), umask: process.umask(0o077), exit: process.exitCode };
  process.exitCode = undefined;
  try {
    process.chdir(cwd);
    process.env = { ...env };
    await startWithin(argv, { root, manifest, development: false }, streams);
    const stdoutBytes = readFileSync(file('stdout'));
    return {
      argv,
      exit: exitCode(),
      stdout: stdoutBytes.toString('utf8'),
      stdoutBytes,
      stderr: readFileSync(file('stderr'), 'utf8'),
    };
  } finally {
    process.env = before.env;
    process.chdir(before.cwd);
    process.umask(before.umask);
    process.exitCode = before.exit;
    for (const fd of Object.values(streams)) closeSync(fd);
    rmSync(directory, { recursive: true, force: true });
  }
}

let last: Promise<unknown> = Promise.resolve();

/** A deadline against hangs, so that only one test waits for a line that never ends. */
async function ended(run: Promise<Run>, { argv }: Line): Promise<Run> {
  let timer: NodeJS.Timeout | undefined;
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`ronctl ${argv.join(' ')} does not end within the process`)), 60_000);
  });
  try {
    return await Promise.race([run, hung]);
  } finally {
    clearTimeout(timer);
  }
}

/** One after another: directory, environment and exit code belong to the process. */
export function runWithin(root: string, line: Line): Promise<Run> {
  const run = last.then(() => ended(once(root, line), line));
  last = run.catch(() => undefined);
  return run;
}
