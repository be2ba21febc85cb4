// ronctl-auditor(7) as an auditor follows it: every command of the page is run, in order, against a server that publishes its
// log and against an exported directory, with the tools of this machine; and each step fails on a log that was changed.

import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import { manPath } from '../support/man-page.ts';
import { type Server, startServer } from '../support/server.ts';
import { tlogCheckers } from '../support/tlog-checkers.ts';

interface Block {
  /** Section that it stands in, e.g. `3. WHAT IS SIGNED`. */
  readonly step: string;
  readonly needs: readonly string[];
  readonly script: string;
}

/** Literal blocks in the order of the page. */
function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let step = '';
  let needs: string[] | null = null;
  let lines: string[] | null = null;
  for (const line of readFileSync(manPath(page), 'utf8').split('\n')) {
    if (line.startsWith('.Sh ')) step = line.slice(4);
    else if (line.startsWith('.\\" tried with: ')) needs = line.slice('.\\" tried with: '.length).split(' ');
    else if (line.startsWith('.Bd -literal')) lines = [];
    else if (line === '.Ed') {
      // A block that nobody tries must not look like one that was tried.
      expect(needs, `${step}: says what it is tried with`).not.toBeNull();
      blocks.push({ step, needs: needs!, script: `${lines!.join('\n')}\n` });
      [needs, lines] = [null, null];
    } else lines?.push(line.replace(/^\\&/, '').replaceAll('\\e', '\\'));
  }
  return blocks;
}

const blocks = blocksOf('ronctl-auditor.7');
const home = temporaryHome();
const pass = ['--passphrase-file', home.passphrase('store')];
const hasGo = tlogCheckers().some((one) => one.name.startsWith('Go'));

function isHere(need: string): boolean {
  if (need === 'go') return hasGo;
  if (need === 'proof' || need === 'sh') return true;
  return spawnSync(need, ['--version']).error === undefined;
}

/** Runs a block as a shell reads it, from the auditor's directory. */
function run(block: Block, directory: string, log: string): SpawnSyncReturns<string> {
  return spawnSync('sh', ['-eu'], {
    cwd: directory,
    input: block.script,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: directory,
      LANG: 'C.UTF-8',
      LOG: log,
      RONCTL_HOME: home.path,
    },
  });
}

const missing = [...new Set(blocks.flatMap((one) => one.needs))].filter((need) => !isHere(need));
if (missing.length > 0)
  process.stdout.write(`auditor's guide: without ${missing.join(', ')}, those steps are left out\n`);
const runnable = blocks.filter((block) => block.needs.every(isHere));
let directories = 0;

function auditorDirectory(): string {
  const directory = home.file(`auditor-${++directories}`);
  mkdirSync(directory);
  return directory;
}

/** `later` happens before step 6 looks again. */
function follow(log: string, directory: string, later: () => void = () => undefined): readonly string[] {
  const said: string[] = [];
  for (const block of runnable) {
    if (block.script.includes('body.kept").read()')) later();
    const { status, stdout, stderr } = run(block, directory, log);
    expect(
      [status, stderr.replace(/.*records of .* are under the signed root\n/, '')],
      `${block.step}\n${stdout}`,
    ).toEqual([0, '']);
    said.push(`${stdout}${stderr}`);
  }
  return said;
}

beforeAll(async () => {
  await makeStore(home);
  await home.json([
    'kms',
    'create',
    '--tenant',
    'acme',
    '--purpose',
    'release',
    '--alg',
    'ed25519',
    '--new-tenant',
    ...pass,
  ]);
});

async function proofIn(directory: string, argv: readonly string[]): Promise<void> {
  await home.json(['audit', 'prove', '3', '--out', join(directory, 'one.tlog-proof'), ...argv]);
}

describe("the auditor's guide", () => {
  it('has its steps', () => {
    expect([...new Set(blocks.map((one) => one.step.slice(0, 2)))]).toEqual(['2.', '3.', '4.', '5.', '6.', '7.', '8.']);
  });

  it('works on what a server publishes', async () => {
    const server: Server = await startServer(home, [], { env: { RON_KMS_AUDIT_TLOG: 'full' } });
    const directory = auditorDirectory();
    await proofIn(directory, ['--kms', 'local']);
    const said = follow(`http://${server.ready.tlog_addr}`, directory).join('');
    for (const words of [
      'the key of ronctl.invalid/',
      'records are under the signed root',
      'goes on from that of',
      'record 3 of',
    ]) {
      expect(said).toContain(words);
    }
    expect(await server.stop()).toBe(0);
  });

  it('works on an exported directory that grows', async () => {
    const log = home.file('log');
    await home.json(['audit', 'export', '--tlog', log]);
    const directory = auditorDirectory();
    await proofIn(directory, []);
    const sizeOf = (name: string): number => Number(readFileSync(join(directory, name), 'utf8').split('\n')[1]);
    await home.json(['audit', 'checkpoint', ...pass]);
    await home.json(['kms', 'create', '--tenant', 'acme', '--purpose', 'other', '--alg', 'ed25519', ...pass]);
    const grown = home.file('grown');
    cpSync(log, grown, { recursive: true });
    await home.json(['audit', 'export', '--tlog', grown]);
    follow(`file://${log}`, directory, () => cpSync(grown, log, { recursive: true }));
    expect(sizeOf('body')).toBeGreaterThan(sizeOf('body.kept'));
  });

  it('every step fails on a log that was changed', async () => {
    const log = home.file('sound');
    await home.json(['audit', 'export', '--tlog', log]);
    const directory = auditorDirectory();
    await proofIn(directory, []);
    follow(`file://${log}`, directory);
    const changed = (name: string, edit: (bytes: Buffer) => void): string => {
      const copy = home.file(`changed-${++directories}`);
      cpSync(log, copy, { recursive: true });
      const bytes = readFileSync(join(copy, name));
      edit(bytes);
      writeFileSync(join(copy, name), bytes);
      return `file://${copy}`;
    };
    const [size] = readFileSync(join(log, 'checkpoint'), 'utf8').split('\n').slice(1);
    const bundle = `tile/entries/000.p/${size}`;
    const failing = (step: string, at: string): number[] =>
      runnable.filter((one) => one.step.startsWith(step)).map((one) => run(one, directory, at).status ?? 1);
    const otherSize = changed('checkpoint', (bytes) =>
      bytes.fill(0x39, bytes.indexOf(0x0a) + 1, bytes.indexOf(0x0a) + 2),
    );
    const otherRecord = changed(bundle, (bytes) => bytes.fill(0x78, 100, 101));
    if (isHere('curl') && isHere('openssl')) expect(failing('3.', otherSize).at(-1)).not.toBe(0);
    failing('3.', `file://${log}`);
    expect(failing('4.', otherRecord)).not.toContain(0);
    if (hasGo) {
      expect(failing('7.', otherSize)).not.toContain(0);
      expect(failing('7.', otherRecord)).not.toContain(0);
    }
    writeFileSync(join(directory, 'vkey'), readFileSync(join(directory, 'vkey'), 'utf8').replace('+', '+0'));
    expect(run(runnable.filter((one) => one.step.startsWith('2.'))[1]!, directory, log).status).not.toBe(0);
    // A root that was signed and is another one now.
    const kept = readFileSync(join(directory, 'body.kept'), 'utf8').split('\n');
    writeFileSync(join(directory, 'body.kept'), kept.with(2, Buffer.alloc(32).toString('base64')).join('\n'));
    const again = runnable.filter((one) => one.step.startsWith('6.')).at(-1)!;
    expect(run(again, directory, `file://${log}`).stderr).toContain('HISTORY WAS CHANGED');
    const proof = readFileSync(join(directory, 'one.tlog-proof'), 'utf8');
    writeFileSync(join(directory, 'one.tlog-proof'), proof.replace('index 3', 'index 2'));
    expect(failing('8.', `file://${log}`)).not.toContain(0);
  });
});
