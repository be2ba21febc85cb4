// `ronctl audit prove`, `check-proof` and `anchor` through the real binary: files, exit codes, and a stranger who has nothing
// but a pinned log.

import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditAnchorResult } from '../../src/operations/audit/anchor.ts';
import type { AuditCheckProofResult } from '../../src/operations/audit/check-proof.ts';
import type { AuditProveResult } from '../../src/operations/audit/prove.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';

const home = temporaryHome();
const pass = ['--passphrase-file', home.passphrase('store')];
const key = ['kms', 'create', '--tenant', 'acme', '--alg', 'ed25519', '--new-tenant'];

beforeAll(async () => {
  await makeStore(home);
  await home.json([...key, '--purpose', 'release', ...pass]);
});

describe('ronctl audit prove and check-proof', () => {
  it('proves a record in a file that check-proof and inspect read', async () => {
    const out = home.file('1.tlog-proof');
    const proven = await home.json<AuditProveResult>(['audit', 'prove', '1', '--out', out]);
    expect(readFileSync(out, 'utf8')).toBe(proven.data!.proof);
    const { data } = await home.json<AuditCheckProofResult>(['audit', 'check-proof', out]);
    expect(data).toMatchObject({ kind: 'inclusion', index: 1, trust: 'local', record: { seq: 1 } });
    const shown = await home.run(['audit', 'check-proof', out]);
    expect(shown.stdout).toMatch(/^proved: record 1 is in the signed log\n/);
    const piped = await home.run(['audit', 'check-proof', '-'], { stdin: readFileSync(out) });
    expect(piped.exit).toBe(0);
    const printed = await home.run(['audit', 'prove', '1', '--out', '-']);
    expect(printed.stdout).toBe(proven.data!.proof);
    const inspected = await home.json<{ kind: string }>(['inspect', out], 11);
    expect(inspected.data!.kind).toBe('tlog-proof');
    expect((await home.json(['audit', 'prove', '1', '--out', out], 3)).error?.code).toBe('Exists');
  });

  it('refuses a changed proof with 10 or 3, in every output mode, and odd requests', async () => {
    const text = readFileSync(home.file('1.tlog-proof'), 'utf8');
    const moved = home.file('moved');
    writeFileSync(moved, text.replace('index 1\n', 'index 0\n'));
    for (const mode of [[], ['--json'], ['-o', 'yaml']]) {
      const run = await home.run(['audit', 'check-proof', moved, ...mode]);
      expect(run.exit, mode.join(' ')).toBe(10);
      expect(`${run.stdout}${run.stderr}`).toContain('leaf-mismatch');
    }
    const cut = home.file('cut');
    writeFileSync(cut, text.slice(0, 60));
    expect((await home.json(['audit', 'check-proof', cut], 3)).error?.code).toBe('Malformed');
    expect((await home.json(['audit', 'prove'], 2)).error?.field).toBe('INDEX');
    expect((await home.json(['audit', 'prove', '1', '--consistency', '1'], 2)).error?.field).toBe('INDEX');
    expect((await home.json(['audit', 'prove', '99'], 4)).error?.field).toBe('INDEX');
    expect((await home.json(['audit', 'prove', '-1'], 3)).error?.code).toBe('InvalidValue');
    expect((await home.json(['audit', 'prove', '1', '--epoch', '4'], 4)).error?.field).toBe('--epoch');
    const stranger = { env: { RONCTL_HOME: home.file('nowhere') } };
    const refused = await home.json(['audit', 'check-proof', home.file('1.tlog-proof')], 11, stranger);
    expect(refused.error).toMatchObject({ code: 'NoTrustedKey', field: 'no-trusted-key' });
  });
});

describe('ronctl audit anchor', () => {
  it('keeps a checkpoint elsewhere, and takes one in with its proof', async () => {
    const old = home.file('old.checkpoint');
    const kept = await home.json<AuditAnchorResult>(['audit', 'anchor', '--out', old]);
    expect(readFileSync(old, 'utf8')).toBe(kept.data!.note);
    const same = await home.json<AuditAnchorResult>(['audit', 'anchor', '--import', old]);
    expect(same.data).toMatchObject({ act: 'import', outcome: 'same' });
    await home.json([...key, '--purpose', 'second', ...pass]);
    const since = home.file('since.proof');
    await home.json(['audit', 'prove', '--consistency', old, '--out', since]);
    const checked = await home.json<AuditCheckProofResult>(['audit', 'check-proof', since, '--old', old]);
    expect(checked.data).toMatchObject({ kind: 'consistency', old_from: 'given', record: null });
    const fresh = await home.json<AuditAnchorResult>(['audit', 'anchor', '--import', since]);
    expect(fresh.data!.outcome).toBe('same');
    const older = await home.json<AuditAnchorResult>(['audit', 'anchor', '--import', old]);
    expect(older.data).toMatchObject({ outcome: 'older', proven_by: 'log' });
    const text = await home.run(['audit', 'anchor', '--import', old]);
    expect(text.stdout).toMatch(/^older than what is remembered/);
    expect((await home.json(['audit', 'anchor', '--import', old, '--out', 'x'], 2)).error?.field).toBe('--out');
    expect((await home.json(['audit', 'anchor', '--import', home.file('1.tlog-proof')], 3)).error?.code).toBe(
      'Malformed',
    );
  });
});

describe('ronctl audit verify with a kept checkpoint', () => {
  it('compares with an anchor, begins at one, and says what it compared with before it remembers', async () => {
    const old = home.file('old.checkpoint');
    const size = Number(readFileSync(old, 'utf8').split('\n')[1]);
    const anchored = await home.run(['audit', 'verify', '--anchor', old]);
    expect([anchored.exit, anchored.stderr]).toEqual([0, '']);
    expect(anchored.stdout).toMatch(
      /compared with +the checkpoint remembered before: size \d+, .*; the anchor: size \d+/,
    );
    await home.json([...key, '--purpose', 'third', ...pass]);
    const since = await home.json<AuditVerifyResult>(['audit', 'verify', '--since-anchor', old]);
    const [epoch] = since.data!.epochs;
    expect(epoch).toMatchObject({ since: { size }, anchor: { size } });
    expect(epoch!.records).toBeGreaterThan(size);
    const text = await home.run(['audit', 'verify', '--since-anchor', 'remembered']);
    expect(text.stdout).toMatch(/read from +record \d+ on/);
    // An older checkpoint alone is compared with the log at hand.
    const alone = await home.json<AuditVerifyResult>(['audit', 'verify', old]);
    expect(alone.data).toMatchObject({ kind: 'checkpoint', verdict: 'consistent', epochs: [{ checkpoint: { size } }] });
    // A proof is no log: the command that judges it is named.
    const hints = [
      ['1.tlog-proof', 'ronctl audit check-proof 1.tlog-proof'],
      ['since.proof', 'ronctl audit check-proof since.proof --old'],
      ['cut', 'ronctl audit check-proof cut'],
    ] as const;
    for (const [name, command] of hints) {
      const { error } = await home.json(['audit', 'verify', home.file(name)], 3);
      expect(error).toMatchObject({ code: 'Unsupported', hint: expect.stringContaining(command) });
    }
    expect((await home.json(['audit', 'verify', '--anchor', home.file('cut')], 3)).error?.code).toBe('Malformed');
    expect((await home.json(['audit', 'verify', '--anchor', home.file('none')], 4)).error?.code).toBe('NotFound');
  });
});
