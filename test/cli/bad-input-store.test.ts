// A home whose files are truncated, emptied, deleted, swapped, from another home, of a later version, too large, linked or
// loosened: every command that meets one names the file and what to do, keeps the frozen exit code (10 for what was changed
// under a checkpoint or is written by ronctl alone, 3 for what is no file of ours), and repairs or writes nothing.

import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectRefused } from '../support/bad-input.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { done, makeStoryHome, type StoryHome } from '../support/story-home.ts';

const home = temporaryHome();
const other = temporaryHome();
const keep = mkdtempSync(join(tmpdir(), 'ronctl-keep-'));
afterAll(() => rmSync(keep, { recursive: true, force: true }));
const pristine = join(keep, 'home');
let story: StoryHome;

beforeAll(async () => {
  story = await makeStoryHome(home);
  await makeStore(other);
  await makeSigners(other, 'alice');
  cpSync(home.path, pristine, { recursive: true });
});

beforeEach(() => {
  rmSync(home.path, { recursive: true, force: true });
  cpSync(pristine, home.path, { recursive: true });
});

const at = (...path: string[]): string => join(home.path, ...path);
const first = (...path: string[]): string => join(at(...path), readdirSync(at(...path))[0]!);
const cut = (...path: string[]) => truncateSync(at(...path), 40);
const drop = (...path: string[]) => rmSync(at(...path), { recursive: true });
const write = (path: string, text: string | Uint8Array) => writeFileSync(at(path), text);
const edit = (path: string, from: string, to: string) => {
  const text = readFileSync(path, 'latin1');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to), 'latin1');
};
const foreign = (...path: string[]) => {
  rmSync(at(...path), { recursive: true });
  cpSync(join(other.path, ...path), at(...path), { recursive: true });
};
const linked = (...path: string[]) => {
  const real = at(...path);
  const moved = join(keep, 'moved');
  rmSync(moved, { recursive: true, force: true });
  renameSync(real, moved);
  symlinkSync(moved, real);
};
const pinDirectory = (): string => at('trust', readdirSync(at('trust')).find((name) => name.startsWith('gl-'))!);

const COMMANDS: Readonly<Record<string, () => string[]>> = {
  rotate: () => ['kms', 'rotate', story.kid, '--passphrase-file', 'store.pass'],
  'kms list': () => ['kms', 'list'],
  'kms verify': () => ['kms', 'verify', '--file', 'payload', '--sig', 'bundle'],
  'governance list': () => ['governance', 'list'],
  'governance verify': () => ['governance', 'verify'],
  'governance inbox': () => ['governance', 'inbox'],
  approve: () =>
    `governance approve ${story.proposal.id} --signer bob --expect-digest ${story.proposal.digest} --passphrase-file bob.pass`.split(
      ' ',
    ),
  'audit verify': () => ['audit', 'verify'],
  'audit log': () => ['audit', 'log'],
  'signer show': () => ['signer', 'show', 'alice'],
  'signer list': () => ['signer', 'list'],
  'signer rotate': () => ['signer', 'rotate', 'alice', '--passphrase-file', 'alice.pass'],
  'inspect root': () => ['inspect', at('store', 'root.ronk')],
  'policy inspect': () => ['policy', 'inspect'],
  'pq status': () => ['pq', 'status', '--tenant', 'acme'],
  'store status': () => ['store', 'status'],
  doctor: () => ['doctor'],
  'store backup': () => ['store', 'backup', '--out', home.file('backup')],
};

type Answer = [command: string, exit: number, code: string, message: string, hint?: string];

type Damage = [name: string, damage: () => void, ...answers: Answer[]];

const damages: Damage[] = [
  ['a cut root record', () => cut('store', 'root.ronk'), ['rotate', 10, 'Tampered', 'store/root.ronk: cut short']],
  [
    'an empty root record',
    () => write('store/root.ronk', ''),
    ['rotate', 3, 'Malformed', 'store/root.ronk: not a sealed record', 'Restore the file from a backup'],
    ['inspect root', 3, 'Malformed', 'root.ronk is no file that ronctl recognises'],
  ],
  [
    'no root record',
    () => drop('store', 'root.ronk'),
    ['rotate', 10, 'Tampered', 'store/root.ronk: missing'],
    ['store status', 10, 'Tampered', 'store/root.ronk: missing', 'compare with a backup'],
    ['store backup', 10, 'Tampered', 'store/root.ronk: missing'],
    ['doctor', 10, 'Tampered', 'store/root.ronk: missing', 'compare with a backup'],
  ],
  [
    'the root record of another store',
    () => foreign('store', 'root.ronk'),
    ['rotate', 10, 'Tampered', 'belongs to store'],
  ],
  [
    'a root record of a later version',
    () => edit(at('store', 'root.ronk'), 'RONK\u0001', 'RONK\u0002'),
    ['rotate', 3, 'NewerVersion', 'sealed record version 2', 'RONK version 2'],
    ['inspect root', 3, 'NewerVersion', 'root.ronk: sealed record'],
  ],
  [
    'a root record that asks for a terabyte',
    () => {
      const root = at('store', 'root.ronk');
      edit(root, '"m_kib":19456', '"m_kib":1073741824');
      const bytes = readFileSync(root);
      // Behind `RONK` and the version: the length of the header.
      bytes.writeUInt32BE(bytes.readUInt32BE(5) + 5, 5);
      writeFileSync(root, bytes);
    },
    ['rotate', 3, 'InvalidValue', 'store/root.ronk: kdf.m_kib: argon2id m_kib', 'Restore the file'],
  ],
  [
    'a root record with a header of 4 GiB',
    () => edit(at('store', 'root.ronk'), 'RONK\u0001\0', 'RONK\u0001\u00ff'),
    ['rotate', 3, 'Malformed', 'at most 4096 are allowed'],
  ],
  [
    'a root record of 100 MB',
    () => truncateSync(at('store', 'root.ronk'), 100 * 1024 * 1024),
    ['rotate', 3, 'TooLarge', 'store/root.ronk: 104857600 bytes'],
    ['inspect root', 3, 'TooLarge', '104857600 bytes'],
  ],
  [
    'another record under the name of the root',
    () => copyFileSync(at('store', 'manifest.ronk'), at('store', 'root.ronk')),
    ['rotate', 10, 'Tampered', 'is not a root record'],
  ],
  [
    'no manifest',
    () => drop('store', 'manifest.ronk'),
    ['rotate', 10, 'Tampered', 'manifest.ronk is missing'],
    ['store status', 10, 'Tampered', 'store/manifest.ronk: missing'],
    ['doctor', 10, 'Tampered', 'store/manifest.ronk: missing'],
  ],
  ['no store', () => drop('store'), ['doctor', 10, 'Tampered', 'store/root.ronk: missing']],
  ['a cut manifest', () => cut('store', 'manifest.ronk'), ['rotate', 10, 'Tampered', 'manifest.ronk']],
  // Names are digests, so these are records of several kinds; what waits in the inbox must stay there.
  ...[0, 1, 2, 3].map(
    (n): Damage => [
      `without record ${n}`,
      () => rmSync(at('store', 'records', readdirSync(at('store', 'records'))[n]!)),
      ['rotate', 10, 'Tampered', 'missing, although the manifest names it'],
    ],
  ),
  [
    'two records exchanged',
    () => {
      const [one, two] = readdirSync(at('store', 'records')).map((name) => at('store', 'records', name));
      const bytes = readFileSync(one!);
      copyFileSync(two!, one!);
      writeFileSync(two!, bytes);
    },
    ['rotate', 10, 'Tampered', 'not the one that the manifest names'],
  ],
  [
    'a store of another home',
    () => foreign('store'),
    ['rotate', 10, 'RolledBack', 'an older store was put back'],
    ['kms list', 10, 'Tampered', 'not the one that the audit log names'],
  ],
  [
    'an audit log of another home',
    () => foreign('audit'),
    ['rotate', 10, 'LogTruncated', 'the log was cut'],
    ['kms list', 10, 'Tampered', 'public.json'],
    ['audit verify', 10, 'Tampered', 'in its place stands the log of store'],
    ['audit log', 10, 'Tampered', 'audit/ is the log of store'],
  ],
  [
    'no audit/log.json',
    () => drop('audit', 'log.json'),
    ['rotate', 10, 'LogTruncated', 'audit log'],
    ['kms list', 10, 'LogTruncated', 'audit/log.json is missing, although there is a custody store'],
    ['audit verify', 10, 'Tampered', 'audit/log.json is missing'],
    ['audit log', 10, 'Tampered', 'audit/log.json is missing'],
    ['store backup', 10, 'LogTruncated', 'audit/log.json'],
  ],
  ['no audit head', () => drop('audit', 'e0', 'head'), ['rotate', 10, 'Tampered', 'audit/e0/head does not fit']],
  [
    'a cut public.json',
    () => cut('store', 'public.json'),
    ['kms list', 10, 'Tampered', 'store/public.json is not the one that the audit log names'],
    ['policy inspect', 10, 'Tampered', 'store/public.json'],
    ['pq status', 10, 'Tampered', 'store/public.json'],
    ['governance list', 10, 'Tampered', 'store/public.json'],
    ['store status', 10, 'Tampered', 'store/public.json'],
  ],
  [
    'a public.json of a later version',
    () => edit(at('store', 'public.json'), '"v":1', '"v":2'),
    ['kms list', 10, 'Tampered', 'store/public.json is not the one that the audit log names'],
  ],
  ['no public.json', () => drop('store', 'public.json'), ['kms list', 10, 'Tampered', 'store/public.json is missing']],
  [
    'a changed key object',
    () => edit(first('store', 'keys'), '"payload":"', '"payload":"AAAA'),
    ['kms list', 10, 'Tampered', 'store/keys/'],
    ['kms verify', 10, 'Tampered', 'store/keys/'],
  ],
  [
    'no key objects',
    () => drop('store', 'keys'),
    ['kms verify', 11, 'NotAuthenticated', 'is missing from store/keys', 'ronctl kms rotate'],
  ],
  [
    'no home.json',
    () => drop('home.json'),
    ['rotate', 10, 'Tampered', 'home.json is missing, although there is a custody store'],
  ],
  [
    'a cut home.json',
    () => cut('home.json'),
    ['rotate', 10, 'Tampered', 'home.json: does not end in one line feed'],
    ['store status', 10, 'Tampered', 'home.json: does not end in one line feed'],
    ['doctor', 10, 'Tampered', 'home.json: does not end in one line feed'],
  ],
  [
    'a home.json with another member',
    () => edit(at('home.json'), '"home_id"', '"home_di":1,"home_id"'),
    ['rotate', 10, 'Tampered', 'home.json: home_di: unknown member'],
  ],
  [
    'a home.json of a later version',
    () => edit(at('home.json'), 'ronctl-home/1', 'ronctl-home/2'),
    ['rotate', 3, 'NewerVersion', 'home.json: format ronctl-home/2', 'reads ronctl-home/2'],
  ],
  [
    'no ledger',
    () => drop('ledger'),
    ['rotate', 10, 'Tampered', 'ledger'],
    ['governance list', 10, 'Tampered', 'the ledger is missing; 1 line was committed'],
    ['governance verify', 10, 'VerificationFailed', 'the ledger is missing'],
  ],
  [
    'a cut ledger',
    () => truncateSync(at('ledger', '000000.jsonl'), readFileSync(at('ledger', '000000.jsonl')).length - 9),
    ['rotate', 10, 'Tampered', 'the ledger ends before line 0'],
    ['governance list', 10, 'Tampered', 'line 0 is not in the ledger'],
  ],
  [
    'a pin that is no JSON',
    () => writeFileSync(join(pinDirectory(), 'pin.json'), 'x\n'),
    ['governance list', 10, 'Tampered', 'pin.json: no JSON value'],
  ],
  [
    'another file in place of the pinned genesis',
    () => writeFileSync(join(pinDirectory(), 'genesis.json'), '{}\n'),
    ['governance list', 10, 'Tampered', 'genesis.json: payload: missing member'],
  ],
  [
    'a cut signer root',
    () => cut('signers', 'alice', 'root.ronk'),
    ['signer rotate', 10, 'Tampered', 'signers/alice/root.ronk: cut short'],
  ],
  [
    'the root of another signer',
    () => copyFileSync(at('signers', 'bob', 'root.ronk'), at('signers', 'alice', 'root.ronk')),
    ['signer rotate', 10, 'Tampered', 'belongs to store bob, not to alice'],
  ],
  [
    'the bundle of another signer',
    () => copyFileSync(at('signers', 'bob', 'signer.json'), at('signers', 'alice', 'signer.json')),
    ['signer show', 10, 'Tampered', 'is the bundle of bob, not of alice'],
    ['signer list', 10, 'Tampered', 'is the bundle of bob, not of alice'],
  ],
  [
    'no signer.json',
    () => drop('signers', 'alice', 'signer.json'),
    ['signer show', 10, 'Tampered', 'alice/signer.json is missing', 'ronctl signer passphrase alice'],
    ['signer rotate', 10, 'Tampered', 'alice/signer.json is missing'],
  ],
  [
    'a home that others can read',
    () => chmodSync(home.path, 0o755),
    ['rotate', 3, 'UnsafeFile', 'has mode 0755, expected 0700', 'chmod 0700'],
    ['kms list', 3, 'UnsafeFile', 'has mode 0755'],
    ['signer list', 3, 'UnsafeFile', 'has mode 0755'],
    ['approve', 3, 'UnsafeFile', 'has mode 0755'],
  ],
  [
    'a root record that others can read',
    () => chmodSync(at('store', 'root.ronk'), 0o644),
    ['rotate', 3, 'UnsafeFile', 'store/root.ronk: has mode 0644, expected 0600', 'chmod 0600'],
  ],
  [
    'a store behind a link',
    () => linked('store'),
    ['rotate', 3, 'UnsafeFile', 'store: is a symbolic link'],
    ['kms list', 3, 'UnsafeFile', 'store: is a symbolic link'],
  ],
  ['a record behind a link', () => linked('store', 'root.ronk'), ['rotate', 3, 'UnsafeFile', 'is a symbolic link']],
  ['an audit log behind a link', () => linked('audit'), ['rotate', 3, 'UnsafeFile', 'audit: is a symbolic link']],
  [
    'an inbox behind a link',
    () => linked('inbox'),
    ['approve', 3, 'UnsafeFile', 'inbox: is a symbolic link'],
    ['governance inbox', 3, 'UnsafeFile', 'inbox: is a symbolic link'],
  ],
  [
    'a signer behind a link',
    () => linked('signers', 'alice'),
    ['signer rotate', 3, 'UnsafeFile', 'signers/alice: is a symbolic link'],
    ['signer list', 3, 'UnsafeFile', 'signers/alice: is a symbolic link'],
  ],
  ['a home behind a link', () => linked(), ['kms list', 3, 'UnsafeFile', 'is a symbolic link']],
];

const rows = damages.flatMap(([name, damage, ...answers]) => answers.map((answer) => ({ name, damage, answer })));

describe('a home with', () => {
  test.each(rows)('$name: $answer.0 is $answer.1 $answer.2', async ({ damage, answer }) => {
    damage();
    const [command, exit, code, message, hint] = answer;
    await expectRefused(home, {
      argv: COMMANDS[command]!(),
      exit,
      code,
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  });

  test.runIf(process.getuid?.() === 0)('a root record of another account', async () => {
    chownSync(at('store', 'root.ronk'), 65534, 65534);
    const argv = COMMANDS['rotate']!();
    await expectRefused(home, { argv, exit: 3, code: 'UnsafeFile', message: 'belongs to uid 65534' });
  });

  test('a file where the directory should be', async () => {
    drop();
    writeFileSync(home.path, 'x', { mode: 0o600 });
    const create = ['signer', 'create', 'zoe', '--passphrase-file', 'bob.pass'];
    for (const argv of [COMMANDS['kms list']!(), create]) {
      await expectRefused(home, { argv, exit: 3, code: 'UnsafeFile', message: 'is not a directory' });
    }
    rmSync(home.path);
  });
});

describe('junk in the inbox', () => {
  const name = (n: number): string => `${String(n).padStart(64, '0')}.json`;

  test('is listed as refused, and moved away by the ingest; nothing else changes', async () => {
    symlinkSync('/etc/passwd', at('inbox', name(1)));
    writeFileSync(at('inbox', name(2)), 'hi\n', { mode: 0o600 });
    writeFileSync(at('inbox', name(3)), '', { mode: 0o600 });
    truncateSync(at('inbox', name(3)), 100 * 1024 * 1024);
    mkdirSync(at('inbox', name(4)), { mode: 0o700 });
    copyFileSync(at('inbox', `${story.proposal.digest.slice(7)}.json`), at('inbox', name(5)));
    const seen = await done<{ invalid: { code: string; name: string; message: string }[] }>(home, [
      'governance',
      'inbox',
    ]);
    const codes = new Map(seen.invalid.map((one) => [one.name, one.code]));
    expect(codes.get(name(1))).toBe('UnsafeFile');
    expect(codes.get(name(2))).toBe('Malformed');
    expect(codes.get(name(3))).toBe('TooLarge');
    expect(codes.get(name(4))).toBe('UnsafeFile');
    expect(seen.invalid.length).toBe(5);
    const ingest = await done<{ refused: unknown[] }>(home, [
      'governance',
      'ingest',
      '--passphrase-file',
      home.passphrase('store'),
    ]);
    expect(ingest.refused.length).toBe(5);
    expect(readdirSync(at('inbox', 'refused')).length).toBeGreaterThan(0);
  });
});
