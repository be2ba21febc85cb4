// A restore from a backup that is older than rotations of the log and service keys, with the real binary (log page 4.7): those
// pairs are lost with the home that went on. The quorum accepts new ones with the restore; the log goes on under them, and
// who remembers a checkpoint of the lost log key follows by the governed proof alone.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuditAnchorResult } from '../../src/operations/audit/anchor.ts';
import type { AuditImportResult } from '../../src/operations/audit/import.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { ExecuteResult } from '../../src/operations/governance/execute.ts';
import type { ProposeResult } from '../../src/operations/governance/propose.ts';
import { type TestHome, temporaryHome } from '../support/binary.ts';
import { asStore, carryOut, governHome } from '../support/governed-home.ts';

const home = temporaryHome();
const restored = temporaryHome();
const auditor = temporaryHome();
const backup = home.file('backup');
const anchor = home.file('anchor');
const as = (id: string): string[] => ['--signer', id, '--passphrase-file', home.passphrase(id)];
const unsealing = (argv: readonly string[]): string[] => asStore(home, argv);
/** Opens the signer's store, and the custody store, which makes the new keys. */
const asBoth = (id: string): string[] => [
  '--signer',
  id,
  '--passphrase-file',
  `${id}=${home.passphrase(id)}`,
  '--passphrase-file',
  `store=${home.passphrase('store')}`,
];
const propose = ['governance', 'propose', '--action', 'restore-accept', '--rationale', 'disk lost'];
const logFile = (at: TestHome) =>
  JSON.parse(readFileSync(join(at.path, 'audit/log.json'), 'utf8')) as {
    epochs: { origin: string; keys: { from: number; vkeys: string[] }[] }[];
  };
const pinOf = (at: TestHome): string =>
  join(at.path, 'trust', readdirSync(join(at.path, 'trust')).find((name) => name.startsWith('gl-'))!);

async function rotate(name: 'log-key-rotate' | 'service-key-rotate'): Promise<void> {
  const argv = ['governance', 'propose', '--action', name, '--rationale', 'a year', ...asBoth('alice')];
  const { id, digest } = (await home.json<ProposeResult>(argv)).data!.proposal;
  for (const who of ['alice', 'bob']) {
    await home.json(['governance', 'approve', id, '--expect-digest', digest, ...as(who)]);
  }
  await home.json(unsealing(['governance', 'execute', id]));
}

async function trustGenesis(at: TestHome): Promise<void> {
  const pinned = pinOf(home);
  const { genesis_digest: digest } = JSON.parse(readFileSync(join(pinned, 'pin.json'), 'utf8')) as {
    genesis_digest: string;
  };
  await at.json(['governance', 'trust', join(pinned, 'genesis.json'), '--expect-digest', digest]);
}

beforeAll(async () => {
  await governHome(home);
  await home.json(['store', 'backup', '--out', backup]);
  await rotate('log-key-rotate');
  await rotate('service-key-rotate');
  await home.json(unsealing(['audit', 'checkpoint']));
  await home.json(['audit', 'anchor', '--out', anchor]);
  // Elsewhere: nothing but the genesis, and what was verified of this home then.
  await trustGenesis(auditor);
  await auditor.json(['audit', 'verify', home.path]);
  mkdirSync(restored.path, { mode: 0o700 });
  cpSync(join(home.path, 'signers'), join(restored.path, 'signers'), { recursive: true });
  await restored.json(['store', 'restore', backup]);
});

describe('a log whose keys were rotated', () => {
  it('is exported, and a stranger who has the genesis follows its keys', async () => {
    const stranger = temporaryHome();
    await trustGenesis(stranger);
    const whole = stranger.file('export');
    await home.json(['audit', 'export', '--out', whole]);
    const judged = await stranger.json<AuditVerifyResult>(['audit', 'verify', whole]);
    expect(judged.data).toMatchObject({ verdict: 'consistent', trust: 'pinned', kind: 'export' });
    const part = stranger.file('part');
    await home.json(['audit', 'export', '--out', part, '--from', '3']);
    const gapped = await stranger.json<AuditVerifyResult>(['audit', 'verify', part], 11);
    expect(gapped.error?.field).toBe('declared-gap');
    // A chain that lacks the rotation leads to the old keys only.
    const cut = stranger.file('cut');
    cpSync(whole, cut, { recursive: true });
    writeFileSync(join(cut, 'key-chain.json'), '[]\n', { mode: 0o600 });
    const refused = await stranger.json<AuditVerifyResult>(['audit', 'verify', cut], 10);
    expect(refused.data?.findings.map((one) => one.code)).toContain('manifest-mismatch');
    const since = await stranger.json<AuditVerifyResult>(['audit', 'verify', whole, '--since-anchor', anchor]);
    expect(since.data).toMatchObject({ verdict: 'consistent' });
  });
});

describe('a restore of before a rotation', () => {
  it('does not know the key of the anchor, nor what its signers have seen, before the lines are back', async () => {
    const unknown = await restored.json(['audit', 'anchor', '--import', anchor], 10);
    expect(unknown.error?.message).toContain('other log keys');
    const { error } = await restored.json([...propose, ...as('alice')], 15);
    expect(error?.code).toBe('Stale');
    const done = await restored.json<AuditImportResult>(['audit', 'import', home.path]);
    expect(done.data?.ledger).toMatchObject({ from: 1 });
    const again = await restored.json<AuditAnchorResult>(['audit', 'anchor', '--import', anchor]);
    expect(again.data?.outcome).toMatch(/same|older|moved/);
  });

  it('is proposed with new keys, which wait sealed beside the store', async () => {
    const dry = await restored.json<ProposeResult>([...propose, ...asBoth('alice'), '--dry-run']);
    expect(JSON.stringify(dry.data)).toContain('new_keys');
    expect(existsSync(join(restored.path, 'store/log-keys.next'))).toBe(false);
    const before = readFileSync(join(restored.path, 'store/manifest.ronk'));
    const first = await restored.json<ProposeResult>([...propose, ...asBoth('alice')]);
    const second = await restored.json<ProposeResult>([...propose, ...asBoth('bob')]);
    const keysOf = (of: typeof first): string => /"new_keys.*?\}\}/.exec(JSON.stringify(of.data))![0];
    expect(keysOf(second)).toBe(keysOf(first));
    expect(readFileSync(join(restored.path, 'store/manifest.ronk'))).toEqual(before);
    expect(readFileSync(join(restored.path, 'store/log-keys.next')).subarray(0, 4).toString()).toBe('RONK');
    const open = await restored.json(unsealing(['audit', 'checkpoint']), 10);
    expect(open.error?.code).toBe('RolledBack');
    await restored.json(['doctor'], 10);
  });

  it('goes on under them, by quorum, and the lost keys sign nothing more', async () => {
    const { id, digest } = (await restored.json<ProposeResult>([...propose, ...asBoth('alice')])).data!.proposal;
    for (const who of ['alice', 'bob']) {
      await restored.json(['governance', 'approve', id, '--expect-digest', digest, ...as(who)]);
    }
    const waiting = join(restored.path, 'store/log-keys.next');
    const sealed = readFileSync(waiting);
    writeFileSync(
      waiting,
      sealed.map((byte, at) => (at === sealed.length - 1 ? byte ^ 1 : byte)),
      { mode: 0o600 },
    );
    const altered = await restored.json(unsealing(['governance', 'execute', id]), 10);
    expect(altered.error?.code).toBe('Tampered');
    writeFileSync(waiting, sealed, { mode: 0o600 });
    await restored.json(unsealing(['governance', 'execute', id, '--dry-run']));
    const done = await restored.json<ExecuteResult>(unsealing(['governance', 'execute', id]));
    expect(done.data?.checkpoint?.origin).toMatch(/\/e1$/);
    expect(existsSync(waiting)).toBe(false);
    const [old, fresh] = logFile(restored).epochs;
    expect(fresh!.keys).toHaveLength(1);
    const keyOf = (vkey: string): string => vkey.split('+').at(-1)!;
    const known = [...old!.keys, ...logFile(home).epochs[0]!.keys].flatMap((era) => era.vkeys.map(keyOf));
    for (const vkey of fresh!.keys[0]!.vkeys) expect(known).not.toContain(keyOf(vkey));
  });

  it('signs, rotates and governs on, and both epochs verify', async () => {
    const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
    const kid = (await restored.json<{ kid: string }>(unsealing(create))).data!.kid;
    const payload = ['--file', restored.write('payload', 'after')];
    await restored.json(unsealing(['kms', 'sign', kid.split('#')[0]!, ...payload, '--out', restored.file('sig')]));
    await restored.json(['kms', 'verify', '--sig', restored.file('sig'), ...payload]);
    await carryOut(restored, ['governance', 'propose', '--scope', 'global', '--change', 'caps.max_ttl_s=700']);
    const verified = await restored.json<AuditVerifyResult>(['audit', 'verify']);
    expect(verified.data).toMatchObject({ verdict: 'consistent', trust: 'pinned' });
    expect(verified.data?.epochs).toHaveLength(2);
    await restored.json(['governance', 'verify'], 11);
    await restored.json(['audit', 'import', home.path]);
    await restored.json(['governance', 'verify']);
    await restored.json(unsealing(['store', 'reseal']));
  });

  it('is followed from elsewhere, whoever remembers the lost key, and with the genesis alone', async () => {
    const seen = await auditor.json<AuditVerifyResult>(['audit', 'verify', restored.path]);
    expect(seen.data).toMatchObject({ verdict: 'consistent', trust: 'pinned' });
    expect(seen.data?.findings.map((one) => one.code)).toContain('lost-records');
    const stranger = temporaryHome();
    await trustGenesis(stranger);
    const whole = await stranger.json<AuditVerifyResult>(['audit', 'verify', restored.path]);
    expect(whole.data).toMatchObject({ verdict: 'consistent', trust: 'pinned' });
    // From a checkpoint of the lost key, over the link into the new epoch.
    const since = await auditor.json<AuditVerifyResult>(['audit', 'verify', restored.path, '--since-anchor', anchor]);
    expect(since.data).toMatchObject({ verdict: 'consistent' });
    expect(since.data?.epochs).toHaveLength(2);
    const own = await restored.json<AuditVerifyResult>(['audit', 'verify', '--since-anchor', 'remembered']);
    expect(own.data).toMatchObject({ verdict: 'consistent' });
    const fresh = stranger.file('e1');
    await restored.json(['audit', 'export', '--out', fresh]);
    const other = temporaryHome();
    await trustGenesis(other);
    expect((await other.json<AuditVerifyResult>(['audit', 'verify', fresh])).data?.verdict).toBe('consistent');
    // The log that was lost cannot come back as the present one.
    const old = await auditor.json<AuditVerifyResult>(['audit', 'verify', home.path], 11);
    expect(old.error?.field).toBe('older-copy');
  });
});
