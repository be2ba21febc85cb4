// Every kind of file that a command takes, broken in every way: empty, cut, with duplicate members, fractions, huge numbers,
// deep nesting, bytes that are no text, of another kind, of a later version, of 100 MB, a directory, a broken link, or with
// one byte changed. Each is one error that names the file, with the frozen exit code, and nothing is written.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectRefused } from '../support/bad-input.ts';
import { type TestHome, temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { makeStoryHome, type StoryHome } from '../support/story-home.ts';

const home = temporaryHome();
/** Signers and a store, no genesis. */
const ungoverned = temporaryHome();
/** Nothing at all. */
const empty = temporaryHome();
const keep = mkdtempSync(join(tmpdir(), 'ronctl-keep-'));
afterAll(() => rmSync(keep, { recursive: true, force: true }));
let story: StoryHome;

const KINDS = ['signer bundle', 'genesis', 'request', 'proposal', 'signature bundle', 'key object'] as const;
type Kind = (typeof KINDS)[number];
const good = (kind: Kind): string => join(keep, kind);

beforeAll(async () => {
  story = await makeStoryHome(home);
  await makeSigners(ungoverned, 'alice', 'bob', 'carol');
  await makeStore(ungoverned);
  const trust = readdirSync(join(home.path, 'trust')).find((name) => name.startsWith('gl-'))!;
  const key = readdirSync(join(home.path, 'store', 'keys')).find((name) => name.endsWith('.pub.json'))!;
  const from: Record<Kind, string> = {
    'signer bundle': join(ungoverned.path, 'signers', 'alice', 'signer.json'),
    genesis: join(home.path, 'trust', trust, 'genesis.json'),
    request: home.file('request'),
    proposal: join(home.path, 'inbox', `${story.proposal.digest.slice(7)}.json`),
    'signature bundle': home.file('bundle'),
    'key object': join(home.path, 'store', 'keys', key),
  };
  for (const kind of KINDS) cpSync(from[kind], good(kind));
  home.passphrase('bob');
});

interface Use {
  readonly kind: Kind;
  readonly name: string;
  readonly where: TestHome;
  readonly argv: () => string[];
}

const FILE = 'broken.file';
const sure = (): string[] => [
  '--signer',
  'bob',
  '--expect-digest',
  story.proposal.digest,
  '--passphrase-file',
  'bob.pass',
];
const uses: Use[] = [
  {
    kind: 'signer bundle',
    name: 'governance init --members',
    where: ungoverned,
    argv: () => [
      ...`governance init --members policy-owner=${FILE},security-officer=bob,custodian=carol --threshold 2`.split(' '),
      ...['bob', 'carol', 'store'].flatMap((id) => ['--passphrase-file', `${id}=${id}.pass`]),
    ],
  },
  {
    kind: 'genesis',
    name: 'governance trust',
    where: empty,
    argv: () => ['governance', 'trust', FILE, '--expect-digest', `sha256:${'0'.repeat(64)}`],
  },
  {
    kind: 'genesis',
    name: 'governance init --adopt',
    where: ungoverned,
    argv: () => ['governance', 'init', '--adopt', FILE, '--passphrase-file', 'store.pass'],
  },
  {
    kind: 'genesis',
    name: 'governance init --sign',
    where: ungoverned,
    argv: () => ['governance', 'init', '--sign', FILE, '--signer', 'alice', '--out', 'g'],
  },
  { kind: 'request', name: 'governance approve', where: home, argv: () => ['governance', 'approve', FILE, ...sure()] },
  { kind: 'request', name: 'governance import', where: home, argv: () => ['governance', 'import', FILE] },
  { kind: 'request', name: 'governance verify', where: home, argv: () => ['governance', 'verify', FILE] },
  { kind: 'proposal', name: 'governance approve', where: home, argv: () => ['governance', 'approve', FILE, ...sure()] },
  { kind: 'proposal', name: 'governance import', where: home, argv: () => ['governance', 'import', FILE] },
  {
    kind: 'proposal',
    name: 'governance propose --from',
    where: home,
    argv: () => ['governance', 'propose', '--from', FILE, '--signer', 'bob', '--passphrase-file', 'bob.pass'],
  },
  {
    kind: 'signature bundle',
    name: 'kms verify --sig',
    where: home,
    argv: () => ['kms', 'verify', '--file', 'payload', '--sig', FILE],
  },
  {
    kind: 'key object',
    name: 'kms verify --key',
    where: home,
    argv: () => ['kms', 'verify', '--file', 'payload', '--sig', 'bundle', '--key', FILE],
  },
  ...(['genesis', 'request', 'signature bundle'] as const).map(
    (kind): Use => ({ kind, name: 'inspect', where: home, argv: () => ['inspect', FILE] }),
  ),
];

const HUNDRED_MB = 100 * 1024 * 1024;

type Damage = [name: string, make: (text: string) => string | Uint8Array | (() => void), code: string, message: RegExp];

const insert = (text: string, member: string): string => text.replace('{', `{${member},`);

const damages = (where: TestHome): Damage[] => [
  ['empty', () => '', 'Malformed', /empty file|no file that ronctl recognises/],
  ['cut', (text) => text.slice(0, text.length / 2), 'Malformed', /cut off|does not end/],
  [
    'a duplicate member',
    (text) => insert(text, `${/"[a-z0-9_]+":/i.exec(text)![0]}1`),
    'Malformed',
    /duplicate member/,
  ],
  ['a fraction', (text) => insert(text, '"aaa":1.5'), 'Malformed', /member aaa, offset 7/],
  ['a huge number', (text) => insert(text, '"aaa":123456789012345678901'), 'Malformed', /beyond 2\^53-1/],
  ['an exponent', (text) => insert(text, '"aaa":1e999'), 'Malformed', /only integers/],
  [
    'deep nesting',
    (text) => insert(text, `"aaa":${'['.repeat(9999)}${']'.repeat(9999)}`),
    'Malformed',
    /nested deeper than 16/,
  ],
  ['an unknown member', (text) => insert(text, '"aaa":1'), 'Malformed', /aaa: unknown member/],
  ['white space', (text) => text.replace('{', '{ '), 'Malformed', /offset 1/],
  ['a byte order mark', (text) => `\ufeff${text}`, 'Malformed', /byte order mark/],
  [
    'a control character and a bidi override',
    (text) => insert(text, '"\u0001\u202e":1'),
    'Malformed',
    /control character/,
  ],
  ['bytes that are no text', (text) => Buffer.from(text).fill(0xff, 5, 6), 'Malformed', /not UTF-8|recognises/],
  ['another file', () => 'a passphrase\n', 'Malformed', /no JSON value|recognises/],
  ['an array', () => '[]\n', 'Malformed', /an object is expected|recognises/],
  ['null', () => 'null\n', 'Malformed', /an object is expected|recognises/],
  ['100 MB', () => () => truncateSync(where.write(FILE, ''), HUNDRED_MB), 'TooLarge', /larger than|104857600/],
  ['a directory', () => () => mkdirSync(where.file(FILE)), 'UnsafeFile|InvalidValue', /no regular file|is a directory/],
  ['a broken link', () => () => symlinkSync('nowhere', where.file(FILE)), 'NotFound', /leads to no file/],
];

describe.each(uses.map((use) => [`${use.name} with a ${use.kind}`, use] as const))('%s', (_, use) => {
  const { where, kind } = use;
  const place = (bytes: string | Uint8Array | (() => void)): void => {
    rmSync(where.file(FILE), { recursive: true, force: true });
    if (typeof bytes === 'function') bytes();
    else where.write(FILE, bytes);
  };

  test.each(damages(where))('%s', async (__, make, code, message) => {
    place(make(readFileSync(good(kind), 'utf8')));
    const { error } = await expectRefused(where, {
      argv: use.argv(),
      exit: code === 'NotFound' ? 4 : 3,
      code,
      message: '',
    });
    expect(error?.message).toMatch(message);
    expect(error?.message).toContain(FILE);
  });

  test('the next version', async () => {
    const text = readFileSync(good(kind), 'utf8');
    const next = text.replaceAll('.v1+json', '.v2+json');
    if (next === text) return;
    place(next);
    const argv = use.argv();
    const own = argv.includes('--from') ? 'Malformed' : 'NewerVersion';
    const { error } = await expectRefused(where, { argv, exit: 3, code: own, message: FILE });
    if (own === 'NewerVersion') expect(error?.hint).toMatch(/^Use a (newer ronctl|ronctl that reads)/);
  });
});

describe('one changed byte of a signature', () => {
  /** Another letter in the first signature. */
  const changed = (kind: Kind): string => {
    const text = readFileSync(good(kind), 'utf8');
    const at = text.search(/"(sig|signature_b64)":"/) + 60;
    return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
  };
  const rows = uses.filter(({ name }) => !/--from|inspect|verify$|--key|governance import/.test(name));

  test.each(rows.map((use) => [`${use.name} with a ${use.kind}`, use] as const))('%s is 10', async (_, use) => {
    use.where.write(FILE, changed(use.kind));
    const run = await use.where.run([...use.argv(), '--json']);
    expect(run.exit, run.stdout).toBe(10);
    expect(run.stdout).toMatch(/signature/);
  });

  test('a proposal is not imported', async () => {
    home.write(FILE, changed('proposal'));
    const argv = ['governance', 'import', FILE];
    await expectRefused(home, { argv, exit: 10, code: 'VerificationFailed', message: 'signature of alice is wrong' });
  });
});
