// A restore from a backup that is older than its ledger, with the real binary (log page 4.7): nothing is accepted under the
// signer set of then. The missing lines come back from the copy that went on, proved by its log, and then the newest set
// decides.

import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditImportResult } from '../../src/operations/audit/import.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { ExecuteResult } from '../../src/operations/governance/execute.ts';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import { type TestHome, temporaryHome } from '../support/binary.ts';
import { asStore, carryOut, governHome } from '../support/governed-home.ts';

const home = temporaryHome();
const restored = temporaryHome();
const naive = temporaryHome();
const as = (id: string): string[] => ['--signer', id, '--passphrase-file', home.passphrase(id)];
const backup = home.file('backup');
const propose = ['governance', 'propose', '--action', 'restore-accept', '--rationale', 'disk lost'];
const unsealing = (argv: readonly string[]): string[] => asStore(home, argv);

async function restoreTo(at: TestHome, signers: string, ...parts: readonly string[]): Promise<void> {
  mkdirSync(at.path, { mode: 0o700 });
  for (const part of parts) cpSync(join(home.path, part), join(at.path, part), { recursive: true });
  cpSync(signers, join(at.path, 'signers'), { recursive: true });
  await at.json(['store', 'restore', backup]);
}

beforeAll(async () => {
  await governHome(home);
  await home.json(['store', 'backup', '--out', backup]);
  cpSync(join(home.path, 'signers'), home.file('signers-of-then'), { recursive: true });
  await carryOut(home, ['governance', 'propose', '--scope', 'global', '--change', 'caps.max_ttl_s=800']);
  await carryOut(home, ['governance', 'signers', 'change', '--members', 'alice,bob', '--reason', 'carol=left']);
  await home.json(['audit', 'verify']);
  await restoreTo(restored, join(home.path, 'signers'), 'trust');
  await restoreTo(naive, home.file('signers-of-then'), 'trust');
});

describe('a store that is older than its ledger', () => {
  it('accepts nothing under the set of then, where the newer one is known', async () => {
    // Signers without a memory of what they did since: as bad as it can be.
    const proposed = await naive.json<ProposeResult>([...propose, ...as('alice')]);
    const { id, digest } = proposed.data!.proposal;
    for (const who of ['alice', 'carol']) {
      await naive.json(['governance', 'approve', id, '--expect-digest', digest, ...as(who)]);
    }
    const { error } = await naive.json(unsealing(['governance', 'execute', id]), 11);
    expect(error).toMatchObject({ code: 'LedgerBehind', field: 'ledger' });
    expect(readdirSync(join(naive.path, 'audit'))).not.toContain('e1');
  });

  it('has nothing signed by signers who have seen more', async () => {
    const { error } = await restored.json([...propose, ...as('alice')], 15);
    expect(error?.code).toBe('Stale');
  });

  it('takes the missing lines from the home that went on, and goes on under the newest set', async () => {
    const done = await restored.json<AuditImportResult>(['audit', 'import', home.path]);
    expect(done.data?.ledger).toMatchObject({ from: 1 });
    const gone = await restored.json([...propose, ...as('carol')], 16);
    expect(gone.error?.message).toContain('carol');
    const proposed = await restored.json<ProposeResult>([...propose, ...as('alice')]);
    const { id, digest } = proposed.data!.proposal;
    for (const who of ['alice', 'bob']) {
      await restored.json(['governance', 'approve', id, '--expect-digest', digest, ...as(who)]);
    }
    const executed = await restored.json<ExecuteResult>(unsealing(['governance', 'execute', id]));
    expect(executed.data?.checkpoint?.origin).toMatch(/\/e1$/);
    const policy = await restored.run(['policy', 'inspect']);
    expect(policy.stdout).toContain('800');
    expect((await restored.json<AuditVerifyResult>(['audit', 'verify'])).data?.verdict).toBe('consistent');
    // Without the log of then the receipts of the lost part are open; with it everything holds.
    await restored.json(['governance', 'verify'], 11);
    await home.json(['audit', 'export', '--out', home.file('export')]);
    await restored.json(['audit', 'import', home.file('export')]);
    const verified = await restored.json<{ verdict: string }>(['governance', 'verify']);
    expect(verified.data?.verdict).toBe('consistent');
    await carryOut(restored, ['governance', 'propose', '--scope', 'global', '--change', 'caps.max_ttl_s=700']);
  });
});
