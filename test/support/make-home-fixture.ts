// Makes test/fixtures/homes/<version>/ (store page 9, I-45), once per release and never again: a complete home, the files that
// belong beside it, and a README. `node test/support/make-home-fixture.ts` on the built package; refuses to overwrite.
// Passphrases are published; the key derivation is at its floor.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { createSigner } from '../../src/storage/signer-creation.ts';
import { BINARY, PROJECT } from './binary.ts';
import { INIT } from './custody.ts';
import { FAST_KDF, storeDeps } from './store.ts';

const SIGNERS = ['alice', 'bob', 'carol'];
const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string };
const target = join(PROJECT, 'test', 'fixtures', 'homes', version);
if (existsSync(target)) throw new Error(`${target} exists; a fixture home is never made again`);

const work = mkdtempSync(join(tmpdir(), 'ronctl-fixture-'));
const home = join(work, 'home');
const passphraseFile = (name: string): string => {
  const file = join(work, `${name}.pass`);
  writeFileSync(file, `pass of ${name}\n`, { mode: 0o600 });
  return file;
};
const pass = (name: string): string[] => ['--passphrase-file', passphraseFile(name)];
const named = (names: readonly string[]): string[] =>
  names.flatMap((name) => ['--passphrase-file', `${name}=${passphraseFile(name)}`]);

interface Answer {
  readonly data: { readonly kid: string; readonly proposal: { readonly id: string; readonly digest: string } };
}

function ronctl(...argv: string[]): Answer['data'] {
  const run = spawnSync(BINARY, [...argv, '--json'], {
    cwd: work,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: work, RONCTL_HOME: home },
  });
  if (run.status !== 0) throw new Error(`ronctl ${argv.join(' ')}: ${run.status}\n${run.stdout}\n${run.stderr}`);
  return (JSON.parse(run.stdout) as Answer).data;
}

function proposeChange(change: string, ...approvers: string[]): string {
  const rationale = ['--rationale', 'part of the fixture'];
  const scope = ['--scope', change.startsWith('pq') ? 'tenant:acme' : 'global'];
  const made = ronctl(
    'governance',
    'propose',
    ...scope,
    '--change',
    change,
    ...rationale,
    '--signer',
    'alice',
    ...pass('alice'),
  );
  const { id, digest } = made.proposal;
  for (const signer of approvers) {
    ronctl('governance', 'approve', id, '--signer', signer, '--expect-digest', digest, ...pass(signer));
  }
  return id;
}

for (const id of SIGNERS) await createSigner(storeDeps(home), id, FAST_KDF);
await (await initCustody(storeDeps(home), INIT)).close();
const members = 'policy-owner=alice,security-officer=bob,custodian=carol';
ronctl('governance', 'init', '--members', members, '--threshold', '2', ...named([...SIGNERS, 'store']));
writeFileSync(join(work, 'payload'), 'hello world');
const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--new-tenant', ...pass('store')];
const signing = ronctl(...create, '--alg', 'ed25519').kid;
const wrapping = ronctl(...create, '--alg', 'hybrid-kem').kid;
ronctl('kms', 'sign', signing, '--file', 'payload', '--out', 'first.sig', ...pass('store'));
ronctl('kms', 'rotate', signing.split('#')[0]!, ...pass('store'));
ronctl('kms', 'sign', signing.split('#')[0]!, '--file', 'payload', '--out', 'second.sig', ...pass('store'));
writeFileSync(join(work, 'secret'), 'a key of 32 bytes, to be wrapped', { mode: 0o600 });
ronctl('kms', 'wrap', wrapping, '--file', 'secret', '--out', 'secret.ronw', ...pass('store'));
ronctl('governance', 'execute', proposeChange('pq_mode=and', 'bob', 'carol'), ...pass('store'));
ronctl('signer', 'rotate', 'carol', ...pass('carol'));
// Stays in the inbox: not ingested, and too late when a later build ingests it.
proposeChange('caps.max_ttl_s=600', 'bob');
ronctl(
  'signer',
  'backup',
  'bob',
  '--out',
  'bob.backup',
  ...pass('bob'),
  '--new-passphrase-file',
  passphraseFile('paper'),
);
ronctl('audit', 'verify');

mkdirSync(target, { recursive: true });
for (const part of ['home.json', 'trust', 'signers', 'store', 'inbox', 'ledger', 'audit']) {
  cpSync(join(home, part), join(target, 'home', part), {
    recursive: true,
    filter: (path) => !path.endsWith('/lock'),
  });
}
for (const file of ['payload', 'first.sig', 'second.sig', 'secret', 'secret.ronw', 'bob.backup']) {
  cpSync(join(work, file), join(target, file));
}
writeFileSync(
  join(target, 'README.md'),
  `# A home of ronctl ${version}

Made by \`node test/support/make-home-fixture.ts\` and never edited: every later build must open it, verify it, and go on
with a copy of it. Profile dev, governed by alice, bob and carol (2 of 3). Git keeps no modes: the copy gets 0700 and 0600.

Passphrases (published, protect nothing): \`pass of store\`, \`pass of alice\`, \`pass of bob\`, \`pass of carol\`; the file
\`bob.backup\` opens with \`pass of paper\`.

| file | what |
|---|---|
| \`home/\` | the home, without locks |
| \`payload\`, \`first.sig\`, \`second.sig\` | signed before and after a rotation of \`${signing.split('#')[0]}\` |
| \`secret\`, \`secret.ronw\` | wrapped for \`${wrapping.split('#')[0]}\` |
| \`bob.backup\` | signer backup |
`,
);
rmSync(work, { recursive: true });
process.stdout.write(`${target}\n`);
