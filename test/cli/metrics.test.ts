// `ronctl metrics` of a real governed home: the page, what changes it, the files; no passphrase is asked for.

import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseExposition } from '../../src/kms-api/exposition.ts';
import { METRIC_ROWS } from '../../src/kms-api/metrics.ts';
import { temporaryHome } from '../support/binary.ts';
import { asStore, carryOut, governHome } from '../support/governed-home.ts';

const home = temporaryHome();
const page = new Map<string, number>();

async function read(): Promise<void> {
  const run = await home.run(['metrics']);
  expect(run).toMatchObject({ exit: 0, stderr: '' });
  page.clear();
  for (const { name, labels, value } of parseExposition(run.stdout)) {
    page.set(`${name}${JSON.stringify(Object.values(labels))}`, value);
  }
}

beforeAll(async () => {
  await governHome(home);
  await home.json(
    asStore(home, ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'hybrid', '--new-tenant']),
  );
  await home.json(asStore(home, ['governance', 'ingest']));
});

describe('the page of a home', () => {
  test('holds the metrics that the table marks as derived, and no other', async () => {
    const { stdout } = await home.run(['metrics']);
    const names = stdout
      .split('\n')
      .filter((line) => line.startsWith('# TYPE '))
      .map((line) => line.split(' ')[2]);
    const derived = METRIC_ROWS.filter(({ offline }) => offline === true).map(({ name }) => name);
    expect(names).toEqual(derived);
  });

  test('counts what was proposed, voted and executed', async () => {
    await carryOut(home, ['governance', 'propose', '--scope', 'tenant:acme', '--change', 'pq_mode=and']);
    await read();
    expect(page.get('kms_governance_proposals_total["pending"]')).toBe(1);
    expect(page.get('kms_governance_proposals_total["approved"]')).toBe(1);
    expect(page.get('kms_governance_proposals_total["executed"]')).toBe(1);
    expect(page.get('kms_governance_proposals_total["failed"]')).toBe(0);
    expect(page.get('kms_governance_statements_total["approve"]')).toBe(2);
    expect(page.get('kms_governance_oldest_pending_seconds[]')).toBe(0);
    expect(page.get('kms_governance_ledger_seq[]')).toBeGreaterThan(3);
    expect(page.get('kms_emergency_freezes_total[]')).toBe(0);
    expect(page.get('kms_keys_total["acme","release","hybrid"]')).toBe(1);
    expect([...page].filter(([name]) => name.startsWith('kms_key_version_head')).map(([, value]) => value)).toEqual([
      1,
    ]);
    expect(page.get('kms_governed[]')).toBe(1);
    expect(page.get('kms_pq_mode["or"]')).toBe(1);
    expect(page.get('kms_pq_phase["_instance","1"]')).toBe(1);
    expect(page.get('kms_pq_phase["acme","2"]')).toBe(1);
    expect(page.get('kms_audit_log_size[]')).toBeGreaterThan(5);
  });

  test('an open proposal is pending and has an age', async () => {
    const asAlice = ['--signer', 'alice', '--passphrase-file', home.passphrase('alice')];
    const what = ['--scope', 'tenant:acme', '--change', 'pq.rollout_percent=50', '--rationale', 'x'];
    await home.json(['governance', 'propose', ...what, ...asAlice]);
    await home.json(asStore(home, ['governance', 'ingest']));
    await read();
    expect(page.get('kms_governance_proposals_total["pending"]')).toBe(2);
    expect(page.get('kms_governance_proposals_total["executed"]')).toBe(1);
    expect(page.get('kms_governance_oldest_pending_seconds[]')).toBeGreaterThan(0);
  });

  test('--json says how far it is authenticated', async () => {
    const { data } = await home.json<{ what: string; source: string; trust: string; text: string }>(['metrics']);
    expect(data).toMatchObject({ what: 'page', source: 'home', trust: 'authenticated' });
  });
});

describe('files', () => {
  test('alert rules and dashboards are printed as they are used, in any directory', async () => {
    const rules = await home.run(['metrics', '--alerts']);
    expect(rules.exit).toBe(0);
    expect(parse(rules.stdout)).toHaveProperty('groups');
    for (const name of ['overview', 'custody']) {
      const board = await home.run(['metrics', '--dashboard', name]);
      expect(JSON.parse(board.stdout)).toMatchObject({ uid: `ron-kms-${name}` });
    }
  });

  test('two of them at once, an unknown one, and a time without objectives are refused', async () => {
    for (const [exit, ...argv] of [
      [2, '--alerts', '--slo'],
      [3, '--dashboard', 'nope'],
      [2, '--over', '1s'],
    ] as const) {
      const run = await home.run(['metrics', ...argv]);
      expect([run.exit, run.stdout], argv.join(' ')).toEqual([exit, '']);
    }
  });

  test('objectives without a server are a question to nobody', async () => {
    const run = await home.run(['metrics', '--slo']);
    expect(run.exit).toBe(2);
    expect(run.stderr).toContain('Name a server with --kms.');
  });
});
