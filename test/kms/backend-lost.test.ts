// A server whose disk fails (R-32, C-03, C-43, C-73): nothing is released that is not durable, verify goes on out of memory up
// to the hard limit, signing is 503, and the backend comes back by itself.

import { describe, expect, it, onTestFinished } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { NO_LOCAL_POLICY } from '../../src/policy/local.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import { B3, call } from '../contract/kms-subject.ts';
import { heldFiles } from '../support/held-files.ts';
import { lossyFiles } from '../support/lossy-files.ts';
import { until } from '../support/manual-clock.ts';
import { type Serving, serverConfig, serving } from '../support/serving.ts';

const key = { tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true } as const;

async function lossy(): Promise<Serving & { readonly disk: ReturnType<typeof lossyFiles>; readonly kid: string }> {
  const disk = lossyFiles(nodeHost().files);
  const config = serverConfig((base) => ({ audit: { ...base.audit, verify_cache_ttl_ms: 60_000 } }));
  const made = await serving({ config, hostChange: { files: disk.files } });
  await made.service.start();
  const { kid } = await made.service.kms.keys.create(key, call());
  await made.clock.pass(1500, 500);
  return { ...made, disk, kid };
}

describe('a lost backend', () => {
  it('releases nothing, answers verify out of memory, and comes back', async () => {
    const { service, clock, disk, kid, told, deps } = await lossy();
    const { signing, keys } = service.kms;
    const before = await signing.sign({ kids: [kid], payload_b3: B3 }, call());
    const bundle = before.bundle!;
    const verify = { bundle, payload_b3: B3 };
    expect(await signing.verify(verify, call())).toMatchObject({ accepted: true, audited: true });
    const size = service.store.logSize;

    disk.broken = true;
    const lost = await signing.sign({ kids: [kid], payload_b3: B3 }, call()).catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'StoreUnavailable' });
    expect(service.state()).toMatchObject({ backendReady: false, audit: { writable: false } });
    expect(service.state().backendLostAtMs).toBe(clock.monotonicMs());
    await expect(signing.sign({ kids: [kid], payload_b3: B3 }, call())).rejects.toMatchObject({
      code: 'StoreUnavailable',
    });
    await expect(keys.create(key, call())).rejects.toMatchObject({ code: 'StoreUnavailable' });
    await expect(service.kms.governance.ingest({}, call())).rejects.toMatchObject({ code: 'StoreUnavailable' });

    // Out of memory, with its age; another payload is a valid question too.
    await clock.pass(30_000, 5000);
    const answer = await signing.verify(verify, call());
    expect(answer).toMatchObject({ accepted: true, audited: false });
    expect(answer.cache_age_ms).toBeGreaterThanOrEqual(30_000);
    const other = `${'0'.repeat(63)}1`;
    expect(await signing.verify({ bundle: { ...bundle, payload_b3: other }, payload_b3: other }, call())).toMatchObject(
      {
        accepted: false,
        refusal: 'VerificationFailed',
      },
    );
    await clock.pass(40_000, 5000);
    expect((await signing.verify(verify, call())).cache_age_ms).toBeGreaterThan(60_000);
    expect(told.count('verify_cache_stale_total')).toBe(1);
    await clock.pass(60_000, 5000);
    await expect(signing.verify(verify, call())).rejects.toMatchObject({ code: 'StoreUnavailable' });
    expect(told.count('verify_cache_expired_total')).toBe(1);
    expect((await keys.get({ kid }, call())).key.kid).toBe(kid.split('#')[0]);

    disk.broken = false;
    await clock.pass(6000, 500);
    await until(() => service.state().backendReady);
    const again = await signing.sign({ kids: [kid], payload_b3: B3 }, call());
    expect(again.audit!.index).toBeGreaterThanOrEqual(size);
    expect(told.count('kms_backend_reconnects_total')).toBeGreaterThan(1);
    expect(told.events.filter((one) => one.topic === 'kms.backend.status').map((one) => one.data['ok'])).toEqual([
      false,
      true,
    ]);
    await clock.pass(2500);
    expect(await service.close('test')).toBe(true);

    // What was answered is in the log, once; refusals and verifications of the outage are recorded after it.
    const store = await openCustodyStore(deps);
    const records = [...store.records(0)];
    expect(records.filter((one) => one.op === 'sign').map((one) => one.op_id)).toEqual([before.op_id, again.op_id]);
    const verified = records.filter((one) => one.op === 'verify').map((one) => [one.result, one.detail?.['count']]);
    expect(verified).toContainEqual(['VerificationFailed', 1]);
    const rejected = records.filter((one) => one.op === 'reject');
    expect(rejected.map((one) => one.result)).toContain('StoreUnavailable');
    await store.close();
  });

  it.each(['store', 'audit'])(
    'is noticed within a second when %s/ is away, and told apart from tampering',
    async (name) => {
      const { service, clock, kid, deps } = await lossy();
      const { signing, keys } = service.kms;
      const { bundle } = await signing.sign({ kids: [kid], payload_b3: B3 }, call());
      const { files } = nodeHost();
      files.rename(`${deps.home}/${name}`, `${deps.home}/${name}-away`);
      await clock.pass(2000, 500);
      expect(service.state()).toMatchObject({ backendReady: false, verifyOnly: null, audit: { writable: false } });
      expect(service.state().freeBytes === 0).toBe(name === 'audit');
      for (const refused of [signing.sign({ kids: [kid], payload_b3: B3 }, call()), keys.create(key, call())]) {
        await expect(refused).rejects.toMatchObject({ code: 'StoreUnavailable' });
      }
      // Nor does it look like a shorter log to who reads elsewhere.
      for (const refused of [
        service.kms.files.info({ path: 'audit/log.json' }, call()),
        service.kms.files.list({ path: 'audit' }, call()),
        service.kms.audit.head({}, call()),
        service.kms.governance.list({}, call()),
      ]) {
        await expect(refused).rejects.toMatchObject({ code: 'StoreUnavailable' });
      }
      const answer = await signing.verify({ bundle: bundle!, payload_b3: B3 }, call());
      expect(answer).toMatchObject({ accepted: true, audited: false });
      expect(answer.cache_age_ms).toBeGreaterThan(0);

      files.rename(`${deps.home}/${name}-away`, `${deps.home}/${name}`);
      await clock.pass(6000, 500);
      await until(() => service.state().backendReady);
      expect(service.state()).toMatchObject({ verifyOnly: null, audit: { integrityFailures: 0, writable: true } });
      expect((await signing.sign({ kids: [kid], payload_b3: B3 }, call())).bundle).toBeDefined();
    },
  );

  it.each(['audit', 'audit/e0/segments', 'audit/e0/head', '.'])(
    'acknowledges nothing into a log that is no longer there: %s moved',
    async (name) => {
      const { service, clock, kid, deps } = await lossy();
      const { signing } = service.kms;
      // Its key is in memory from here on.
      await signing.sign({ kids: [kid], payload_b3: B3 }, call());
      const size = service.store.logSize;
      const { files } = nodeHost();
      const path = name === '.' ? deps.home : `${deps.home}/${name}`;
      files.rename(path, `${path}-away`);
      // At once: no second has passed.
      await expect(signing.sign({ kids: [kid], payload_b3: B3 }, call())).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringContaining('is no longer where it was opened') as unknown,
      });
      expect(service.state()).toMatchObject({ backendReady: false, audit: { writable: false } });
      files.rename(`${path}-away`, path);
      await clock.pass(6000, 500);
      await until(() => service.state().backendReady);
      expect(service.state()).toMatchObject({ verifyOnly: null, audit: { integrityFailures: 0 } });
      expect((await signing.sign({ kids: [kid], payload_b3: B3 }, call())).audit!.index).toBeGreaterThanOrEqual(size);
    },
  );

  it('keeps the lock of the home all the while', async () => {
    const { service, disk, kid, deps } = await lossy();
    disk.broken = true;
    await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call()).catch(() => undefined);
    const other = { ...deps, host: { ...deps.host, files: nodeHost().files } };
    await expect(openCustodyStore(other)).rejects.toMatchObject({ code: 'Locked' });
    disk.broken = false;
  });
});

describe('a slow disk', () => {
  it('lets no more than limits.audit_queue records wait, and authority changes past them', async () => {
    const disk = heldFiles(nodeHost().files);
    const config = serverConfig((base) => ({ limits: { ...base.limits, audit_queue: 5 } }));
    const { service, clock, told } = await serving({ config, hostChange: { files: disk.files } });
    onTestFinished(() => disk.release());
    await service.start();
    const { kid } = await service.kms.keys.create(key, call());
    const draft = {
      op: 'sign',
      tenant: 'acme',
      kid: `${kid.split('#')[0]}#v1`,
      actor: 'local:0:root',
      result: 'ok',
    } as const;
    const size = service.store.logSize;
    disk.hold();
    const asked = Array.from({ length: 8 }, () => service.store.append([draft]).catch((error: unknown) => error));
    expect(service.state().audit.queueDepth).toBe(5);
    for (const refused of asked.slice(5)) {
      expect(await refused).toMatchObject({ code: 'Busy', message: '5 records wait for the audit log' });
    }
    expect(told.count('busy_rejections_total{"queue":"audit"}')).toBe(3);
    const confirmed = service.store.append([
      { op: 'time.confirm', actor: 'local:0:root', result: 'ok', detail: { mark: toTime(clock.now()) } },
    ]);
    void confirmed.catch(() => undefined);
    await service.reload(
      { config: { ...config, limits: { ...config.limits, audit_queue: 7 } }, local: NO_LOCAL_POLICY },
      [],
    );
    const more = service.store.append([draft]).catch((error: unknown) => error);
    expect(service.state().audit.queueDepth).toBe(7);
    await clock.pass(1000, 50);
    for (const late of [...asked.slice(0, 5), confirmed.catch((error: unknown) => error), more])
      expect(await late).toMatchObject({ code: 'StoreUnavailable' });
    // Given up, not gone: they still wait, and still count.
    expect(service.state().audit.queueDepth).toBe(7);
    await expect(service.store.append([draft])).rejects.toMatchObject({ code: 'Busy' });
    disk.release();
    await until(() => service.state().audit.queueDepth === 0);
    expect(service.store.logSize).toBeGreaterThanOrEqual(size + 7);
    expect((await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call())).bundle).toBeDefined();
  });
});

describe('a server that answers', () => {
  it('waits for no directory: nothing that it syncs holds the process', async () => {
    const { files } = nodeHost();
    const now: string[] = [];
    const later: string[] = [];
    const name = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
    const watched = {
      ...files,
      syncDirectory: (path: string) => {
        later.push(name(path));
        return files.syncDirectory(path);
      },
      syncDirectoryNow: (path: string) => {
        now.push(name(path));
        files.syncDirectoryNow(path);
      },
    };
    const { service, clock } = await serving({ hostChange: { files: watched } });
    await service.start();
    const { kid } = await service.kms.keys.create(key, call());
    await clock.pass(2500, 500);
    now.splice(0);
    later.splice(0);
    await service.kms.signing.sign({ kids: [kid], payload_b3: B3 }, call());
    await service.kms.keys.rotate({ kid }, call());
    await service.kms.audit.checkpoint({}, call());
    await clock.pass(2500, 500);
    expect(now).toEqual([]);
    expect(new Set(later)).toEqual(new Set(['store', 'records', 'keys', 'e0', '000.p', 'logs']));
  });
});

describe('verify only', () => {
  it('never writes, answers reads and verify (C-54)', async () => {
    const first = await lossy();
    const { bundle } = await first.service.kms.signing.sign({ kids: [first.kid], payload_b3: B3 }, call());
    await first.service.close('test');
    const config = serverConfig((base) => ({ service: { ...base.service, verify_only: true } }));
    const disk = lossyFiles(nodeHost().files);
    const { service } = await serving({
      home: first.deps.home,
      clock: first.clock,
      config,
      hostChange: { files: disk.files },
    });
    await service.start();
    expect(service.state()).toMatchObject({ verifyOnly: 'this server is configured to verify only' });
    const { keys, signing, governance } = service.kms;
    expect(await signing.verify({ bundle: bundle!, payload_b3: B3 }, call())).toMatchObject({ accepted: true });
    for (const refused of [
      signing.sign({ kids: [first.kid], payload_b3: B3 }, call()),
      keys.rotate({ kid: first.kid }, call()),
      governance.ingest({}, call()),
      service.store.append([]),
    ]) {
      await expect(refused).rejects.toMatchObject({ code: 'StoreUnavailable' });
    }
    expect(await service.close('test')).toBe(false);
    expect(disk.calls).toBe(0);
  });
});
