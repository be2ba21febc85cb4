// Wrong command lines: unknown and misspelt words, missing flags and files, values that do not parse. Each is one error
// with its place and the next thing to type, and leaves no file behind.

import { describe, test } from 'vitest';
import { type BadInput, expectRefused } from '../support/bad-input.ts';
import { temporaryHome } from '../support/binary.ts';

const home = temporaryHome();
const link = '/dev/fd/63-of-no-pipe';

const rows: BadInput[] = [
  { argv: ['init'], exit: 2, code: 'Usage', message: 'missing --profile', field: '--profile', hint: 'dev|drill' },
  {
    argv: ['kms', 'create'],
    exit: 2,
    code: 'Usage',
    message: 'missing --alg, --purpose, --tenant',
    field: '--alg',
    hint: '--tenant TENANT',
  },
  {
    argv: ['init', '--profile', 'dve'],
    exit: 3,
    code: 'InvalidValue',
    message: '--profile: one of dev, drill, micronode, macronode is expected, not "dve"',
    field: '--profile',
    hint: 'Did you mean dev?',
  },
  {
    argv: ['init', '--profile', 'dev', '--profile', 'drill'],
    exit: 2,
    code: 'Usage',
    message: 'only be specified once',
    field: '--profile',
  },
  { argv: ['init', '--profil', 'dev'], exit: 2, code: 'Usage', message: 'unknown flag --profil', field: '--profil' },
  {
    argv: ['kms', 'sign', 'k', '--b3', 'xx', '--file', 'm'],
    exit: 2,
    code: 'Usage',
    message: '--b3 cannot also be provided when using --file',
    field: '--b3',
    hint: 'ronctl kms sign --help',
  },
  { argv: ['kms', 'lsit'], exit: 2, code: 'Usage', message: 'no command ronctl kms lsit', hint: 'ronctl kms list' },
  { argv: ['xyzzy'], exit: 2, code: 'Usage', message: 'no command ronctl xyzzy', hint: '`ronctl --help` lists all.' },
  { argv: ['kms', 'show'], exit: 2, code: 'Usage', message: 'missing argument KID', field: 'KID' },
  { argv: ['inspect', 'nowhere'], exit: 4, code: 'NotFound', message: 'there is no file nowhere', field: 'FILE' },
  { argv: ['inspect', link], exit: 4, code: 'NotFound', message: `there is no file ${link}`, hint: 'Check the path.' },
  {
    argv: ['kms', 'verify', '--file', '-', '--sig', '-'],
    exit: 2,
    code: 'Usage',
    message: 'standard input is used twice: by --file - and by --sig -',
  },
  {
    argv: ['signer', 'export', 'Alice', '--out', 'a.json'],
    exit: 3,
    code: 'InvalidValue',
    message: 'not a signer id: "Alice"',
    field: 'ID',
  },
  {
    argv: ['init', '--profile', 'dev', '--lock-timeout', 'soon'],
    exit: 3,
    code: 'InvalidValue',
    message: 'not a duration: "soon"',
    field: '--lock-timeout',
    hint: 'ms, s, m, h, d',
  },
  {
    argv: ['kms', 'list'],
    env: { RONCTL_KMS: 'https://kms.invalid' },
    exit: 3,
    code: 'RefusedConfig',
    message: 'https://kms.invalid:443: its certificate is not pinned',
    field: 'kms.ca_file',
  },
  {
    argv: ['version'],
    env: { RONCTL_CRYPTO_PROVIDER: 'openssl' },
    exit: 3,
    code: 'InvalidValue',
    message: 'native or noble is expected',
    field: 'RONCTL_CRYPTO_PROVIDER',
  },
  {
    argv: ['version', '--config', 'nowhere.toml'],
    exit: 4,
    code: 'NotFound',
    message: 'nowhere.toml',
    field: '--config',
    hint: 'Check',
  },
];

describe('a wrong command line', () => {
  test.each(rows)('$argv: $code', async (row) => {
    await expectRefused(home, row);
  });
});
