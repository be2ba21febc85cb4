// Runs the real bin/ronctl in a temporary home and checks the envelope of its --json output against the shipped schema.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterAll, expect } from 'vitest';
import { runWithin } from './within.ts';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const BINARY = join(PROJECT, 'bin', 'ronctl');

export interface Run {
  readonly argv: readonly string[];
  /** 128 + n for signal n. */
  readonly exit: number;
  readonly stdout: string;
  readonly stdoutBytes: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  /** Another program than bin/ronctl. */
  readonly program?: string;
  /** A process of its own, or not, whatever ran before. */
  readonly ownProcess?: boolean;
  /** The server that is asked is a process of its own. */
  readonly serverElsewhere?: boolean;
  /** The exit code that is expected, where it is known. */
  readonly expected?: number;
}

/** Variables every run has; nothing of the caller's environment leaks in but PATH. */
const baseEnv = (): Record<string, string> => ({ PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8' });

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Runs a program to its end, without a terminal. Standard input is empty unless given. */
export function runBinary(argv: readonly string[], options: RunOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(options.program ?? BINARY, [...argv], {
      env: { ...baseEnv(), ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const stdoutBytes = Buffer.concat(stdout);
      resolve({
        argv,
        exit: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0),
        stdout: stdoutBytes.toString('utf8'),
        stdoutBytes,
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin);
  });
}

export interface Envelope<T = unknown> {
  readonly ok: boolean;
  readonly schema: string;
  readonly mode: string;
  readonly data?: T;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string; readonly field?: string };
}

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
const validators = new Map<string, ValidateFunction>();

const errorSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['code', 'message', 'hint'],
  properties: {
    code: { type: 'string' },
    message: { type: 'string', minLength: 1 },
    hint: { type: 'string', minLength: 1 },
    field: { type: 'string' },
  },
};

const checkEnvelope = ajv.compile({
  type: 'object',
  additionalProperties: false,
  required: ['ok', 'schema', 'mode'],
  properties: {
    ok: { type: 'boolean' },
    schema: { type: 'string', pattern: '^ronctl/[a-z0-9.-]+/1$' },
    mode: { enum: ['offline', 'online'] },
    data: {},
    error: errorSchema,
  },
});

/** Path of the schema of a command's data, e.g. of `governance.list`. */
export function schemaFile(command: string): string {
  return join(PROJECT, 'src', 'operations', `${command.replaceAll('.', '/')}.schema.json`);
}

function dataValidator(command: string): ValidateFunction {
  const known = validators.get(command);
  if (known !== undefined) return known;
  const file = schemaFile(command);
  if (!existsSync(file)) throw new Error(`${command} has no schema file ${file}`);
  const compiled = ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as object);
  validators.set(command, compiled);
  return compiled;
}

function checkOne(text: string, exit: number, argv: readonly string[]): Envelope {
  const value = JSON.parse(text) as Envelope;
  const context = `ronctl ${argv.join(' ')}`;
  expect(checkEnvelope(value), `${context}: envelope ${JSON.stringify(checkEnvelope.errors)}`).toBe(true);
  expect(value.ok, `${context}: ok means exit 0`).toBe(exit === 0);
  expect(value.error === undefined, `${context}: an error exactly when not ok`).toBe(value.ok);
  if (value.data !== undefined) {
    const validate = dataValidator(value.schema.slice('ronctl/'.length, -'/1'.length));
    expect(validate(value.data), `${context}: data ${JSON.stringify(validate.errors)}`).toBe(true);
  }
  return value;
}

/** The one envelope on stdout of a run with --json, checked: members, `ok`, data against its schema. */
export function envelopeOf<T = unknown>(run: Run): Envelope<T> {
  expect(run.stdout, `one envelope on stdout; stderr was:\n${run.stderr}`).toMatch(/^\{.*\}\n$/);
  return checkOne(run.stdout, run.exit, run.argv) as Envelope<T>;
}

/** The envelopes of a stream, one per line, each checked; only the last one may carry the error. */
export function envelopesOf<T = unknown>(run: Run): Envelope<T>[] {
  const lines = run.stdout.split('\n').filter((line) => line !== '');
  return lines.map((line, index) => checkOne(line, index === lines.length - 1 ? run.exit : 0, run.argv) as Envelope<T>);
}

/** Servers, and what looks at its own process or outlives its answer. */
const OWN_PROCESS = /^(kms serve|audit witness|quickstart|doctor|completion)$/;
let commandIds: readonly string[] | undefined;
const started = new Set<string>();

/** The command of a line as in the manifest, or null: a topic, a misspelt name, a flag alone. */
function commandOf(argv: readonly string[]): string | null {
  commandIds ??= Object.keys(
    (JSON.parse(readFileSync(join(PROJECT, 'oclif.manifest.json'), 'utf8')) as { commands: object }).commands,
  );
  const ids = commandIds;
  const found = [3, 2, 1].map((count) => argv.slice(0, count).join(':')).find((id) => ids.includes(id));
  return found?.replaceAll(':', ' ') ?? null;
}

/** True for the first line of each command and exit code in a file of tests, and for what `within` is not made for. */
function startsProgram(argv: readonly string[], options: RunOptions): boolean {
  const command = commandOf(argv);
  if (options.program !== undefined || command === null || OWN_PROCESS.test(command)) return true;
  // Descriptors are those of the process.
  if (options.stdin !== undefined || argv.some((word) => /^(-$|--passphrase-fd\b)/.test(word))) return true;
  // A command waits for its server without the event loop, on which a server of the test itself may run.
  const asks = argv.some((word) => /^--kms\b/.test(word)) || options.env?.['RONCTL_KMS'] !== undefined;
  if (asks && options.serverElsewhere !== true) return true;
  if (options.ownProcess !== undefined) return options.ownProcess;
  const key = `${expect.getState().testPath} ${command} ${asks} ${options.expected}`;
  if (started.has(key)) return false;
  started.add(key);
  return true;
}

export class TestHome {
  /** RONCTL_HOME of the runs; not created. */
  readonly path: string;
  /** A directory beside it for files of the test. */
  readonly directory: string;

  constructor(path?: string, base = tmpdir()) {
    this.directory = mkdtempSync(join(base, 'ronctl-test-'));
    this.path = path ?? join(this.directory, 'home');
  }

  /** Runs ronctl in this home, from its directory: bin/ronctl, or within this process as `startsProgram` says. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Run> {
    const env = { RONCTL_HOME: this.path, HOME: this.directory, ...options.env };
    const cwd = options.cwd ?? this.directory;
    if (startsProgram(argv, { ...options, env })) return runBinary(argv, { ...options, cwd, env });
    return runWithin(PROJECT, { argv, env: { ...baseEnv(), ...env }, cwd });
  }

  /** Runs with --json; the exit code must be `exit`; the checked envelope. */
  async json<T = unknown>(argv: readonly string[], exit = 0, options: RunOptions = {}): Promise<Envelope<T>> {
    const run = await this.run([...argv, '--json'], { expected: exit, ...options });
    expect(run.exit, `ronctl ${argv.join(' ')}\n${run.stdout}\n${run.stderr}`).toBe(exit);
    return envelopeOf<T>(run);
  }

  /** Absolute path of a file in the directory. */
  file(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, content: string | Uint8Array, mode = 0o600): string {
    writeFileSync(this.file(name), content, { mode });
    return this.file(name);
  }

  read(name: string): Buffer {
    return readFileSync(this.file(name));
  }

  /** A passphrase file (0600) for a store; made once per name. */
  passphrase(name: string): string {
    const file = this.file(`${name}.pass`);
    if (!existsSync(file)) this.write(`${name}.pass`, `correct horse ${name}\n`);
    return file;
  }

  /** True when something made the home. */
  exists(): boolean {
    return existsSync(this.path);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A home that is removed after the tests of the file. */
export function temporaryHome(): TestHome {
  const home = new TestHome();
  afterAll(() => home.remove());
  return home;
}
