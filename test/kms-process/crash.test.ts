// What a server owes after a crash, under load and on a bad disk: no acknowledged operation is lost and none is there twice,
// proved by the log itself; a full disk is refused before it fails.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { TestHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import {
  ALL_OF_A_TENANT,
  auditRecords,
  http,
  lostAndDoubled,
  metric,
  mintToken,
  type Server,
  startLoad,
  startServer,
} from '../support/server.ts';

async function initialised(): Promise<TestHome> {
  const home = new TestHome();
  onTestFinished(() => home.remove());
  await makeStore(home);
  return home;
}

interface Keys {
  readonly sign: string;
  readonly wrap: string;
}

async function keysOf(server: Server, token: string): Promise<Keys> {
  const make = async (alg: string): Promise<string> => {
    const body = { tenant: 'acme', purpose: 'load', alg, new_tenant: true };
    const answer = await http(server.ready.socket!, { path: '/v1/kms/keys', token, body });
    if (answer.status !== 200) throw new Error(answer.body);
    return (JSON.parse(answer.body) as { readonly kid: string }).kid.replace(/#v\d+$/, '');
  };
  return { sign: await make('ed25519'), wrap: await make('hybrid-kem') };
}

/** Limits out of the way of a load. */
const UNLIMITED = { RON_KMS_SIGN_RATE_LIMIT: '1000000' };

async function loaded(home: TestHome, argv: readonly string[] = []) {
  const server = await startServer(home, ['--log-level', 'warn', ...argv], { env: UNLIMITED });
  const token = await mintToken(server, 'acme', ALL_OF_A_TENANT);
  const keys = await keysOf(server, token);
  return { server, token, keys, load: startLoad(server.ready.socket!, token, keys) };
}

const acknowledgedAtLeast = async (
  load: { readonly acknowledged: readonly unknown[] },
  count: number,
): Promise<void> => {
  for (let n = 0; n < 2000 && load.acknowledged.length < count; n++) await new Promise((done) => setTimeout(done, 10));
  expect(load.acknowledged.length).toBeGreaterThanOrEqual(count);
};

const verdictOf = async (home: TestHome): Promise<string | undefined> =>
  (await home.json<{ readonly verdict: string }>(['audit', 'verify'])).data?.verdict;

describe('kill -9 in the middle of load', () => {
  it('loses no acknowledged operation and doubles none, again and again', async () => {
    const home = await initialised();
    const all: Parameters<typeof lostAndDoubled>[0][number][] = [];
    for (const round of [1, 2, 3]) {
      const { server, load } = await loaded(home);
      await acknowledgedAtLeast(load, 150 * round);
      server.signal('SIGKILL');
      expect(await server.exit()).toBe(137);
      await load.stop();
      all.push(...load.acknowledged);
      // The files of the dead server are there and count for nothing.
      expect(existsSync(join(home.path, 'run', 'kms.json'))).toBe(true);
      const offline = await home.json(['kms', 'list', '--kms', 'local'], 20);
      expect(offline.error?.code).toBe('Unreachable');
    }
    const server = await startServer(home);
    expect(JSON.parse((await http(server.ready.socket!, { path: '/readyz' })).body)).toMatchObject({ ready: true });
    expect(await server.stop()).toBe(0);
    const records = auditRecords(home);
    expect(lostAndDoubled(all, records)).toEqual({ lost: [], doubled: [] });
    for (const { opId, index } of all) if (index !== null) expect(records[index]?.op_id).toBe(opId);
    expect(await verdictOf(home)).toBe('consistent');
  });

  it('gives the recorded answer to a repeated mutation, and makes no second key', async () => {
    const home = await initialised();
    const { server, token, load } = await loaded(home);
    const body = {
      tenant: 'acme',
      purpose: 'release',
      alg: 'ed25519',
      op_id: '0190a0a0-0000-7000-8000-000000000001',
    };
    const first = await http(server.ready.socket!, { path: '/v1/kms/keys', token, body });
    expect(first.status).toBe(200);
    server.signal('SIGKILL');
    await server.exit();
    await load.stop();
    const again = await startServer(home);
    const second = await http(again.ready.socket!, { path: '/v1/kms/keys', token, body });
    const answer = (text: string) => JSON.parse(text) as { readonly kid: string; readonly replayed: boolean };
    expect(answer(second.body)).toMatchObject({ kid: answer(first.body).kid, replayed: true });
    const other = await http(again.ready.socket!, {
      path: '/v1/kms/keys',
      token,
      body: { ...body, purpose: 'other' },
    });
    expect(other.status).toBe(409);
    expect(await again.stop()).toBe(0);
    expect(auditRecords(home).filter(({ op_id }) => op_id === body.op_id).length).toBe(1);
  });
});

describe('SIGTERM under load', () => {
  it('drains: exit 0, every answer that arrived is in the log, nothing is left behind', async () => {
    const home = await initialised();
    const { server, load } = await loaded(home);
    await acknowledgedAtLeast(load, 200);
    expect(await server.stop()).toBe(0);
    await load.stop();
    expect(server.last().data).toMatchObject({ drained: true, aborted: 0, checkpoint: true });
    const records = auditRecords(home);
    expect(lostAndDoubled(load.acknowledged, records)).toEqual({ lost: [], doubled: [] });
    const last = records.findLastIndex(({ op }) => op === 'sign' || op === 'wrap');
    expect(records.findLastIndex(({ op }) => op === 'stop')).toBeGreaterThan(last);
    for (const name of ['run/kms.json', 'run/operator.cap', 'run/kms.sock', 'holder.json']) {
      expect([name, existsSync(join(home.path, name))]).toEqual([name, false]);
    }
    expect(await verdictOf(home)).toBe('consistent');
  });
});

/** A tmpfs of this size on which homes can lie; null where this account may not mount. */
function smallDisk(mib: number): string | null {
  if (process.getuid?.() !== 0) return null;
  const at = join(new TestHome().directory, 'disk');
  mkdirSync(at);
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=0700`, 'tmpfs', at], { stdio: 'pipe' });
  if (done.status !== 0) return null;
  onTestFinished(() => {
    spawnSync('umount', ['-l', at]);
    rmSync(join(at, '..'), { recursive: true, force: true });
  });
  return at;
}

describe('a disk that fills up', () => {
  it('is told before it is full, refuses to sign, goes on verifying, and signs again when there is room', async () => {
    const disk = smallDisk(400);
    if (disk === null) {
      process.stdout.write('disk full: skipped, this account may not mount a tmpfs\n');
      return;
    }
    const home = new TestHome(join(disk, 'home'));
    onTestFinished(() => home.remove());
    await makeStore(home);
    const server = await startServer(home, [], { env: UNLIMITED });
    const token = await mintToken(server, 'acme', ALL_OF_A_TENANT);
    const { sign } = await keysOf(server, token);
    const payload_b3 = '0'.repeat(64);
    const call = (path: string, body: unknown) => http(server.ready.socket!, { path: `/v1/kms/${path}`, token, body });
    const signed = await call('sign', { kid_or_set: { kid: sign }, payload_b3 });
    expect(signed.status).toBe(200);
    const { sigs, kid } = JSON.parse(signed.body) as { readonly sigs: readonly object[]; readonly kid: string };

    const ballast = join(disk, 'ballast');
    const readyz = async () =>
      JSON.parse((await http(server.ready.metrics_addr, { path: '/readyz' })).body) as {
        readonly ready: boolean;
        readonly missing: readonly string[];
        readonly degraded: readonly string[];
      };
    expect((await readyz()).degraded).toContain('disk_space');

    // Below the reserve of 256 MiB.
    writeFileSync(ballast, Buffer.alloc(200 * 2 ** 20));
    await eventually(async () => !(await readyz()).ready);
    expect((await readyz()).missing).toContain('disk_space');
    const refused = await call('sign', { kid_or_set: { kid: sign }, payload_b3 });
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);
    const verified = await call('verify', { payload_b3, sigs, kid_or_set: { kid } });
    expect(JSON.parse(verified.body)).toMatchObject({ ok: true });
    const page = (await http(server.ready.metrics_addr, { path: '/metrics' })).body;
    expect(metric(page, 'kms_audit_free_bytes')).toBeLessThan(256 * 2 ** 20);

    // Completely: the last bytes too, behind the back of the server.
    execFileSync('sh', ['-c', `dd if=/dev/zero of=${ballast} bs=1M oflag=append conv=notrunc 2>/dev/null || true`]);
    expect((await call('sign', { kid_or_set: { kid: sign }, payload_b3 })).status).toBe(503);
    expect(JSON.parse((await call('verify', { payload_b3, sigs, kid_or_set: { kid } })).body)).toMatchObject({
      ok: true,
    });

    rmSync(ballast);
    await eventually(async () => (await call('sign', { kid_or_set: { kid: sign }, payload_b3 })).status === 200);
    expect(await server.stop()).toBe(0);
    expect(await verdictOf(home)).toBe('consistent');
  });
});

describe('a disk with less than 64 MiB left', () => {
  it('does not keep a server from starting: it verifies and reads, and writes when there is room', async () => {
    const disk = smallDisk(400);
    if (disk === null) {
      process.stdout.write('start without room: skipped, this account may not mount a tmpfs\n');
      return;
    }
    const home = new TestHome(join(disk, 'home'));
    onTestFinished(() => home.remove());
    await home.json(['init', '--profile', 'dev', '--passphrase-file', home.passphrase('store')]);
    const first = await startServer(home, [], { env: UNLIMITED });
    const token = await mintToken(first, 'acme', ALL_OF_A_TENANT);
    const reader = await mintToken(first, 'acme', ['kms:read']);
    const { sign } = await keysOf(first, token);
    const payload_b3 = '0'.repeat(64);
    const asked = { kid_or_set: { kid: sign }, payload_b3 };
    const signed = await http(first.ready.socket!, { path: '/v1/kms/sign', token, body: asked });
    const { sigs, kid } = JSON.parse(signed.body) as { readonly sigs: readonly object[]; readonly kid: string };
    expect(await first.stop()).toBe(0);

    const ballast = join(disk, 'ballast');
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - 40 * 2 ** 20));
    const server = await startServer(home, [], { env: UNLIMITED });
    const call = (path: string, body: unknown) => http(server.ready.socket!, { path: `/v1/kms/${path}`, token, body });
    expect(server.stderr()).toContain('"event":"start_not_recorded"');
    expect(server.stderr()).toContain('"event":"operator_cap_missing"');
    expect((await http(server.ready.metrics_addr, { path: '/readyz' })).body).toContain('disk_space');
    expect(JSON.parse((await call('verify', { payload_b3, sigs, kid_or_set: { kid } })).body)).toMatchObject({
      ok: true,
    });
    expect((await http(server.ready.socket!, { path: '/v1/kms/keys', token: reader })).status).toBe(200);
    const refused = await call('sign', asked);
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5']);

    rmSync(ballast);
    await eventually(async () => (await call('sign', asked)).status === 200);
    await eventually(async () => existsSync(server.ready.operator_cap!));
    expect(await server.stop()).toBe(0);
    const ops = auditRecords(home).map(({ op }) => op);
    expect(ops.filter((op) => op === 'start')).toHaveLength(2);
    expect(await verdictOf(home)).toBe('consistent');
  });
});

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let n = 0; n < 400; n++) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('it did not come about in 20 s');
}
