// Passphrases that are wrong, empty, missing, too long, in the wrong file or on the wrong descriptor.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BadInput, expectRefused } from '../support/bad-input.ts';
import { BINARY, runBinary, temporaryHome } from '../support/binary.ts';
import { makeSigners } from '../support/floor-home.ts';

const home = temporaryHome();

beforeAll(async () => {
  await makeSigners(home, 'alice');
  home.passphrase('bob');
  home.write('wrong', 'not this one\n');
  home.write('empty', '');
  home.write('line', '\n');
  home.write('long', `${'x'.repeat(1025)}\n`);
  home.write('open', 'readable by all\n');
  chmodSync(home.file('open'), 0o644);
  mkdirSync(home.file('directory'));
  symlinkSync('nowhere', home.file('dangling'));
  execFileSync('mkfifo', [home.file('pipe')]);
});

const rotate = (...flags: string[]): readonly string[] => ['signer', 'rotate', 'alice', ...flags];
const file = (name: string): readonly string[] => rotate('--passphrase-file', name);
const place = '--passphrase-file';

const rows: BadInput[] = [
  { argv: rotate(), exit: 2, code: 'MissingAnswer', message: 'signer alice', field: place, hint: 'alice=FILE' },
  { argv: file('wrong'), exit: 3, code: 'WrongPassphrase', message: 'signers/alice/root.ronk', hint: 'right one' },
  { argv: file('bob.pass'), exit: 3, code: 'WrongPassphrase', message: 'does not open' },
  { argv: file('empty'), exit: 3, code: 'InvalidValue', message: 'empty: the passphrase is empty', field: place },
  { argv: file('line'), exit: 3, code: 'InvalidValue', message: 'line: the passphrase is empty', field: place },
  { argv: file('long'), exit: 3, code: 'InvalidValue', message: 'longer than 1024 bytes', field: place },
  { argv: file('open'), exit: 3, code: 'UnsafeFile', message: 'readable by nobody else', hint: 'chmod 600 open' },
  { argv: file('directory'), exit: 3, code: 'UnsafeFile', message: 'no regular file', field: place },
  { argv: file('pipe'), exit: 3, code: 'UnsafeFile', message: 'no regular file', hint: '--passphrase-fd N' },
  { argv: file('nowhere'), exit: 4, code: 'NotFound', message: 'there is no file nowhere', field: place },
  { argv: file('dangling'), exit: 4, code: 'NotFound', message: 'dangling leads to no file', field: place },
  { argv: file('bob=bob.pass'), exit: 2, code: 'MissingAnswer', message: 'given for signer bob only', hint: 'alice=' },
  { argv: file('alice='), exit: 4, code: 'NotFound', message: 'alice=', field: place },
  {
    argv: [...file('alice.pass'), '--passphrase-file', 'wrong'],
    exit: 2,
    code: 'Usage',
    message: 'several files need their store',
    hint: 'ronctl signer rotate --help',
  },
  {
    argv: [...file('alice.pass'), '--passphrase-fd', '0'],
    exit: 2,
    code: 'Usage',
    message: 'not both',
    field: '--passphrase-fd',
  },
  { argv: file('-'), stdin: '', exit: 3, code: 'InvalidValue', message: 'standard input: the passphrase is empty' },
  { argv: file('-'), stdin: 'no', exit: 3, code: 'WrongPassphrase', message: 'does not open' },
  { argv: file('-'), stdin: 'x'.repeat(5000), exit: 3, code: 'TooLarge', message: 'standard input', field: place },
  ...['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '99', '1000000'].map((fd) => ({
    argv: rotate('--passphrase-fd', fd),
    exit: 3,
    code: 'InvalidValue',
    message: `descriptor ${fd} is not open for reading`,
    field: '--passphrase-fd',
    hint: '--passphrase-fd 3 3<FILE',
  })),
  { argv: rotate('--passphrase-fd', 'x'), exit: 3, code: 'InvalidValue', message: 'x', field: '--passphrase-fd' },
  { argv: rotate('--passphrase-fd', '-1'), exit: 3, code: 'InvalidValue', message: '-1', field: '--passphrase-fd' },
];

describe('a passphrase that does not open', () => {
  test.each(rows)('$argv: $code', async (row) => {
    await expectRefused(home, row);
  });

  test('the passphrase of another store is not tried on this one', async () => {
    const { error } = await expectRefused(home, {
      argv: ['init', '--profile', 'dev', '--passphrase-file', 'alice=alice.pass'],
      exit: 2,
      code: 'MissingAnswer',
      message: 'the custody store',
      field: place,
    });
    expect(error?.hint).toContain('store=FILE');
  });
});

describe('a passphrase that arrives', () => {
  const shell = async (script: string): Promise<number> =>
    (
      await runBinary(['-c', script, BINARY], {
        program: '/bin/bash',
        cwd: home.directory,
        env: { RONCTL_HOME: home.path, HOME: home.directory },
      })
    ).exit;

  test.each([
    ['a file on a descriptor', '"$0" signer rotate alice --dry-run --passphrase-fd 3 3<alice.pass'],
    ['a pipe on a low descriptor', '"$0" signer rotate alice --dry-run --passphrase-fd 4 4< <(cat alice.pass)'],
    ['a pipe on a high descriptor', '"$0" signer rotate alice --dry-run --passphrase-fd 42 42< <(cat alice.pass)'],
    ['a slow pipe', '"$0" signer rotate alice --dry-run --passphrase-fd 4 4< <(sleep 1; cat alice.pass)'],
    ['standard input, a file', '"$0" signer rotate alice --dry-run --passphrase-fd 0 <alice.pass'],
    ['standard input, a pipe', 'cat alice.pass | "$0" signer rotate alice --dry-run --passphrase-file -'],
    ['standard input, named', 'cat alice.pass | "$0" signer rotate alice --dry-run --passphrase-file alice=-'],
  ])('%s', async (_, script) => {
    expect(await shell(script)).toBe(0);
  });

  // An unhandled wait would sit in a system call where no signal handler runs.
  test.each([
    ['INT', 130],
    ['TERM', 143],
  ])('waiting for one ends with SIG%s', async (signal, exit) => {
    const script = `exec 3<>pipe; "$0" signer rotate alice --passphrase-fd 0 <pipe 3>&- & sleep 1.5; kill -${signal} $!; wait $!`;
    expect(await shell(script)).toBe(exit);
  });
});
