import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SignerBackupResult } from '../../src/operations/signer/backup.ts';
import type { SignerCreateResult } from '../../src/operations/signer/create.ts';
import type { SignerListResult } from '../../src/operations/signer/list.ts';
import type { SignerRestoreResult } from '../../src/operations/signer/restore.ts';
import type { SignerRotateResult } from '../../src/operations/signer/rotate.ts';
import type { SignerShowResult } from '../../src/operations/signer/show.ts';
import { temporaryHome } from '../support/binary.ts';

const home = temporaryHome();
const pass = (name: string): readonly string[] => ['--passphrase-file', home.passphrase(name)];

describe('ronctl signer', () => {
  it('create prints the digest and the words in three lines of four', async () => {
    const run = await home.run(['signer', 'create', 'alice', ...pass('alice')]);
    expect(run.exit, run.stderr).toBe(0);
    expect(run.stdout).toMatch(/^signer alice created\n/);
    expect(run.stdout).toMatch(/digest +sha256:[0-9a-f]{64}\n/);
    expect(run.stdout).toMatch(/words +(?:[a-z]+ ){3}[a-z]+\n +(?:[a-z]+ ){3}[a-z]+\n +(?:[a-z]+ ){3}[a-z]+\n/);
    expect(statSync(`${home.path}/signers/alice/root.ronk`).mode & 0o777).toBe(0o600);
    expect(statSync(home.path).mode & 0o777).toBe(0o700);
  });

  it('create refuses a second one, a bad id, and a missing passphrase', async () => {
    const again = await home.json(['signer', 'create', 'alice', ...pass('alice')], 3);
    expect(again.error).toMatchObject({ code: 'Exists', field: 'ID' });
    const bad = await home.json(['signer', 'create', 'Alice', ...pass('alice')], 3);
    expect(bad.error).toMatchObject({ code: 'InvalidValue', field: 'ID' });
    const none = await home.json(['signer', 'create', 'bob'], 2);
    expect(none.error).toMatchObject({ code: 'MissingAnswer', field: '--passphrase-file' });
  });

  it('create --dry-run writes nothing', async () => {
    const { data } = await home.json<SignerCreateResult>(['signer', 'create', 'bob', '--dry-run', ...pass('bob')]);
    expect(data).toEqual({ id: 'bob', dry_run: true, signer: null });
    expect((await home.json<SignerListResult>(['signer', 'list'])).data?.signers.map((one) => one.id)).toEqual([
      'alice',
    ]);
  });

  it('show, list and export need no passphrase and agree', async () => {
    const show = (await home.json<SignerShowResult>(['signer', 'show', 'alice'])).data!;
    const listed = (await home.json<SignerListResult>(['signer', 'list'])).data!;
    expect(listed.signers[0]?.digest).toBe(show.digest);
    expect(show.words).toHaveLength(12);
    await home.json(['signer', 'export', 'alice', '--out', 'alice.signer.json']);
    expect(home.read('alice.signer.json').toString()).toContain('application/vnd.ron.gov.signer.v1+json');
    const twice = await home.json(['signer', 'export', 'alice', '--out', 'alice.signer.json'], 3);
    expect(twice.error?.code).toBe('Exists');
    await home.json(['signer', 'export', 'alice', '--out', 'alice.signer.json', '--force']);
    const out = await home.run(['signer', 'export', 'alice', '--out', '-']);
    expect(out.stdout).toBe(home.read('alice.signer.json').toString());
    const missing = await home.json(['signer', 'show', 'bob'], 4);
    expect(missing.error).toMatchObject({
      code: 'NotInitialised',
      hint: 'Signers here: alice. A new one: ronctl signer create bob',
    });
    const inspected = await home.run(['inspect', 'alice.signer.json']);
    expect(inspected.stdout).toContain(show.digest);
  });

  it('rotate makes a bundle that names the one before', async () => {
    const before = (await home.json<SignerShowResult>(['signer', 'show', 'alice'])).data!;
    const { data } = await home.json<SignerRotateResult>(['signer', 'rotate', 'alice', ...pass('alice')]);
    expect(data).toMatchObject({ pairs: 2, previous: before.digest, signer: { previous: before.digest } });
    const after = (await home.json<SignerShowResult>(['signer', 'show', 'alice'])).data!;
    expect(after.digest).toBe(data?.signer?.digest);
  });

  it('passphrase: the old one stops, and the new one needs a source of its own', async () => {
    const none = await home.json(['signer', 'passphrase', 'alice', ...pass('alice')], 2);
    expect(none.error).toMatchObject({ code: 'MissingAnswer', field: '--new-passphrase-file' });
    const fresh = home.passphrase('fresh');
    await home.json(['signer', 'passphrase', 'alice', ...pass('alice'), '--new-passphrase-file', fresh]);
    const old = await home.json(['signer', 'rotate', 'alice', '--dry-run', ...pass('alice')], 3);
    expect(old.error?.code).toBe('WrongPassphrase');
    await home.json(['signer', 'rotate', 'alice', '--dry-run', '--passphrase-file', fresh]);
  });

  it('takes the passphrase from a descriptor, without its final line feed', async () => {
    const run = await home.json(['signer', 'rotate', 'alice', '--dry-run', '--passphrase-fd', '0'], 0, {
      stdin: 'correct horse fresh\n',
    });
    expect(run.ok).toBe(true);
  });

  it('backup and restore carry the keys, not the memory', async () => {
    const paper = home.passphrase('paper');
    const backup = await home.json<SignerBackupResult>([
      'signer',
      'backup',
      'alice',
      '--passphrase-file',
      home.passphrase('fresh'),
      '--new-passphrase-file',
      paper,
      '--out',
      'alice.backup',
    ]);
    expect(backup.data?.pairs).toBe(2);
    const restore = ['signer', 'restore', 'alice.backup', '--passphrase-file', paper, '--new-passphrase-file', paper];
    const exists = await home.json(restore, 3);
    expect(exists.error?.code).toBe('Exists');
    const elsewhere = { env: { RONCTL_HOME: home.file('elsewhere') } };
    const dry = await home.json<SignerRestoreResult>([...restore, '--dry-run'], 0, elsewhere);
    expect(dry.data).toMatchObject({ id: 'alice', signer: null });
    const done = await home.json<SignerRestoreResult>(restore, 0, elsewhere);
    expect(done.data).toMatchObject({ needs_resync: true, signer: { digest: backup.data?.signer.digest } });
    const damaged = home.read('alice.backup');
    damaged[damaged.length - 1]! ^= 1;
    home.write('damaged.backup', damaged);
    const bad = await home.json(restore.with(2, 'damaged.backup'), 10, { env: { RONCTL_HOME: home.file('third') } });
    expect(bad.error?.code).toBe('Tampered');
  });
});
