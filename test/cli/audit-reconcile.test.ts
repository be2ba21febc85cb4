// `ronctl audit reconcile` through the real binary: one verdict and one exit code in every output mode, on a governed home, on
// one whose public.json says something else, and on one without a key that is trusted.

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReconcileResult } from '../../src/operations/audit/reconcile.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStoryHome } from '../support/story-home.ts';

const home = temporaryHome();
const pass = ['--passphrase-file', home.passphrase('store')];

function copy(name: string, change: (path: string) => void): { env: { RONCTL_HOME: string } } {
  const path = home.file(name);
  cpSync(home.path, path, { recursive: true });
  change(path);
  return { env: { RONCTL_HOME: path } };
}

beforeAll(async () => {
  await makeStoryHome(home);
}, 120_000);

describe('ronctl audit reconcile', () => {
  it('is complete, without and with the passphrase of the store', async () => {
    const { data } = await home.json<ReconcileResult>(['audit', 'reconcile']);
    expect(data).toMatchObject({ verdict: 'complete', trust: 'pinned', unsealed: false, findings: [] });
    expect(data!.counts).toMatchObject({ keys: 1, executed: 0 });
    const table = await home.run(['audit', 'reconcile']);
    expect([table.exit, table.stderr]).toEqual([0, '']);
    expect(table.stdout).toMatch(/^complete\n/);
    const unsealed = await home.json<ReconcileResult>(['audit', 'reconcile', '--unseal', ...pass]);
    expect(unsealed.data).toMatchObject({ verdict: 'complete', unsealed: true });
  });

  it('finds a key state that no record explains, where audit verify finds nothing', async () => {
    const changed = copy('retired', (path) => {
      const file = join(path, 'store/public.json');
      writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"state":"active"', '"state":"retired"'));
    });
    await home.json(['audit', 'verify'], 0, changed);
    const { data, error } = await home.json<ReconcileResult>(['audit', 'reconcile'], 10, changed);
    expect(data!.findings.map((one) => one.code)).toEqual(['view-different', 'key-state', 'key-state']);
    expect(error).toMatchObject({ code: 'Tampered', field: 'view-different' });
    for (const mode of [[], ['-o', 'yaml'], ['--no-color']]) {
      const run = await home.run(['audit', 'reconcile', ...mode], changed);
      expect(run.exit, mode.join(' ')).toBe(10);
      expect(`${run.stdout}${run.stderr}`, mode.join(' ')).toContain('key-state');
    }
  });

  it('cannot decide without a trusted key', async () => {
    const untrusted = copy('untrusted', (path) => rmSync(join(path, 'trust'), { recursive: true }));
    const { data, error } = await home.json<ReconcileResult>(['audit', 'reconcile'], 11, untrusted);
    expect(data).toMatchObject({ verdict: 'undecidable', trust: 'none' });
    expect(error).toMatchObject({ code: 'NoTrustedKey', field: 'no-trusted-key' });
    const nowhere = { env: { RONCTL_HOME: home.file('nowhere') } };
    expect((await home.json(['audit', 'reconcile'], 4, nowhere)).error?.code).toBe('NotInitialised');
  });
});
