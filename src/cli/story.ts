// The story of `quickstart` (command line page): a list of command lines, run one after the other through Host.Processes with
// the package's own bin/ronctl in a fresh home. No outcome is scripted: what is shown is what the commands printed. Ids and
// digests of later steps come from the --json output of earlier ones. The first unexpected exit code ends it.

import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalFile, type JsonObject, parseCanonicalFile } from '../bytes/canonical-json.ts';
import { toHex } from '../bytes/hex.ts';
import { fromUtf8 } from '../bytes/text.ts';
import { RonError } from '../errors.ts';
import type { Host } from '../host.ts';

/** What earlier steps found out. */
interface Facts {
  readonly kid: string;
  readonly proposal: string;
  readonly digest: string;
}

/** RONCTL_HOME of the story, in its directory. Not `home`: `/home/NAME` in a transcript reads like a person's own. */
export const STORY_HOME = 'ronctl-home';

interface Step {
  /** Why, for the reader. */
  readonly note: string;
  /** Words after `ronctl`. */
  readonly argv: (facts: Facts) => readonly string[];
  readonly exit: number;
  /** An edit of files before the command, and what it is. */
  readonly edit?: { readonly text: string; readonly apply: (directory: string) => void };
  /** Takes facts from the --json output. */
  readonly learn?: (data: JsonObject, facts: Facts) => Facts;
}

const PEOPLE = ['alice', 'bob', 'carol'] as const;
const STORES = [...PEOPLE, 'store'] as const;

const passphrase = (store: string): readonly string[] => ['--passphrase-file', `${store}.pass`];
const words = (line: string): readonly string[] => line.split(' ');
const text = (value: unknown): string => {
  if (typeof value === 'string') return value;
  throw new Error('the story expected a text in the output of a step');
};
const member = (value: unknown, name: string): JsonObject => (value as JsonObject)[name] as JsonObject;

/** The bundle without its post-quantum half. */
function stripBundle(directory: string): void {
  const bundle = parseCanonicalFile(readFileSync(join(directory, 'release.sig')), 'release.sig') as JsonObject;
  const sigs = (bundle['sigs'] as readonly JsonObject[]).filter((signature) => signature['alg'] !== 'ml-dsa');
  writeFileSync(join(directory, 'stripped.sig'), canonicalFile({ ...bundle, sigs }), { mode: 0o600 });
}

/** A copy of the audit log with one hex digit of one record changed. */
function damageLog(directory: string): void {
  const copy = join(directory, 'copy');
  cpSync(join(directory, STORY_HOME, 'audit'), copy, { recursive: true });
  const epoch = readdirSync(copy).find((name) => name.startsWith('e0'))!;
  const segment = join(copy, epoch, 'segments', '000000.jsonl');
  const lines = readFileSync(segment, 'utf8').split('\n');
  lines[5] = lines[5]!.replace(
    /"([0-9a-f])([0-9a-f]{63})"/,
    (_, first: string, rest: string) => `"${first === '0' ? '1' : '0'}${rest}"`,
  );
  writeFileSync(segment, lines.join('\n'));
}

const STEPS: readonly Step[] = [
  ...PEOPLE.map(
    (id): Step => ({
      note: `${id} makes a sealed identity of their own`,
      argv: () => ['signer', 'create', id, ...passphrase(id)],
      exit: 0,
    }),
  ),
  {
    note: 'the custody store and its audit log',
    argv: () => ['init', '--profile', 'dev', ...passphrase('store')],
    exit: 0,
  },
  {
    note: 'the genesis: who decides, and that two of the three must agree',
    argv: () => [
      ...words('governance init --members policy-owner=alice,security-officer=bob,custodian=carol --threshold 2'),
      ...STORES.flatMap((store) => ['--passphrase-file', `${store}=${store}.pass`]),
    ],
    exit: 0,
  },
  {
    note: 'a signing key; phase 1 gives it a classical and a post-quantum half',
    argv: () => [
      ...words('kms create --tenant acme --purpose release --alg ed25519 --new-tenant'),
      ...passphrase('store'),
      '--json',
    ],
    exit: 0,
    learn: (data, facts) => ({ ...facts, kid: text(member(data, 'key')['kid']) }),
  },
  {
    note: 'alice proposes that both halves must be valid from now on',
    argv: () => [
      ...words('governance propose --scope tenant:ACME --change pq_mode=and'),
      '--rationale',
      'hybrid AND cutover',
      ...words('--expires 24h --signer alice'),
      ...passphrase('alice'),
      '--json',
    ],
    exit: 0,
    learn: (data, facts) => ({
      ...facts,
      proposal: text(member(data, 'proposal')['id']),
      digest: text(member(data, 'proposal')['digest']),
    }),
  },
  { note: 'what is to be decided, in words', argv: ({ proposal }) => ['governance', 'show', proposal], exit: 0 },
  {
    note: 'the policy owner approves',
    argv: ({ proposal, digest }) => [
      ...words(`governance approve ${proposal} --role policy-owner --expect-digest ${digest}`),
      ...passphrase('alice'),
    ],
    exit: 0,
  },
  {
    note: 'one approval is not a quorum',
    argv: ({ proposal }) => ['governance', 'execute', proposal, ...passphrase('store')],
    exit: 12,
  },
  {
    note: 'the security officer approves',
    argv: ({ proposal, digest }) => [
      ...words(`governance approve ${proposal} --role security-officer --expect-digest ${digest}`),
      ...passphrase('bob'),
    ],
    exit: 0,
  },
  {
    note: 'now it is executed',
    argv: ({ proposal }) => ['governance', 'execute', proposal, ...passphrase('store')],
    exit: 0,
  },
  { note: 'the policy in force', argv: () => ['policy', 'inspect', '--tenant', 'acme'], exit: 0 },
  { note: 'a new version of the key', argv: ({ kid }) => ['kms', 'rotate', kid, ...passphrase('store')], exit: 0 },
  {
    note: 'a signature with both halves',
    argv: ({ kid }) => ['kms', 'sign', kid, '--file', 'release.txt', '--out', 'release.sig', ...passphrase('store')],
    exit: 0,
  },
  { note: 'it verifies', argv: () => ['kms', 'verify', '--file', 'release.txt', '--sig', 'release.sig'], exit: 0 },
  {
    note: 'without its post-quantum half the rest does not verify: each half signs the names of both',
    edit: { text: 'stripped.sig: release.sig without its ML-DSA half', apply: stripBundle },
    argv: () => ['kms', 'verify', '--file', 'release.txt', '--sig', 'stripped.sig'],
    exit: 10,
  },
  { note: 'the whole history, checked without a passphrase', argv: () => ['audit', 'verify'], exit: 0 },
  {
    note: 'and what it finds when one digit of one record is changed',
    edit: { text: 'copy: the audit log with one digit of record 5 changed', apply: damageLog },
    argv: () => ['audit', 'verify', 'copy'],
    exit: 10,
  },
];

export interface StoryStep {
  readonly number: number;
  readonly note: string;
  readonly edit: string | null;
  readonly command: string;
  readonly expected_exit: number;
}

export interface StoryResult extends StoryStep {
  readonly exit: number;
  readonly duration_ms: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StoryListener {
  before(step: StoryStep): Promise<void>;
  after(result: StoryResult): Promise<void>;
}

/** A word as a shell would want it. */
const shown = (word: string): string => (/^[\w@%+=:,./#-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Passphrase files and a file to sign, in a directory that exists; the passphrases by store. */
export function prepareStory(host: Pick<Host, 'random'>, directory: string): ReadonlyMap<string, string> {
  chmodSync(directory, 0o700);
  mkdirSync(join(directory, STORY_HOME), { mode: 0o700 });
  const made = new Map(STORES.map((store) => [store, toHex(host.random.bytes(12))]));
  for (const [store, secret] of made) writeFileSync(join(directory, `${store}.pass`), `${secret}\n`, { mode: 0o600 });
  writeFileSync(join(directory, 'release.txt'), 'ronctl quickstart\n', { mode: 0o600 });
  return made;
}

export interface StoryRequest {
  readonly directory: string;
  /** bin/ronctl of this package. */
  readonly program: string;
  readonly listener: StoryListener;
}

/** Runs the steps up to the first unexpected exit code. */
export async function runStory(host: Host, { directory, program, listener }: StoryRequest): Promise<StoryResult[]> {
  const inherited = ['PATH', 'HOME', 'RONCTL_CRYPTO_PROVIDER'].flatMap((name) => {
    const value = host.env.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const env = { ...Object.fromEntries(inherited), RONCTL_HOME: join(directory, STORY_HOME) };
  const results: StoryResult[] = [];
  let facts: Facts = { kid: '', proposal: '', digest: '' };
  for (const [index, { note, argv, exit, edit, learn }] of STEPS.entries()) {
    const words = argv(facts);
    edit?.apply(directory);
    const step: StoryStep = {
      number: index + 1,
      note,
      edit: edit?.text ?? null,
      command: `ronctl ${words.map(shown).join(' ')}`,
      expected_exit: exit,
    };
    await listener.before(step);
    const run = await host.processes.run([program, ...words], { env, cwd: directory });
    const stdout = fromUtf8(run.stdout) ?? '';
    const result: StoryResult = {
      ...step,
      exit: run.exitCode,
      duration_ms: Math.round(run.durationMs),
      stdout,
      stderr: fromUtf8(run.stderr) ?? '',
    };
    results.push(result);
    await listener.after(result);
    if (run.exitCode !== exit) return results;
    if (learn !== undefined) facts = learn(member(JSON.parse(stdout), 'data'), facts);
  }
  return results;
}

/** How many steps the whole story has. */
export const STORY_LENGTH = STEPS.length;

/** An empty directory that the operator named; Exists when there is something. */
export function makeStoryDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    throw new RonError('Exists', `${path} cannot be made: choose a directory that does not exist yet`, {
      field: '--keep',
      cause,
    });
  }
}
