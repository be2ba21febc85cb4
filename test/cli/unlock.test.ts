import { chmodSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import { type PassphraseSources, passphrases } from '../../src/cli/unlock.ts';
import type { Host, Terminal } from '../../src/host.ts';
import { temporaryHome } from '../support/binary.ts';

const home = temporaryHome();
const custody = { store: 'custody' } as const;
const alice = { store: 'signer', id: 'alice' } as const;
const bob = { store: 'signer', id: 'bob' } as const;

interface Setting {
  readonly typed?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
}

function hostWith({ typed, variables = {} }: Setting): { host: Host; asked: string[] } {
  const real = nodeHost();
  const asked: string[] = [];
  const answers = [...(typed ?? [])];
  const terminal: Terminal = {
    ...real.terminal,
    interactive: typed !== undefined,
    readSecret: async (prompt) => {
      asked.push(prompt);
      return Buffer.from(answers.shift() ?? '');
    },
  };
  return { host: { ...real, terminal, env: { ...real.env, get: (name) => variables[name] } }, asked };
}

function sources(given: Partial<PassphraseSources>): PassphraseSources {
  return {
    files: [],
    descriptor: undefined,
    newFile: undefined,
    resolvePath: (path) => resolve(home.directory, path),
    claimStdin: () => undefined,
    ...given,
  };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const build = (given: Partial<PassphraseSources>, setting: Setting = {}) =>
  passphrases(hostWith(setting).host, sources(given));

describe('files', () => {
  test('one final line feed is dropped, and only one', async () => {
    home.write('one', 'secret\n');
    home.write('two', 'secret\n\n');
    expect(text(await build({ files: ['one'] }).existing(alice))).toBe('secret');
    expect(text(await build({ files: ['two'] }).existing(alice))).toBe('secret\n');
  });

  test.each([
    ['empty', ''],
    ['only a line feed', '\n'],
    ['1025 bytes', 'x'.repeat(1025)],
  ])('%s is refused', async (name, content) => {
    home.write('bounds', content);
    await expect(build({ files: ['bounds'] }).existing(alice), name).rejects.toMatchObject({ code: 'InvalidValue' });
  });

  test('1024 bytes and a line feed are taken', async () => {
    home.write('longest', `${'x'.repeat(1024)}\n`);
    expect((await build({ files: ['longest'] }).existing(alice)).length).toBe(1024);
  });

  test.each([0o640, 0o604, 0o644])('mode %o is refused', async (mode) => {
    home.write('open', 'secret');
    chmodSync(home.file('open'), mode);
    await expect(build({ files: ['open'] }).existing(alice)).rejects.toMatchObject({
      code: 'UnsafeFile',
      hint: 'chmod 600 open',
    });
  });

  test('a directory and a missing file are refused', async () => {
    mkdirSync(home.file('directory'));
    await expect(build({ files: ['directory'] }).existing(alice)).rejects.toMatchObject({ code: 'UnsafeFile' });
    await expect(build({ files: ['nowhere'] }).existing(alice)).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('a link to a safe file is followed, because the operator named it', async () => {
    home.write('target', 'secret');
    symlinkSync(home.file('target'), home.file('link'));
    expect(text(await build({ files: ['link'] }).existing(alice))).toBe('secret');
  });
});

describe('which store a source belongs to', () => {
  test('ID=F and store=F name their store', async () => {
    for (const name of ['a', 'b', 's']) home.write(name, `of ${name}`);
    const found = build({ files: ['alice=a', 'bob=b', 'store=s'] });
    expect(text(await found.existing(bob))).toBe('of b');
    expect(text(await found.existing(custody))).toBe('of s');
    expect(text(await found.existing(alice))).toBe('of a');
  });

  test('a file without a name serves one store and no second', async () => {
    home.write('bare', 'secret');
    const found = build({ files: ['bare'] });
    await found.existing(alice);
    expect(text(await found.existing(alice))).toBe('secret');
    await expect(found.existing(custody)).rejects.toMatchObject({
      code: 'MissingAnswer',
      hint: 'Name the stores: --passphrase-file alice=FILE --passphrase-file store=FILE',
    });
  });

  test('two files without names, a name twice, and file with descriptor are Usage', () => {
    expect(() => build({ files: ['a', 'b'] })).toThrow('several files need their store');
    expect(() => build({ files: ['alice=a', 'alice=b'] })).toThrow('names alice twice');
    expect(() => build({ files: ['a'], descriptor: 3 })).toThrow('not both');
  });
});

describe('other sources', () => {
  test('a descriptor is read once and serves repeated questions', async () => {
    home.write('fd', 'from a descriptor\n');
    const found = build({ descriptor: openSync(home.file('fd'), 'r') });
    expect(text(await found.existing(custody))).toBe('from a descriptor');
    expect(text(await found.existing(custody))).toBe('from a descriptor');
  });

  test('a closed descriptor is InvalidValue', async () => {
    await expect(build({ descriptor: 987 }).existing(custody)).rejects.toMatchObject({ code: 'InvalidValue' });
  });

  test('descriptor 0 claims standard input before it reads', async () => {
    const claimStdin = (what: string): never => {
      throw new Error(`claimed by ${what}`);
    };
    await expect(build({ descriptor: 0, claimStdin }).existing(custody)).rejects.toThrow(
      'claimed by --passphrase-fd 0',
    );
  });

  test('a systemd credential is found by the name of its store', async () => {
    const directory = join(home.directory, 'credentials');
    mkdirSync(directory);
    writeFileSync(join(directory, 'ronctl-signer-alice'), 'credential', { mode: 0o440 });
    const found = build({}, { variables: { CREDENTIALS_DIRECTORY: directory } });
    expect(text(await found.existing(alice))).toBe('credential');
    await expect(found.existing(custody)).rejects.toMatchObject({ code: 'MissingAnswer' });
  });

  test('no variable is a source', async () => {
    const variables = { RONCTL_PASSPHRASE: 'secret', PASSPHRASE: 'secret' };
    await expect(build({}, { variables }).existing(custody)).rejects.toMatchObject({
      code: 'MissingAnswer',
      field: '--passphrase-file',
    });
  });
});

describe('the terminal', () => {
  test('asks once for an existing passphrase and names its store', async () => {
    const { host, asked } = hostWith({ typed: ['typed'] });
    expect(text(await passphrases(host, sources({})).existing(alice))).toBe('typed');
    expect(asked).toEqual(['Passphrase of signer alice: ']);
  });

  test('asks twice for a new one and refuses two that differ', async () => {
    const { host, asked } = hostWith({ typed: ['new', 'new'] });
    expect(text(await passphrases(host, sources({})).fresh(custody))).toBe('new');
    expect(asked).toEqual(['New passphrase of the custody store: ', 'Again: ']);
    await expect(build({}, { typed: ['new', 'other'] }).fresh(custody)).rejects.toThrow('the two passphrases differ');
  });

  test('an empty answer is refused', async () => {
    await expect(build({}, { typed: [''] }).existing(custody)).rejects.toMatchObject({ code: 'InvalidValue' });
  });
});

test('a new passphrase has its own file beside the old one', async () => {
  home.write('old', 'old');
  home.write('new', 'new');
  const found = build({ files: ['old'], newFile: 'new' });
  expect(text(await found.existing(custody))).toBe('old');
  expect(text(await found.fresh(custody))).toBe('new');
});
