// A machine that fails: a full disk, a read-only home, a closed or full stdout and stderr, another process on the store, a
// removed working directory, Ctrl-C in the middle of an approval. Every time: the frozen exit code, one error, and a home
// that verifies and on which the same command succeeds afterwards.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { expectRefused, treeOf } from '../support/bad-input.ts';
import { BINARY, PROJECT, type Run, runBinary, temporaryHome } from '../support/binary.ts';
import { makeStoryHome, type StoryHome } from '../support/story-home.ts';
import { onTerminal } from '../support/terminal.ts';

const home = temporaryHome();
const keep = mkdtempSync(join(tmpdir(), 'ronctl-keep-'));
const pristine = join(keep, 'home');
const mounted = join(keep, 'mount');
let story: StoryHome;

const mount = (...argv: string[]): boolean => spawnSync('mount', [...argv, mounted]).status === 0;
const unmount = (): void => {
  spawnSync('umount', [mounted]);
};
mkdirSync(mounted);
const canMount = process.getuid?.() === 0 && mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs');
unmount();

beforeAll(async () => {
  story = await makeStoryHome(home);
  cpSync(home.path, pristine, { recursive: true });
});

beforeEach(() => {
  rmSync(home.path, { recursive: true, force: true });
  cpSync(pristine, home.path, { recursive: true });
});

afterAll(() => {
  unmount();
  rmSync(keep, { recursive: true, force: true });
});

const pass = (name: string): string[] => ['--passphrase-file', home.passphrase(name)];
const rotate = (...more: string[]): string[] => ['kms', 'rotate', story.kid, ...pass('store'), ...more];
const sign = (): string[] => ['kms', 'sign', story.kid, '--file', 'payload', ...pass('store')];
const approve = (...more: string[]): string[] => [
  'governance',
  'approve',
  story.proposal.id,
  '--signer',
  'bob',
  ...more,
];
const sure = (): string[] => approve('--expect-digest', story.proposal.digest, ...pass('bob'));
const temporaries = (directory: string): string[] =>
  (readdirSync(directory, { recursive: true }) as string[]).filter((name) => name.endsWith('.tmp'));

describe.runIf(canMount)('a full disk', () => {
  const onDisk = (argv: readonly string[]): Promise<Run> =>
    home.run([...argv, '--json'], { env: { RONCTL_HOME: join(mounted, 'home') } });
  const commands: [name: string, argv: () => string[], again?: number][] = [
    ['kms sign', sign],
    ['kms rotate', rotate],
    ['governance approve', sure],
    ['governance ingest', () => ['governance', 'ingest', ...pass('store')]],
    ['signer rotate', () => ['signer', 'rotate', 'alice', ...pass('alice')]],
    ['signer create', () => ['signer', 'create', 'zoe', ...pass('zoe')]],
    ['store passphrase', () => ['store', 'passphrase', ...pass('store'), '--new-passphrase-file', 'store.pass']],
  ];

  test.each(commands)('%s stops with 23, leaves nothing half, and works when there is space', async (_, argv) => {
    let refused = 0;
    for (const freeKib of [4, 12, 20, 48]) {
      expect(mount('-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs')).toBe(true);
      try {
        cpSync(pristine, join(mounted, 'home'), { recursive: true });
        const free = Number(execFileSync('df', ['-k', '--output=avail', mounted], { encoding: 'utf8' }).split('\n')[1]);
        writeFileSync(join(mounted, 'filler'), Buffer.alloc((free - freeKib) * 1024));
        const run = await onDisk(argv());
        const context = `${freeKib} KiB free: ${run.stdout}${run.stderr}`;
        expect([0, 23], context).toContain(run.exit);
        if (run.exit === 23) {
          refused++;
          expect(run.stdout, context).toContain('the disk is full');
          expect(run.stdout, context).toContain('Free space on it');
        }
        expect(temporaries(mounted), context).toEqual([]);
        rmSync(join(mounted, 'filler'));
        for (const check of [
          ['audit', 'verify'],
          ['governance', 'verify'],
          ['kms', 'list'],
          ['governance', 'list'],
        ]) {
          const done = await onDisk(check);
          // 11: what was committed before the disk was full is not under a checkpoint yet.
          expect([0, 11], `${context}then ${check.join(' ')}: ${done.stdout}`).toContain(done.exit);
        }
        if (run.exit !== 23) continue;
        const again = await onDisk(argv());
        expect(again.exit, `${context}again: ${again.stdout}`).toBe(0);
        expect((await onDisk(['audit', 'verify'])).exit, `${context}audit verify`).toBe(0);
      } finally {
        unmount();
      }
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('init stops with 23, and a second init finishes', async () => {
    expect(mount('-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs')).toBe(true);
    try {
      const init = ['init', '--profile', 'dev', ...pass('store')];
      const run = await onDisk(init);
      expect(run.exit, run.stdout).toBe(23);
      expect(temporaries(mounted)).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=1m', mounted]);
      expect((await onDisk(init)).exit).toBe(0);
      expect((await onDisk(['audit', 'verify'])).exit).toBe(0);
    } finally {
      unmount();
    }
  });
});

describe.runIf(canMount)('a read-only home', () => {
  const readOnly = { env: { RONCTL_HOME: mounted } };
  const reads: string[][] = [
    ['kms', 'list'],
    ['kms', 'verify', '--file', 'payload', '--sig', 'bundle'],
    ['policy', 'inspect'],
    ['pq', 'status'],
    ['audit', 'verify'],
    ['audit', 'log'],
    ['governance', 'list'],
    ['governance', 'verify'],
    ['governance', 'inbox'],
    ['signer', 'list'],
    ['store', 'status'],
    ['doctor'],
  ];
  beforeAll(() => {
    spawnSync('mount', ['--bind', pristine, mounted]);
    expect(spawnSync('mount', ['-o', 'remount,ro,bind', mounted]).status).toBe(0);
  });
  afterAll(unmount);

  test.each(reads.map((argv) => [argv.join(' '), argv] as const))('%s reads it', async (_, argv) => {
    const run = await home.run([...argv, '--json'], readOnly);
    expect(run.exit, run.stdout).toBe(0);
  });

  test.each<[string, () => string[]]>([
    ['kms rotate', rotate],
    ['governance approve', sure],
    ['signer rotate', () => ['signer', 'rotate', 'alice', ...pass('alice')]],
    ['signer create', () => ['signer', 'create', 'zoe', ...pass('zoe')]],
    ['governance import', () => ['governance', 'import', 'request']],
    ['audit checkpoint', () => ['audit', 'checkpoint', ...pass('store')]],
    ['transcript', () => ['kms', 'list', '--transcript', join(mounted, 'transcript')]],
  ])('%s is refused with 23', async (_, argv) => {
    const row = { argv: argv(), exit: 23, code: 'StorageFault', message: 'the file system is read-only' };
    await expectRefused(home, { ...row, hint: 'Mount it writable', ...readOnly });
  });

  test('a dry run needs no writing', async () => {
    for (const argv of [rotate('--dry-run'), [...sure(), '--dry-run']]) {
      expect((await home.run([...argv, '--json'], readOnly)).exit).toBe(0);
    }
  });
});

describe('standard output', () => {
  const shell = (script: string): Promise<Run> =>
    runBinary(['-c', script, BINARY, story.kid], {
      program: '/bin/bash',
      cwd: home.directory,
      env: { RONCTL_HOME: home.path, HOME: home.directory },
    });

  test.each(['--help', 'kms --help', 'explain', 'policy keys', 'audit log', 'kms list --json', 'version -o yaml'])(
    '%s into a closed pipe ends quietly',
    async (argv) => {
      const run = await shell(`set -o pipefail; "$0" ${argv} | head -c 0`);
      expect(run).toMatchObject({ exit: 0, stdout: '', stderr: '' });
    },
  );

  test
    .runIf(existsSync('/dev/full'))
    .each([
      '--help',
      'explain',
      'kms list',
      'kms list --json',
      'version -o yaml',
      'audit verify --json',
      'governance list --json',
      'kms sign $1 --file payload --passphrase-file store.pass --out -',
    ])('%s onto a full disk is 23 and one sentence on stderr', async (argv) => {
    const run = await shell(`"$0" ${argv} >/dev/full`);
    expect(run.exit).toBe(23);
    expect(run.stderr).toMatch(/^ronctl: failed StorageFault: cannot write standard output: /);
    expect(run.stderr.split('\n').length).toBeLessThanOrEqual(4);
  });

  test.runIf(existsSync('/dev/full'))('an error keeps its exit code when nothing can be said', async () => {
    expect((await shell('"$0" kms show nothing 2>/dev/full')).exit).toBe(3);
    expect((await shell('"$0" kms show nothing --json >/dev/full 2>&1')).exit).toBe(3);
    const told = await shell('"$0" kms show nothing --json >/dev/full');
    expect(told).toMatchObject({ exit: 3, stderr: expect.stringContaining('not a key id') as string });
  });
});

describe('two processes', () => {
  let holder: ChildProcess | undefined;

  const hold = (directory: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const script = join(PROJECT, 'test', 'support', 'lock-holder.ts');
      holder = spawn(process.execPath, [script, directory], { stdio: ['pipe', 'pipe', 'inherit'] });
      holder.on('error', reject);
      holder.stdout?.once('data', () => resolve());
    });
  const release = (): Promise<void> =>
    new Promise((resolve) => {
      holder?.once('exit', () => resolve());
      holder?.kill('SIGKILL');
    });

  test('a writer waits as long as it was told, then 22; readers do not care', async () => {
    await hold(home.path);
    const soon = ['--lock-timeout', '100ms'];
    for (const argv of [
      rotate(...soon),
      ['governance', 'ingest', ...pass('store'), ...soon],
      ['store', 'backup', '--out', 'backup', ...soon],
      ['audit', 'checkpoint', ...pass('store'), ...soon],
    ]) {
      await expectRefused(home, { argv, exit: 22, code: 'Locked', message: 'holds this home', hint: '--lock-timeout' });
    }
    for (const argv of [
      ['kms', 'list'],
      ['governance', 'list'],
      ['audit', 'verify'],
    ]) {
      expect((await home.run(argv)).exit, argv.join(' ')).toBe(0);
    }
    await release();
    expect((await home.run(rotate())).exit).toBe(0);
  });

  test('a signer has a lock of its own', async () => {
    await hold(join(home.path, 'signers', 'bob'));
    await expectRefused(home, {
      argv: [...sure(), '--lock-timeout', '100ms'],
      exit: 22,
      code: 'Locked',
      message: 'signer bob',
    });
    expect((await home.run(rotate())).exit).toBe(0);
    await release();
  });

  test('four writers at once make four versions, in a log that verifies', async () => {
    const runs = await Promise.all(
      [1, 2, 3, 4].map(() => home.run(rotate('--lock-timeout', '60s'), { ownProcess: true })),
    );
    expect(runs.map(({ exit }) => exit)).toEqual([0, 0, 0, 0]);
    const { data } = await home.json<{ key: { version: number } }>(['kms', 'show', story.kid]);
    expect(data?.key.version).toBe(5);
    await home.json(['audit', 'verify']);
  });
});

test('a working directory that was removed is named', async () => {
  const run = await runBinary(['-c', 'mkdir gone && cd gone && rmdir ../gone && exec "$0" kms list 2>&1', BINARY], {
    program: '/bin/bash',
    cwd: home.directory,
    env: { RONCTL_HOME: home.path, HOME: home.directory },
  });
  expect(run.exit).toBe(4);
  expect(run.stdout).toContain('NotFound: the working directory was removed');
});

describe('an approval at a terminal', () => {
  const question = 'Type the last 8 characters';
  const begin = async () => {
    const session = onTerminal(BINARY, approve(), { RONCTL_HOME: home.path, HOME: home.directory });
    await session.until(question);
    return { session, before: treeOf(home.path), tail: story.proposal.id.slice(-8) };
  };

  test.each<[string, (tail: string) => string[], number, string]>([
    ['Ctrl-C at the question', () => ['\u0003'], 130, 'Interrupted'],
    ['Ctrl-D at the question', () => ['\u0004'], 130, 'Interrupted'],
    ['another end of the id', () => ['abcdefgh\r'], 3, 'what was typed is not the end of gp-'],
    ['nothing typed', () => ['\r'], 3, 'what was typed is not the end of gp-'],
    ['Ctrl-C at the passphrase', (tail) => [`${tail}\r`, '\u0003'], 130, 'Interrupted'],
    ['Ctrl-C within the passphrase', (tail) => [`${tail}\r`, 'corr\u0003'], 130, 'Interrupted'],
    ['Ctrl-C behind the passphrase', (tail) => [`${tail}\r`, 'correct horse bob\r\u0003'], 130, 'Interrupted'],
    ['a wrong passphrase', (tail) => [`${tail}\r`, 'wrong\r'], 3, 'WrongPassphrase'],
    ['an empty passphrase', (tail) => [`${tail}\r`, '\r'], 3, 'an empty passphrase is refused'],
  ])('%s: nothing is signed, remembered or written', async (_, typed, exit, message) => {
    const { session, before, tail } = await begin();
    const [first, second] = typed(tail);
    session.type(first!);
    if (second !== undefined) {
      await session.until('Passphrase of signer bob:');
      session.type(second);
    }
    expect(await session.ended).toBe(exit);
    expect(session.shown()).toContain(message);
    expect(treeOf(home.path)).toEqual(before);
  });

  test('confirmed and with its passphrase it is signed', async () => {
    const { session, before, tail } = await begin();
    session.type(`${tail}\r`);
    await session.until('Passphrase of signer bob:');
    session.type('correct horse bob\r');
    expect(await session.ended).toBe(0);
    expect(treeOf(home.path)).not.toEqual(before);
  });
});
