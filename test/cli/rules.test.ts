// Walks every command of the manifest and checks the numbered rules of the command line on it: help with an example
// that parses, envelope and schema, streams, no terminal, dry run, refused flags, bypass names, exit codes.

import { describe, expect, test } from 'vitest';
import type { CommandInfo } from '../../src/cli/command-list.ts';
import { EXIT_CODES } from '../../src/operations/explain.ts';
import { envelopeOf, temporaryHome } from '../support/binary.ts';
import { manifestCommands } from '../support/surface.ts';

const home = temporaryHome();
const commands = manifestCommands();
const nameOf = ({ words }: CommandInfo): string => words.join(' ');
const byName = new Map(commands.map((command) => [nameOf(command), command]));

/** Rule 6: everything that writes the home, a signer, or takes a vote. `inspect`, reads and `evidence` (an export) do not. */
const MUTATING_VERBS: Readonly<Record<string, string>> = {
  signer: 'create rotate passphrase backup restore resync',
  governance:
    'init trust propose approve reject retract withdraw execute ingest import escalate tie-break freeze unfreeze tune roll-call dispute post-audit',
  pq: 'propose rollback exceptions',
  kms: 'create rotate sign wrap unwrap retire attest',
  cap: 'mint register revoke rotate',
  audit: 'checkpoint import archive anchor witness',
  store: 'backup restore reseal passphrase',
};
const MUTATING = new Set(
  Object.entries(MUTATING_VERBS)
    .flatMap(([topic, verbs]) => verbs.split(' ').map((verb) => `${topic} ${verb}`))
    .concat('init', 'governance signers change', 'migrate ron-kms'),
);

/** Commands that end at once without arguments and change nothing. */
const readOnly = commands.filter((command) => !MUTATING.has(nameOf(command)) && nameOf(command) !== 'quickstart');

/** The words of an example up to a redirection or pipe, quotes taken away. */
function wordsOf(example: string): string[] {
  const words = [...example.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare!,
  );
  const end = words.findIndex((word) => /^(\||<|>|>>|&&|;|#)/.test(word));
  return end === -1 ? words : words.slice(0, end);
}

/** Why an example would be refused by the parser, or null. */
function exampleFault(command: CommandInfo, example: string): string | null {
  const words = wordsOf(example);
  const start = words.indexOf('ronctl');
  if (start === -1) return 'does not call ronctl';
  const own = words.slice(start + 1);
  if (command.words.some((word, index) => own[index] !== word)) return `is not about ${nameOf(command)}`;
  const rest = own.slice(command.words.length);
  let positional = 0;
  const used = new Set<string>();
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at]!;
    if (!word.startsWith('-') || word === '-') {
      positional++;
      continue;
    }
    const [typed, inline] = word.split('=', 2) as [string, string?];
    const flag = command.flags.find(({ name, char }) => typed === `--${name}` || typed === `-${char}`);
    if (flag === undefined) return `uses ${typed}, which the command does not have`;
    used.add(flag.name);
    if (flag.value === undefined || inline !== undefined) continue;
    at++;
    if (rest[at] === undefined) return `gives no value to ${typed}`;
    if (flag.options.length > 0 && !flag.options.includes(rest[at]!)) return `gives ${rest[at]} to ${typed}`;
  }
  const needed = command.args.filter(({ required }) => required).length;
  const most =
    command.variadic || command.args.some(({ multiple }) => multiple) ? Number.POSITIVE_INFINITY : command.args.length;
  if (positional < needed || positional > most) return `has ${positional} arguments`;
  const missing = command.flags.find(({ name, required }) => required && !used.has(name));
  return missing === undefined ? null : `lacks the required --${missing.name}`;
}

describe('definitions', () => {
  test('the catalogue is there', () => {
    expect(commands.length).toBeGreaterThan(20);
  });

  test.each([...byName])('%s: a summary, examples that parse, flags that say what they do', (_, command) => {
    expect(command.summary).toMatch(/^[a-z].{5,98}[^.]$/);
    expect(command.examples.length).toBeGreaterThan(0);
    expect(
      command.examples.map((example) => [example, exampleFault(command, example)]).filter(([, why]) => why !== null),
    ).toEqual([]);
    expect(command.flags.filter(({ summary }) => summary.length < 8).map(({ name }) => name)).toEqual([]);
    expect(command.args.filter(({ description }) => description.length < 3).map(({ name }) => name)).toEqual([]);
  });

  test.each([...byName])('%s: no secret by value, no bypass without --unsafe-, no plugin', (_, { flags }) => {
    const secret = flags.filter(
      ({ name, value }) => value !== undefined && /pass(word|phrase)|secret|token|pin$/.test(name),
    );
    expect(secret.filter(({ name }) => !/-(file|fd)$/.test(name)).map(({ name }) => name)).toEqual([]);
    expect(
      flags.filter(({ name }) => /^(skip|no-verify|insecure|ignore|force-|disable)/.test(name)).map(({ name }) => name),
    ).toEqual([]);
  });

  test.each([...byName])('%s: --dry-run exactly when it changes something', (name, { flags }) => {
    // These write a file that the operator names, and may have the flag.
    if (name.endsWith(' export') || name === 'config migrate') return;
    // With --audit it appends a record; without, it only reads.
    const mutates = MUTATING.has(name) || name === 'kms verify';
    expect(flags.some((flag) => flag.name === 'dry-run')).toBe(mutates);
  });

  test.each([...byName])('%s: a file output can be forced, and only that', (_, { flags }) => {
    const has = (name: string): boolean => flags.some((flag) => flag.name === name);
    if (has('force')) expect(has('out')).toBe(true);
  });

  test('commands that are always local have no --kms', () => {
    const local =
      /^(init|quickstart|signer|store|config|doctor|inspect|explain|completion|version|evidence)( |$)|^governance (init|trust|simulate)$|^cap (attenuate|inspect|verify|register)$/;
    const wrong = commands.filter(
      (command) => local.test(nameOf(command)) && command.flags.some(({ name }) => name === 'kms'),
    );
    expect(wrong.map(nameOf)).toEqual([]);
  });
});

// Each command starts the program once, without arguments; the other lines run within (test/support/within.ts).
describe.concurrent('the binary, in an empty home and without a terminal', () => {
  test.each([...byName])('%s --help shows usage and examples on stdout', async (_, { words }) => {
    const run = await home.run([...words, '--help'], { ownProcess: false });
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(run.stdout).toContain(`$ ronctl ${words.join(' ')}`);
    expect(run.stdout).toContain('EXAMPLES');
  });

  test.each([...byName])('%s refuses an unknown flag with the envelope', async (_, { words }) => {
    const run = await home.run([...words, '--no-such-flag', '--json'], { ownProcess: false });
    expect(run.exit).toBe(2);
    expect(envelopeOf(run)).toMatchObject({ ok: false, mode: 'offline', error: { code: 'Usage' } });
    expect(run.stderr).toBe('');
  });

  const online = commands.filter(({ flags }) => flags.some(({ name }) => name === 'kms'));
  test.each(online.map((command) => [nameOf(command), command] as const))(
    '%s does nothing here when its server is gone',
    async (_, command) => {
      const example = wordsOf(command.examples[0]!);
      const run = await home.run([
        ...example.slice(example.indexOf('ronctl') + 1).filter((word) => word !== '--kms' && word !== 'local'),
        '--kms',
        'local',
        '--json',
      ]);
      const { mode, error } = envelopeOf(run);
      expect(mode).toBe('online');
      // What is wrong with the arguments themselves may come first; nothing of this home is used instead.
      if (error?.code === 'Unreachable') expect(run.exit).toBe(20);
      else expect(['InvalidValue', 'NotFound', 'Usage']).toContain(error?.code);
      expect(home.exists()).toBe(false);
    },
  );

  test.each([...byName])(
    '%s without arguments: one envelope, a frozen exit code, no question, no home made',
    async (name, { words }) => {
      if (name === 'quickstart') return;
      const run = await home.run([...words, '--json'], { ownProcess: true });
      expect([...EXIT_CODES.keys()]).toContain(run.exit);
      expect(run.exit, run.stderr).not.toBe(1);
      expect(envelopeOf(run).schema).toBe(`ronctl/${words.join('.')}/1`);
      expect(home.exists()).toBe(false);
    },
  );

  test.each(readOnly.map((command) => [nameOf(command), command] as const))(
    '%s: the answer in table mode says the same',
    async (_, { words, args }) => {
      const given = args.filter(({ required }) => required).map(({ options }) => options[0] ?? 'x');
      const json = await home.run([...words, ...given, '--json'], { ownProcess: false });
      const table = await home.run([...words, ...given], { ownProcess: false });
      expect(table.exit).toBe(json.exit);
      if (json.exit === 0) expect(table.stdout).not.toBe('');
      else expect(table.stderr).toMatch(/^ronctl: \w+ [A-Za-z]+: /m);
      expect(`${table.stdout}${table.stderr}`).not.toContain('\u001b');
    },
  );
});
