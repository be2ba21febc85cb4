// Wrong values and broken hand-written files of `governance propose` and the votes: one error with its place, nothing in the
// inbox, nothing remembered by a signer.

import { mkdirSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BadInput, expectRefused, treeOf } from '../support/bad-input.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStoryHome, type StoryHome } from '../support/story-home.ts';

const home = temporaryHome();
let story: StoryHome;

beforeAll(async () => {
  story = await makeStoryHome(home);
  mkdirSync(home.file('directory'));
  home.write('taken', 'mine');
});

const common = ['--rationale', 'why', '--signer', 'alice', '--passphrase-file', 'alice.pass'];
const propose = (...argv: string[]): string[] => ['governance', 'propose', ...common, ...argv];
const scoped = (...argv: string[]): string[] => propose('--scope', 'tenant:acme', ...argv);
const changed = (...argv: string[]): string[] => scoped('--change', 'pq_mode=and', ...argv);

describe('a change file', () => {
  const rows: [name: string, text: string | Uint8Array, message: string, field: string, code?: string][] = [
    [
      'a duplicate member',
      '[\n {"key": "pq_mode",\n  "to": "or", "to": "and"}\n]',
      '[0].to, line 3, column 19',
      '[0].to',
    ],
    ['a float', '[{"key":"pq.phase","to":1.5}]', 'only integers', '[0].to'],
    ['a number beyond every bound', '[{"key":"pq.phase","to":1e400}]', 'only integers', '[0].to'],
    ['a huge integer', '[{"key":"pq.phase","to":99999999999999999999}]', 'beyond 2^53-1', '[0].to'],
    ['deep nesting', `${'['.repeat(20000)}${']'.repeat(20000)}`, 'nested deeper than 16', '[0]'.repeat(16)],
    ['a lone surrogate', '[{"key":"pq.phase","to":"\\ud800"}]', 'lone surrogate', '[0].to'],
    ['a trailing comma', '[{"key":"pq.phase",\n"to":1,}]', 'line 2, column 8', '[0]'],
    ['text that is no JSON', 'pq_mode=and', 'no JSON value (line 1, column 1)', '--change-file'],
    ['an empty file', '', 'the text ends too early', '--change-file'],
    ['an object', '{}', 'an array is expected', 'broken'],
    ['an empty array', '[]', '1 to 32 items are expected, 0 found', 'broken'],
    ['an unknown member', '[{"key":"pq.phase","to":1,"why":2}]', 'unknown member', 'broken[0].why'],
    ['a prototype', '[{"__proto__":{},"key":"pq.phase","to":1}]', 'unknown member', 'broken[0].__proto__'],
    ['a missing member', '[{"key":"pq.phase"}]', 'missing member', 'broken[0].to'],
    ['bytes that are no text', Uint8Array.of(0x5b, 0xff, 0x5d), 'not UTF-8', '--change-file'],
    ['65 KiB', ' '.repeat(65 * 1024), 'larger than 65536 bytes', '--change-file', 'TooLarge'],
  ];

  test.each(rows)('with %s', async (_, text, message, field, code = 'Malformed') => {
    home.write('broken', text);
    const { error } = await expectRefused(home, {
      argv: scoped('--change-file', 'broken'),
      exit: 3,
      code,
      message,
      field,
    });
    expect(error?.message).toContain('broken');
  });

  test('written by hand, in any order and with white space, is read', async () => {
    home.write('good', '\n[ { "to" : "\\u0061nd" ,\t"key" : "pq_mode" } ]\r\n');
    await home.json(scoped('--change-file', 'good', '--dry-run'));
  });
});

const rows: [name: string, BadInput][] = (
  [
    [propose(), 2, 'Usage', 'one of --change, --change-file, --action, --from is needed', '--change'],
    [scoped('--change', 'pq_mode'), 3, 'InvalidValue', 'KEY=VALUE is expected', '--change'],
    [scoped('--change', 'pq_mood=and'), 3, 'UnknownKey', '"pq_mood"', 'pq_mood', 'pq_mode'],
    [scoped('--change', 'pq_mode=nad'), 3, 'InvalidValue', 'off, or, and, pq_only', 'pq_mode'],
    [scoped('--change', 'caps.max_ttl_s=1e999'), 3, 'InvalidValue', 'from 60 to 86400', 'caps.max_ttl_s'],
    [propose('--scope', 'tenat:acme', '--change', 'pq_mode=and'), 3, 'InvalidValue', 'not a scope', '--scope'],
    [
      propose('--scope', 'tenant:acmee', '--change', 'pq_mode=and'),
      4,
      'UnknownTenant',
      'no tenant acmee',
      '--scope',
      'Nearest: acme. Give --new-tenant',
    ],
    [changed('--expires', '24'), 3, 'InvalidValue', 'neither a duration nor a time', '--expires', '24h or 7d'],
    [changed('--expires', '2027-02-30T00:00:00Z'), 3, 'InvalidValue', 'not a time', '--expires'],
    [changed('--expires', '400d'), 3, 'InvalidValue', 'at most 7 days', '--expires', 'governance propose --help'],
    [changed('--window', 'soon'), 3, 'InvalidValue', 'START+DURATION', '--window'],
    [
      changed('--window', '2126-11-21T00:00:00Z/2126-11-20T00:00:00Z'),
      3,
      'InvalidValue',
      'it ends before it starts',
      '--window',
      'Place it between',
    ],
    [changed('--risk', 'huge'), 3, 'InvalidValue', 'low, medium or high', '--risk'],
    [changed('--attach', 'log=nowhere'), 4, 'NotFound', 'there is no file nowhere', '--attach', 'Check the path'],
    [changed('--attach', 'log=directory'), 3, 'UnsafeFile', 'no regular file', '--attach'],
    [changed('--role', 'secuirty-officer'), 16, 'PolicyRefused', 'secuirty-officer', '--role', 'security-officer'],
    [changed('--role', 'custodian'), 16, 'PolicyRefused', 'alice is policy-owner', '--role', '--role policy-owner'],
    [changed('--out', 'taken'), 3, 'Exists', 'not overwritten', '--out', '--force'],
    [changed('--out', 'nowhere/x'), 4, 'NotFound', 'there is no directory', '--out', 'mkdir -p'],
    [changed('--out', 'directory'), 3, 'UnsafeFile', 'a directory, no regular file', '--out'],
    [changed('--out', '-'), 2, 'Usage', 'both the result and the file', '--out'],
    [propose('--action', 'unfreze'), 3, 'UnknownKey', 'unfreze', '--action', 'unfreeze'],
    [propose('--action', 'freeze:{"a":1,"a":2}'), 3, 'InvalidValue', 'duplicate member (member a', '--action'],
    [propose('--action', 'freeze:['), 3, 'InvalidValue', 'ends too early', '--action', 'NAME:{'],
    [propose('--action', 'key-retire'), 3, 'InvalidValue', 'kid: missing member', '--action'],
    [['governance', 'approve'], 2, 'Usage', 'missing argument ID|FILE', 'ID|FILE'],
    [['governance', 'approve', 'gp-aaaaaaaaaa'], 3, 'InvalidValue', 'the full id', 'ID'],
    [['governance', 'approve', 'nowhere'], 4, 'NotFound', 'there is no file nowhere', 'ID|FILE'],
    [['governance', 'show', ''], 3, 'InvalidValue', '"": at least 10 characters', 'ID', 'governance list'],
    [['governance', 'show', 'gp-2222222222'], 4, 'NotFound', 'no proposal', 'ID', 'governance list'],
  ] as [string[], number, string, string, string, string?][]
).map(([argv, exit, code, message, field, hint]) => [
  argv.filter((word) => !common.includes(word)).join(' '),
  { argv, exit, code, message, field, ...(hint === undefined ? {} : { hint }) },
]);

describe('refused before anything is signed', () => {
  test.each(rows)('%s', async (_, row) => {
    await expectRefused(home, row);
  });

  const vote = (...argv: string[]): string[] => ['governance', 'approve', story.proposal.id, ...argv];

  test('an approval that nobody confirms, in three ways', async () => {
    const place = { field: '--expect-digest' };
    await expectRefused(home, {
      argv: vote('--signer', 'bob', '--passphrase-file', 'bob.pass'),
      exit: 2,
      code: 'MissingAnswer',
      message: 'no terminal to ask on',
      hint: story.proposal.digest,
      ...place,
    });
    const given = (digest: string): string[] => vote('--signer', 'bob', '--expect-digest', digest);
    await expectRefused(home, {
      argv: given(story.proposal.digest.slice(7, 19)),
      exit: 3,
      code: 'InvalidValue',
      message: 'not a digest',
      ...place,
    });
    await expectRefused(home, {
      argv: given(`sha256:${'0'.repeat(64)}`),
      exit: 10,
      code: 'VerificationFailed',
      message: 'not the expected',
      ...place,
    });
  });

  test('an approval whose copy cannot be written', async () => {
    const sure = ['--signer', 'bob', '--expect-digest', story.proposal.digest, '--passphrase-file', 'bob.pass'];
    await expectRefused(home, {
      argv: vote(...sure, '--out', 'taken'),
      exit: 3,
      code: 'Exists',
      message: 'not overwritten',
      field: '--out',
    });
  });

  test('a dry run says that it was one, and writes nothing', async () => {
    const before = treeOf(home.directory);
    const sure = ['--signer', 'bob', '--expect-digest', story.proposal.digest, '--passphrase-file', 'bob.pass'];
    const run = await home.run(vote(...sure, '--dry-run'));
    expect(run).toMatchObject({ exit: 0, stderr: expect.stringContaining('nothing was written') as string });
    expect(run.stdout).toContain('would be signed by bob');
    expect(treeOf(home.directory)).toEqual(before);
  });
});
