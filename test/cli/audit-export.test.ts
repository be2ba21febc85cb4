// `ronctl audit export` through the real binary: what it writes is verified by the same binary and by programs that are not
// ours; it says what it refuses.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditExportResult } from '../../src/operations/audit/export.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import { tlogCheckers } from '../support/tlog-checkers.ts';

const home = temporaryHome();
const pass = ['--passphrase-file', home.passphrase('store')];

beforeAll(async () => {
  await makeStore(home);
  const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  await home.json([...create, ...pass]);
});

const vkey = (): string => {
  const log = JSON.parse(readFileSync(join(home.path, 'audit/log.json'), 'utf8')) as {
    epochs: { keys: { vkeys: string[] }[] }[];
  };
  return log.epochs[0]!.keys[0]!.vkeys[0]!;
};

describe('ronctl audit export --tlog', () => {
  it('is read by verifiers that are not ours, grows, and is judged by audit verify', async () => {
    const log = home.file('log');
    const first = await home.json<AuditExportResult>(['audit', 'export', '--tlog', log]);
    expect(first.data).toMatchObject({ kind: 'tlog', out: log, from: 0, trust: 'local', gaps: [], redacted: null });
    const size = first.data!.checkpoint.size;
    await home.json(['audit', 'checkpoint', ...pass]);
    const second = await home.run(['audit', 'export', '--tlog', 'log']);
    expect([second.exit, second.stderr]).toEqual([0, '']);
    expect(second.stdout).toMatch(/^tlog-tiles directory\n/);
    for (const checker of tlogCheckers()) {
      expect((await checker.check(log, vkey(), [size])).output, checker.name).toMatch(/^ok /);
    }
    const { data } = await home.json<AuditVerifyResult>(['audit', 'verify', log]);
    expect(data).toMatchObject({ kind: 'tlog', verdict: 'consistent', trust: 'local' });
  });

  it('refuses a use that makes no sense', async () => {
    expect((await home.json(['audit', 'export'], 2)).error).toMatchObject({ code: 'Usage' });
    const { error } = await home.json(['audit', 'export', '--tlog', 'no/where'], 4);
    expect(error).toMatchObject({ code: 'NotFound', field: '--tlog' });
    expect(existsSync(home.file('no'))).toBe(false);
  });
});
