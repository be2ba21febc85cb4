import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { StoreBackupResult } from '../../src/operations/store/backup.ts';
import type { StorePassphraseResult } from '../../src/operations/store/passphrase.ts';
import type { StoreResealResult } from '../../src/operations/store/reseal.ts';
import type { StoreRestoreResult } from '../../src/operations/store/restore.ts';
import type { StoreStatusResult } from '../../src/operations/store/status.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import { filesBelow } from '../../src/storage/file-copy.ts';
import { temporaryHome } from '../support/binary.ts';
import { fixedPassphrases, storeDeps } from '../support/store.ts';

const home = temporaryHome();
const pass = (name: string): readonly string[] => ['--passphrase-file', home.passphrase(name)];

describe('ronctl store', () => {
  it('needs init, and says so', async () => {
    for (const argv of [['status'], ['passphrase', ...pass('store'), '--new-passphrase-file', home.passphrase('x')]]) {
      const run = await home.json(['store', ...argv], 4);
      expect(run.error).toMatchObject({ code: 'NotInitialised', hint: expect.stringContaining('ronctl init') });
    }
    await home.json(['init', '--profile', 'dev', ...pass('store')]);
  });

  it('status shows the store without a passphrase', async () => {
    const { data } = await home.json<StoreStatusResult>(['store', 'status']);
    expect(data).toMatchObject({ trust: 'local', generation: 1, keys: 0, ledger_id: null, holder: null });
    expect(data?.log.behind).toBe(0);
    const text = await home.run(['store', 'status']);
    expect(text.stdout).toMatch(/^store +[0-9a-f]{32}\n/);
  });

  it('passphrase: the old one stops', async () => {
    const fresh = home.passphrase('fresh');
    const args = ['store', 'passphrase', ...pass('store'), '--new-passphrase-file', fresh];
    const dry = await home.json<StorePassphraseResult>([...args, '--dry-run']);
    expect(dry.data).toEqual({ dry_run: true, changed: false, audit: null });
    const done = await home.json<StorePassphraseResult>(args);
    expect(done.data?.changed).toBe(true);
    const old = await home.json(args, 3);
    expect(old.error?.code).toBe('WrongPassphrase');
    const { data } = await home.json<StoreStatusResult>(['store', 'status']);
    expect(data?.generation).toBe(2);
  });

  it('reseal gives an ungoverned store a new root key', async () => {
    const { data } = await home.json<StoreResealResult>(['store', 'reseal', ...pass('fresh')]);
    expect(data).toMatchObject({ records: 3, new_root: true });
    await home.json(['store', 'reseal', '--dry-run', ...pass('fresh')]);
  });

  it('backup and restore: the copy verifies and changes nothing', async () => {
    const out = home.file('backup');
    const dry = await home.json<StoreBackupResult>(['store', 'backup', '--out', out, '--dry-run']);
    expect(dry.data).toMatchObject({ dry_run: true, files: 0 });
    const backup = await home.json<StoreBackupResult>(['store', 'backup', '--out', out]);
    expect(backup.data?.head?.size).toBeGreaterThan(0);
    expect(readdirSync(out).sort()).toEqual(['audit', 'backup.json', 'home.json', 'store', 'trust']);
    const twice = await home.json(['store', 'backup', '--out', out], 3);
    expect(twice.error?.code).toBe('Exists');
    const here = await home.json(['store', 'restore', out], 3);
    expect(here.error).toMatchObject({ code: 'Exists', message: expect.stringContaining('store/') });

    const elsewhere = { env: { RONCTL_HOME: home.file('elsewhere') } };
    await home.json<StoreRestoreResult>(['store', 'restore', out, '--dry-run'], 0, elsewhere);
    const restored = await home.json<StoreRestoreResult>(['store', 'restore', out], 0, elsewhere);
    expect(restored.data).toMatchObject({ verify_only: true, head: backup.data?.head });
    const status = await home.json<StoreStatusResult>(['store', 'status'], 0, elsewhere);
    expect(status.data?.restored_at).not.toBeNull();
    // No quorum could be asked: the first command that unseals it opens the next epoch, and goes on there.
    const resealed = await home.json<StoreResealResult>(['store', 'reseal', ...pass('fresh')], 0, elsewhere);
    expect(resealed.data?.audit?.origin).toMatch(/\/e1$/);
    const after = await home.json<StoreStatusResult>(['store', 'status'], 0, elsewhere);
    expect(after.data).toMatchObject({ restored_at: null, rolled_back: null });
    const verified = await home.json<AuditVerifyResult>(['audit', 'verify'], 0, elsewhere);
    expect(verified.data?.epochs).toHaveLength(2);
  });

  it.each([
    ['changed', 'store/public.json', 'is not the file that backup.json names'],
    ['added', 'store/extra.json', 'is not in backup.json'],
  ])('restore refuses a backup in which a file was %s', async (_what, file, message) => {
    const out = home.file(`backup-${_what}`);
    await home.json(['store', 'backup', '--out', out]);
    writeFileSync(`${out}/${file}`, '{}\n', { mode: 0o600 });
    const elsewhere = { env: { RONCTL_HOME: home.file(`home-${_what}`) } };
    const run = await home.json(['store', 'restore', out], 10, elsewhere);
    expect(run.error).toMatchObject({ code: 'Tampered', message: expect.stringContaining(message) });
    const dry = await home.json(['store', 'restore', out, '--dry-run'], 10, elsewhere);
    expect(dry.error?.message).toBe(run.error?.message);
    expect(existsSync(home.file(`home-${_what}`))).toBe(false);
  });

  it('restore refuses a backup whose head backup.json does not name, and leaves nothing', async () => {
    const out = home.file('backup-head');
    await home.json(['store', 'backup', '--out', out]);
    const list = readFileSync(`${out}/backup.json`, 'utf8');
    const size = Number(/"size":(\d+)/.exec(list)![1]);
    writeFileSync(`${out}/backup.json`, list.replace(`"size":${size}`, `"size":${size - 1}`));
    const run = await home.json(['store', 'restore', out], 10, { env: { RONCTL_HOME: home.file('home-head') } });
    expect(run.error).toMatchObject({
      code: 'Tampered',
      message: expect.stringContaining('the checkpoint of the backup'),
    });
    expect(existsSync(home.file('home-head'))).toBe(false);
  });

  it.each([
    ['no backup.json', undefined, 4, 'NotFound', 'holds no backup.json'],
    ['something else', '{}\n', 3, 'Malformed', 'backup.json: format: missing member'],
    ['one of a later version', '{"format":"ronctl-backup/2"}\n', 3, 'NewerVersion', 'reads ronctl-backup/1'],
    ['another format', '{"format":"ronctl-home/2"}\n', 3, 'Malformed', 'backup.json: format'],
  ])('restore refuses a directory with %s, and leaves nothing', async (name, content, exit, code, message) => {
    const directory = home.file(`no-backup-${name}`);
    mkdirSync(directory);
    if (content !== undefined) writeFileSync(`${directory}/backup.json`, content);
    const elsewhere = { env: { RONCTL_HOME: home.file('home-none') } };
    const { error } = await home.json(['store', 'restore', directory], exit, elsewhere);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(existsSync(home.file('home-none'))).toBe(false);
  });

  it('a second process is refused while one holds the home, also after that one has read every file of it', async () => {
    const passphrases = fixedPassphrases({ store: 'correct horse fresh' });
    const deps = storeDeps(home.path, { passphrases });
    const store = await openCustodyStore(deps);
    try {
      const { files } = deps.host;
      const names = filesBelow(files, home.path).filter((name) => !name.endsWith('.lock'));
      for (const name of names) expect(files.read(`${home.path}/${name}`, 1e9)).not.toBeNull();
      const argv = ['--lock-timeout', '0ms'];
      const reseal = await home.json(['store', 'reseal', ...pass('fresh'), ...argv], 22);
      expect(reseal.error).toMatchObject({ code: 'Locked', message: expect.stringContaining(`pid ${process.pid}`) });
      const backup = await home.json(['store', 'backup', '--out', home.file('locked'), ...argv], 22);
      expect(backup.error?.code).toBe('Locked');
      await home.json(['store', 'status']);
    } finally {
      await store.close();
    }
    await home.json(['store', 'reseal', ...pass('fresh')]);
  });

  it('refuses what others can read', async () => {
    chmodSync(`${home.path}/store/public.json`, 0o644);
    const run = await home.json(['store', 'status'], 3);
    expect(run.error).toMatchObject({ code: 'UnsafeFile', hint: expect.stringContaining('chmod 0600') });
    chmodSync(`${home.path}/store/public.json`, 0o600);
  });
});
