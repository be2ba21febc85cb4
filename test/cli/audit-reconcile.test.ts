// `ronctl audit reconcile` through the real binary: one verdict and one exit code in every output mode, on a governed home, on
// one whose public.json says something else, and on one without a key that is trusted.

import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditLogResult } from '../../src/operations/audit/log.ts';
import type { ReconcileResult } from '../../src/operations/audit/reconcile.ts';
import type { AuditShowResult } from '../../src/operations/audit/show.ts';
import type { DisputeResult } from '../../src/operations/governance/dispute.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners } from '../support/floor-home.ts';
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

describe('ronctl governance dispute', () => {
  const as = (id: string): string[] => ['--signer', id, '--passphrase-file', `${id}=${home.passphrase(id)}`];
  const store = ['--passphrase-file', `store=${home.passphrase('store')}`];

  it('marks records from its ingest on, and changes nothing else', async () => {
    const text = home.write('objection.txt', 'this signature was not asked for\n');
    const before = readFileSync(join(home.path, 'audit/e0/segments/000000.jsonl'), 'utf8');
    const dispute = ['governance', 'dispute', '5,2', '--text', text];
    const dry = await home.json<DisputeResult>([...dispute, '--dry-run', ...as('bob')]);
    expect(dry.data).toMatchObject({ claimant: 'bob', ingested: false });
    expect(existsSync(join(home.path, dry.data!.file))).toBe(false);
    const { data } = await home.json<DisputeResult>([...dispute, ...as('bob')]);
    expect(data!.records.map((one) => one.index)).toEqual([2, 5]);
    expect(data!.dispute_id).toMatch(/^gd-[a-z2-7]{32}$/);
    const waiting = await home.json<AuditShowResult>(['audit', 'show', '5']);
    expect(waiting.data).toMatchObject({ disputed: false, disputes: [] });
    await home.json(['governance', 'ingest', ...store]);
    const shown = await home.json<AuditShowResult>(['audit', 'show', '5']);
    expect(shown.data).toMatchObject({
      disputed: true,
      disputes: [{ id: data!.dispute_id, claimant: 'bob', text_sha256: data!.text_sha256 }],
    });
    const log = await home.json<AuditLogResult>(['audit', 'log', '--limit', '1000']);
    const marked = log.data!.records.filter((one) => one.disputed === true).map((one) => one.index);
    expect(marked).toEqual([5, 2]);
    expect((await home.run(['governance', 'log'])).stdout).toContain(
      `disputes audit record 2, 5 (${data!.dispute_id})`,
    );
    const after = readFileSync(join(home.path, 'audit/e0/segments/000000.jsonl'), 'utf8');
    expect(after.startsWith(before)).toBe(true);
    await home.json(['audit', 'verify']);
    // A second one meets the state that was kept with the first.
    const again = await home.json<DisputeResult>([...dispute.with(2, '5'), '--ingest', ...as('alice'), ...store]);
    expect(again.data!.ingested).toBe(true);
    expect((await home.json<AuditShowResult>(['audit', 'show', '5'])).data!.disputes).toHaveLength(2);
    await home.json(['governance', 'verify', '--all']);
  });

  it('is refused for records that nobody has signed, and by others than members', async () => {
    const text = home.file('objection.txt');
    const absent = await home.json(['governance', 'dispute', '99999', '--text', text, ...as('bob')], 4);
    expect(absent.error).toMatchObject({ code: 'NotFound', field: 'INDEX,...' });
    await makeSigners(home, 'mallory');
    const stranger = await home.json(['governance', 'dispute', '5', '--text', text, ...as('mallory')], 16);
    expect(stranger.error).toMatchObject({ code: 'PolicyRefused', field: '--signer' });
  });
});

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
