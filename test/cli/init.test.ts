import { chmodSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { InitResult } from '../../src/operations/init.ts';
import { TestHome, temporaryHome } from '../support/binary.ts';

const home = temporaryHome();
const pass = (name: string): readonly string[] => ['--passphrase-file', home.passphrase(name)];

describe('ronctl init', () => {
  it('wants a profile and a passphrase', async () => {
    expect((await home.json(['init'], 2)).error).toMatchObject({
      code: 'Usage',
      message: expect.stringContaining('profile'),
    });
    expect((await home.json(['init', '--profile', 'dev'], 2)).error).toMatchObject({ field: '--passphrase-file' });
    const base = await home.json(['init', '--profile', 'dev', '--log-origin', 'UPPER', ...pass('store')], 3);
    expect(base.error?.code).toBe('InvalidValue');
  });

  it('--dry-run makes nothing', async () => {
    const { data } = await home.json<InitResult>(['init', '--profile', 'dev', '--dry-run', ...pass('store')]);
    expect(data).toMatchObject({ dry_run: true, store: null });
    expect(() => readdirSync(home.path)).toThrow(/ENOENT/);
  });

  it('makes the home once', async () => {
    const args = ['init', '--profile', 'dev', '--log-origin', 'audit.example.org', ...pass('store')];
    const { data } = await home.json<InitResult>(args);
    expect(data?.store?.log.origin).toBe(`audit.example.org/${data?.store?.store_id}/e0`);
    expect(readdirSync(home.path).sort()).toEqual(['audit', 'home.json', 'store', 'store.lock', 'trust']);
    const again = await home.json(args, 3);
    expect(again.error?.code).toBe('Exists');
  });

  it('refuses a home with another mode', async () => {
    const other = new TestHome();
    try {
      await other.json(['signer', 'create', 'alice', '--passphrase-file', other.passphrase('alice')]);
      chmodSync(other.path, 0o755);
      const run = await other.json(['init', '--profile', 'dev', '--passphrase-file', other.passphrase('store')], 3);
      expect(run.error).toMatchObject({ code: 'UnsafeFile', message: expect.stringContaining('has mode 0755') });
    } finally {
      other.remove();
    }
  });
});
