// The custody service of a server: what it does by itself over a long life (log page 4.5, 4.6; service page 1).

import { cpSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import { RonError } from '../../src/errors.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import { B3, call, capability, LOCAL } from '../contract/kms-subject.ts';
import { settle, until } from '../support/manual-clock.ts';
import { serving } from '../support/serving.ts';
import { temporaryHome } from '../support/store.ts';

const key = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;

describe('the post-quantum stack', () => {
  it('is tested once a minute, and what it finds is the state', async () => {
    let wrong = false;
    let tests = 0;
    const pqTest = async (): Promise<void> => {
      tests += 1;
      if (wrong) throw new RonError('SelfTestFailed', 'self-test of ml-dsa in provider native failed');
    };
    const { service, clock, told } = await serving({ options: { pqTest } });
    await service.start();
    await clock.pass(59_000, 1000);
    expect([tests, service.state().pqOk]).toEqual([0, true]);
    wrong = true;
    await clock.pass(2000, 1000);
    expect([tests, service.state().pqOk]).toEqual([1, false]);
    expect(told.lines.filter((line) => line.event === 'self_test_failed')).toHaveLength(1);
    wrong = false;
    await clock.pass(61_000, 1000);
    expect(service.state().pqOk).toBe(true);
  });
});

describe('life', () => {
  it('records start and stop, and ends with a checkpoint over everything', async () => {
    const { service, deps } = await serving();
    await service.start();
    const made = await service.kms.keys.create(key, call());
    const signed = await service.kms.signing.sign({ kids: [made.kid], payload_b3: B3 }, call());
    expect(signed.bundle?.sigs.map((one) => one.alg)).toEqual(['ed25519', 'ml-dsa']);
    expect(await service.close('SIGTERM')).toBe(true);
    const store = await openCustodyStore(deps);
    const ops = [...store.records(0)].map((one) => one.op);
    expect(ops[0]).toBe('init');
    expect(ops).toContain('start');
    expect(ops.slice(ops.indexOf('stop'))).toEqual(['stop', 'manifest']);
    expect(store.newestCheckpoint().size).toBe(store.logSize);
    await store.close();
  });

  it('signs a checkpoint every 60 s, idle too', async () => {
    const { service, clock, told } = await serving();
    await service.start();
    await clock.pass(1000);
    const before = told.count('kms_audit_checkpoint_total');
    const { size } = service.store.newestCheckpoint();
    await clock.pass(125_000, 1000);
    expect(told.count('kms_audit_checkpoint_total') - before).toBe(2);
    expect(service.store.newestCheckpoint().size).toBe(size);
    expect(service.store.newestCheckpoint().signedAtMs).toBeGreaterThan(clock.now() - 61_000);
  });

  it('a second process is refused while it lives, also after the backend was opened again', async () => {
    const { service, deps } = await serving();
    await expect(openCustodyStore(deps)).rejects.toMatchObject({ code: 'Locked' });
    await service.close('x');
    await (await openCustodyStore(deps)).close();
  });
});

describe('the log of a server', () => {
  it('takes a verification as it was answered, and internal errors', async () => {
    const { service, deps, clock } = await serving();
    await service.start();
    const made = await service.kms.keys.create(key, call());
    const { bundle } = await service.kms.signing.sign({ kids: [made.kid], payload_b3: B3 }, call());
    const wrong = { alg: 'ml-dsa', signature_b64: Buffer.alloc(3309).toString('base64') };
    const half = { ...bundle!, sigs: [bundle!.sigs[0]!, wrong] };
    const cap = call(capability(['kms:verify'], ['acme']));
    const answer = await service.kms.signing.verify({ bundle: half, payload_b3: B3, mode: 'and' }, cap);
    expect(answer).toMatchObject({ accepted: false, required_mode: 'and', by_asked_mode: true });
    service.internalError({ of: 'listKeys', tenant: null, result: 'Internal' });
    service.internalError({ of: 'listKeys', tenant: null, result: 'Internal' });
    await clock.pass(3000, 1000);
    await service.close('SIGTERM');
    const store = await openCustodyStore(deps);
    const records = [...store.records(0)];
    await store.close();
    expect(records.filter(({ op }) => op === 'verify').map(({ result }) => result)).toEqual([answer.refusal]);
    expect(records.filter(({ op }) => op === 'reject')).toMatchObject([
      { result: 'Internal', actor: 'system', detail: { op: 'listKeys', count: 2 } },
    ]);
  });
});

describe('a start without room on the disk', () => {
  it('verifies and reads, refuses writes, and records its start when there is room', async () => {
    const first = await serving();
    await first.service.start();
    const made = await first.service.kms.keys.create(key, call());
    const { bundle } = await first.service.kms.signing.sign({ kids: [made.kid], payload_b3: B3 }, call());
    await first.service.close('test');
    let freeBytes = 50 * 2 ** 20;
    const plain = nodeHost().files;
    const files = { ...plain, fileSystem: () => ({ type: 'ext4', freeBytes, totalBytes: 2 ** 40 }) };
    const { service, clock, told } = await serving({
      home: first.deps.home,
      clock: first.clock,
      hostChange: { files },
    });
    await service.start();
    const { keys, signing, capabilities } = service.kms;
    expect(await signing.verify({ bundle: bundle!, payload_b3: B3 }, call())).toMatchObject({ accepted: true });
    expect((await keys.get({ kid: made.kid }, call())).key.versions).toHaveLength(1);
    await expect(signing.sign({ kids: [made.kid], payload_b3: B3 }, call())).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: 'the volume of the audit log is full',
    });
    await expect(keys.rotate({ kid: made.kid.split('#')[0]! }, call())).rejects.toMatchObject({
      code: 'StoreUnavailable',
    });
    await expect(capabilities.list({}, call())).resolves.toEqual([]);
    expect(told.lines.filter((line) => line.event === 'start_not_recorded')).toHaveLength(1);
    freeBytes = 2 ** 39;
    await clock.pass(3000, 500);
    await until(() => service.store.record(service.store.logSize - 1).op !== 'stop');
    expect((await signing.sign({ kids: [made.kid], payload_b3: B3 }, call())).bundle).toBeDefined();
    expect([...service.store.records(0)].filter((one) => one.op === 'start')).toHaveLength(2);
  });
});

describe('a killed server', () => {
  it('is taken up by the next one, with what was made behind the newest checkpoint', async () => {
    const { service, deps, clock } = await serving();
    await service.start();
    await clock.pass(1000);
    const made = await service.kms.keys.create(key, call());
    const home = temporaryHome();
    cpSync(deps.home, home, { recursive: true });
    const again = await serving({ home, clock });
    expect(again.service.state().verifyOnly).toBeNull();
    expect((await again.service.kms.keys.get({ kid: made.kid }, call())).key.kid).toBe(made.key!.kid);
    await again.service.kms.signing.sign({ kids: [made.kid], payload_b3: B3 }, call());
  });
});

describe('callers', () => {
  it('governance and audit are for the instance', async () => {
    const { service } = await serving();
    const tenants = call(capability(['kms:govern', 'kms:audit', 'kms:read'], ['acme']));
    const instance = call(capability(['kms:govern', 'kms:audit', 'kms:read'], ['_instance']));
    const { governance, audit, policy, health } = service.kms;
    for (const refused of [
      governance.ingest({}, tenants),
      audit.checkpoint({}, tenants),
      audit.head({}, tenants),
      policy.effective({ tenant: null }, tenants),
      health.status({}, tenants),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: 'Denied' });
    }
    await expect(governance.ingest({}, instance)).rejects.toMatchObject({ code: 'Ungoverned' });
    expect((await audit.head({}, instance)).size).toBe(service.store.logSize);
    expect((await policy.effective({ tenant: 'acme' }, tenants)).verify_mode).toBe('or');
    expect((await policy.effective({ tenant: null }, instance)).scope).toBe('global');
    expect((await health.status({}, instance)).backendReady).toBe(true);
  });

  it('a mutation is serialised with its look-up: two at once under one op_id make one key', async () => {
    const { service } = await serving();
    const once = call(LOCAL, { repeatable: true });
    const [a, b] = await Promise.all([service.kms.keys.create(key, once), service.kms.keys.create(key, once)]);
    expect(b?.kid).toBe(a?.kid);
    expect([a?.replayed, b?.replayed]).toEqual([false, true]);
    expect(service.store.view.keys).toHaveLength(1);
    await settle();
  });
});
