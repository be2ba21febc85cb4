// The life of a real server: start, readiness, what it tells and leaves, a second one, commands beside it, signals, its end.

import { existsSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestHome, temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import { ALL_OF_A_TENANT, auditRecords, http, metric, mintToken, startServer, tryServer } from '../support/server.ts';

const home = temporaryHome();
const store = (): string[] => ['--passphrase-file', home.passphrase('store')];

beforeAll(async () => {
  await makeStore(home);
});

/** A second home, removed after its test. */
function otherHome(): TestHome {
  const other = new TestHome();
  onTestFinished(() => other.remove());
  return other;
}

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  for (let n = 0; n < 400; n++) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  throw new Error('it did not come about in 10 s');
};

describe('a server', () => {
  it('says where it is, answers there, and leaves nothing behind', async () => {
    const server = await startServer(home);
    const { socket, addr, metrics_addr, operator_cap } = server.ready;
    expect(server.ready).toMatchObject({ profile: 'dev', governed: false, backend: 'file', amnesia: false });
    expect(socket).toBe(join(home.path, 'run', 'kms.sock'));
    expect(statSync(socket!).mode & 0o777).toBe(0o600);
    expect(statSync(operator_cap!).mode & 0o777).toBe(0o600);
    expect(statSync(join(home.path, 'run')).mode & 0o777).toBe(0o700);
    const run = JSON.parse(readFileSync(join(home.path, 'run', 'kms.json'), 'utf8')) as object;
    expect(run).toMatchObject({ pid: server.child.pid, socket, addr, metrics_addr, cap: operator_cap });

    const line = server
      .stderr()
      .split('\n')
      .find((one) => one.includes('"event":"ready"'));
    expect(JSON.parse(line!)).toMatchObject({ service: 'ron-kms', ready: 1, socket, addr, metrics_addr });

    for (const place of [socket!, addr!, metrics_addr]) {
      const ready = await http(place, { path: '/readyz' });
      expect(ready.status).toBe(200);
      expect(JSON.parse(ready.body)).toMatchObject({ ready: true, missing: [], degraded: ['governed'] });
      expect((await http(place, { path: '/healthz' })).status).toBe(200);
      expect(JSON.parse((await http(place, { path: '/version' })).body)).toMatchObject({
        service: 'ron-kms',
        wire: '1.0.0',
        governed: false,
        profile: 'dev',
      });
    }
    const page = (await http(metrics_addr, { path: '/metrics' })).body;
    expect(metric(page, 'kms_ready')).toBe(1);
    expect(page).toMatch(/^kms_latency_seconds_bucket\{op="sign"/m);
    expect(page).toMatch(/^verify_cache_[a-z]+_total/m);
    expect((await http(addr!, { path: '/metrics' })).status).toBe(404);
    expect((await http(metrics_addr, { path: '/v1/kms/keys' })).status).toBe(404);

    const threads = readdirSync(`/proc/${server.child.pid}/task`).map((id) =>
      readFileSync(`/proc/${server.child.pid}/task/${id}/comm`, 'utf8').trim(),
    );
    expect(threads.filter((name) => name === 'libuv-worker').length).toBeLessThanOrEqual(navigator.hardwareConcurrency);

    expect(await server.stop()).toBe(0);
    expect(server.last().data).toMatchObject({
      state: 'stopped',
      why: 'SIGTERM',
      drained: true,
      aborted: 0,
      checkpoint: true,
    });
    expect(readdirSync(join(home.path, 'run'))).toEqual([]);
    expect(existsSync(join(home.path, 'holder.json'))).toBe(false);
    const ops = auditRecords(home).map(({ op }) => op);
    expect(ops.filter((op) => op === 'start' || op === 'stop')).toEqual(['start', 'stop']);
    expect((await home.json<{ readonly verdict: string }>(['audit', 'verify'])).data?.verdict).toBe('consistent');
  });

  it('is alone on its home; commands are sent to it and work through it', async () => {
    const server = await startServer(home);
    const second = await tryServer(home, ['--lock-timeout', '100ms']);
    expect(second.exit).toBe(22);
    expect(second.stdout).toContain(`(pid ${server.child.pid}, since `);
    expect(second.stdout).toContain('other commands take --kms local');
    expect(server.child.exitCode).toBeNull();

    const create = ['kms', 'create', '--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
    const locked = await home.json([...create, '--lock-timeout', '100ms', ...store()], 22);
    expect(locked.error).toMatchObject({ code: 'Locked', hint: expect.stringContaining('--kms local') });

    const token = await mintToken(server, 'acme', ALL_OF_A_TENANT);
    home.write('acme.cap', `${token}\n`);
    const online = ['--kms', 'local', '--token-file', 'acme.cap'];
    const made = await home.json<{ readonly kid: string }>([...create, ...online]);
    expect(made.mode).toBe('online');
    const listed = await home.json<{ readonly keys: readonly { readonly kid: string }[] }>([
      'kms',
      'list',
      '--kms',
      'local',
    ]);
    expect(listed.data?.keys.map(({ kid }) => `${kid}#v1`)).toEqual([made.data?.kid]);
    expect(await server.stop()).toBe(0);
  });

  it('revokes the capability of the operator when it ends', async () => {
    const first = await startServer(home);
    const operator = readFileSync(first.ready.operator_cap!, 'utf8').trim();
    const status = { path: '/v1/kms/status', token: operator };
    expect((await http(first.ready.socket!, status)).status).toBe(200);
    expect(await first.stop()).toBe(0);
    const second = await startServer(home);
    expect((await http(second.ready.socket!, status)).status).toBe(401);
    expect(await second.stop()).toBe(0);
  });

  it('ends with Ctrl-C as with SIGTERM, and writes heap statistics on SIGUSR2', async () => {
    const server = await startServer(home);
    server.signal('SIGUSR2');
    await until(() => server.stderr().includes('"event":"heap"'));
    expect(server.stderr()).toMatch(/"heap_bytes":\d+,"resident_bytes":\d+/);
    server.signal('SIGINT');
    expect(await server.exit()).toBe(0);
    expect(server.last().data).toMatchObject({ why: 'SIGINT', drained: true });
  });

  it('binds its socket again when somebody removed it', async () => {
    const server = await startServer(home);
    const { socket } = server.ready;
    unlinkSync(socket!);
    // Between its making and its listening a socket refuses connections.
    const answers = async (): Promise<boolean> =>
      existsSync(socket!) &&
      (await http(socket!, { path: '/healthz' }).then(
        ({ status }) => status === 200,
        () => false,
      ));
    await until(answers);
    expect(statSync(socket!).mode & 0o777).toBe(0o600);
    const page = (await http(server.ready.metrics_addr, { path: '/metrics' })).body;
    expect(metric(page, 'service_restarts_total')).toBe(1);
    expect(await server.stop()).toBe(0);
  });

  it('refuses to start: without a store, with a wrong passphrase, on a taken address', async () => {
    const empty = otherHome();
    const none = await tryServer(empty, []);
    expect([none.exit, empty.exists()]).toEqual([4, false]);
    home.write('wrong.pass', 'not it\n');
    const wrong = await tryServer(home, ['--passphrase-file', home.file('wrong.pass'), '--json'], { bare: true });
    expect(wrong.exit).toBe(3);
    expect(wrong.stdout).toContain('WrongPassphrase');

    const server = await startServer(home);
    const other = otherHome();
    await makeStore(other);
    const taken = await tryServer(other, ['--bind', server.ready.addr!]);
    expect(taken.exit).toBe(3);
    expect(taken.stdout).toContain('EADDRINUSE');
    expect(readdirSync(join(other.path, 'run'))).toEqual([]);
    expect(auditRecords(other).filter(({ op }) => op === 'start' || op === 'stop').length).toBe(2);
    expect(await server.stop()).toBe(0);
  });

  it('refuses an unsafe passphrase file of its configuration, and takes a safe one', async () => {
    writeFileSync(home.file('ron-kms.toml'), '[backends.file]\npassphrase_file = "file.pass"\n');
    writeFileSync(home.file('file.pass'), readFileSync(home.passphrase('store')), { mode: 0o644 });
    const config = ['--config', home.file('ron-kms.toml'), '--json'];
    const unsafe = await tryServer(home, config, { bare: true });
    expect(unsafe.exit).toBe(3);
    expect(unsafe.stdout).toContain('UnsafeFile');
    unlinkSync(home.file('file.pass'));
    writeFileSync(home.file('file.pass'), readFileSync(home.passphrase('store')), { mode: 0o600 });
    const server = await startServer(home, config, { bare: true });
    expect(await server.stop()).toBe(0);
  });
});
