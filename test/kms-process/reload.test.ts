// SIGHUP on a real server: what is taken over, bound anew or refused, the pair of the TLS listener, and what the log says.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import {
  ALL_OF_A_TENANT,
  auditRecords,
  http,
  metric,
  mintToken,
  type Server,
  startServer,
  tryServer,
} from '../support/server.ts';

const home = temporaryHome();

function pair(name: string, days: number): void {
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const argv = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', String(days), ...subject];
  execFileSync('openssl', [...argv, '-keyout', home.file(`${name}.key`), '-out', home.file(`${name}.crt`)], {
    stdio: 'pipe',
  });
  for (const end of ['key', 'crt']) chmodSync(home.file(`${name}.${end}`), 0o600);
}

const digestOf = (name: string): string =>
  execFileSync('openssl', ['x509', '-in', home.file(`${name}.crt`), '-noout', '-fingerprint', '-sha256'])
    .toString()
    .trim()
    .split('=')[1]!
    .replaceAll(':', '')
    .toLowerCase();

beforeAll(async () => {
  await makeStore(home);
  pair('first', 30);
  pair('second', 60);
});

const config = (text: string): void => {
  home.write('ron-kms.toml', text);
};
const withConfig = ['--config', 'ron-kms.toml'];

/** Sends SIGHUP and waits for the line that says what became of it. */
async function reload(server: Server): Promise<Readonly<Record<string, unknown>>> {
  const lines = (): string[] =>
    server
      .stderr()
      .split('\n')
      .filter((line) => /"event":"config_(updated|refused)"/.test(line));
  const before = lines().length;
  server.signal('SIGHUP');
  for (let n = 0; n < 400 && lines().length === before; n++) await new Promise((done) => setTimeout(done, 25));
  expect(lines().length).toBe(before + 1);
  return JSON.parse(lines().at(-1)!) as Readonly<Record<string, unknown>>;
}

const pageOf = async (server: Server): Promise<string> =>
  (await http(server.ready.metrics_addr, { path: '/metrics' })).body;

interface Handshake {
  readonly group: string | null;
  readonly sha256: string | null;
}

/** Null: refused. */
function handshake(addr: string, options: ConnectionOptions = {}): Promise<Handshake | null> {
  const [host, port] = addr.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host: host!, port: Number(port), rejectUnauthorized: false, ...options }, () => {
      const { name } = socket.getEphemeralKeyInfo() as { readonly name?: string };
      const sha256 = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '').toLowerCase() ?? null;
      // Asking for something makes the server see the end of the handshake.
      socket.once('data', () => {
        socket.destroy();
        resolve({ group: name ?? null, sha256 });
      });
      socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    });
    socket.on('error', () => resolve(null));
  });
}

describe('a reload', () => {
  it('takes over limits and log level at once, records names and digest, drops nothing in flight', async () => {
    config('[security]\nsign_rate_limit_rps = 500\n');
    const server = await startServer(home, withConfig);
    const token = await mintToken(server, 'acme', ALL_OF_A_TENANT);
    const list = { path: '/v1/kms/keys?tenant=acme', token };
    const asked = Array.from({ length: 20 }, () => http(server.ready.socket!, list));
    config('[security]\nsign_rate_limit_rps = 400\n[observability]\nlog_level = "debug"\n');
    const said = await reload(server);
    expect(said).toMatchObject({
      event: 'config_updated',
      changed: ['security.sign_rate_limit_rps', 'observability.log_level'],
    });
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    expect((await http(server.ready.metrics_addr, { path: '/readyz' })).status).toBe(200);
    await http(server.ready.socket!, list);
    expect(server.stderr()).toContain('"level":"DEBUG"');
    expect(await server.stop()).toBe(0);
    const records = auditRecords(home).filter(({ op }) => op === 'config');
    expect(records.length).toBe(1);
    expect(records[0]).toMatchObject({
      detail: {
        changed: ['security.sign_rate_limit_rps', 'observability.log_level'],
        config_sha256: said['config_sha256'],
      },
    });
  });

  it('is refused as a whole, names what and why, and leaves everything as it was', async () => {
    config('');
    const server = await startServer(home, withConfig);
    for (const [text, why] of [
      ['max_conns = "many"\n', /max_conns/],
      ['[service]\nbackend = "inmem"\n', /service\.backend/],
      ['[pq]\nverify_mode = "or"\nproduce_hybrid = false\nrollout_percent = 100\n', /looser|phase/],
      ['max_conns = 7\nnonsense = 1\n', /nonsense/],
    ] as const) {
      config(text);
      const said = await reload(server);
      expect(said).toMatchObject({ event: 'config_refused', level: 'WARN' });
      expect(said['message']).toMatch(why);
    }
    const ready = await http(server.ready.metrics_addr, { path: '/readyz' });
    expect([ready.status, JSON.parse(ready.body)]).toMatchObject([200, { degraded: ['config_loaded', 'governed'] }]);
    config('max_conns = 7\n');
    expect(await reload(server)).toMatchObject({ event: 'config_updated', changed: ['max_conns'] });
    const after = await http(server.ready.metrics_addr, { path: '/readyz' });
    expect(JSON.parse(after.body)).toMatchObject({ degraded: ['governed'] });
    expect(await server.stop()).toBe(0);
  });

  it('binds a changed address, and gives up the old one', async () => {
    config('');
    const server = await startServer(home, withConfig);
    const before = server.ready.addr!;
    const free = Number(before.split(':')[1]) === 45_991 ? 45_992 : 45_991;
    config(`bind_addr = "127.0.0.1:${free}"\n`);
    expect(await reload(server)).toMatchObject({ event: 'config_updated', changed: ['bind_addr'] });
    expect((await http(`127.0.0.1:${free}`, { path: '/healthz' })).status).toBe(200);
    await expect(http(before, { path: '/healthz' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const run = JSON.parse(readFileSync(join(home.path, 'run', 'kms.json'), 'utf8')) as object;
    expect(run).toMatchObject({ addr: `127.0.0.1:${free}` });

    // Taken: refused, and the present one goes on.
    config(`bind_addr = "${server.ready.metrics_addr}"\n`);
    expect(await reload(server)).toMatchObject({ event: 'config_refused' });
    expect((await http(`127.0.0.1:${free}`, { path: '/healthz' })).status).toBe(200);
    expect(await server.stop()).toBe(0);
  });
});

describe('the TLS listener', () => {
  const tls = (more = ''): string => `[tls]\nenabled = true\ncert_path = "live.crt"\nkey_path = "live.key"\n${more}`;
  const use = (name: string): void => {
    for (const end of ['key', 'crt']) copyFileSync(home.file(`${name}.${end}`), home.file(`live.${end}`));
  };

  it('prefers the hybrid group, counts groups, downgrades and failures, and reads its pair again', async () => {
    use('first');
    config(tls());
    const server = await startServer(home, withConfig);
    const addr = server.ready.addr!;
    expect(server.ready.cert_sha256).toBe(digestOf('first'));
    expect(await handshake(addr)).toEqual({ group: 'X25519MLKEM768', sha256: digestOf('first') });
    expect(await handshake(addr, { ecdhCurve: 'X25519' })).toMatchObject({ group: 'X25519' });
    expect(await handshake(addr, { maxVersion: 'TLSv1.2' })).toBeNull();
    const page = await pageOf(server);
    expect(metric(page, 'pq_handshake_total{algo="hybrid",role="server"}')).toBe(1);
    expect(metric(page, 'pq_handshake_total{algo="x25519",role="server"}')).toBe(1);
    expect(metric(page, 'pq_downgrade_events_total{from="hybrid",to="classical",reason="peer"}')).toBe(1);
    expect(metric(page, 'tls_handshake_failures_total')).toBe(1);
    expect(metric(page, 'tls_certificate_left_days')).toBe(29);
    // Plain text does not get through.
    await expect(http(addr, { path: '/healthz' })).rejects.toBeDefined();

    use('second');
    expect(await reload(server)).toMatchObject({ event: 'config_updated', changed: [] });
    expect(await handshake(addr)).toMatchObject({ sha256: digestOf('second') });
    expect(metric(await pageOf(server), 'tls_certificate_left_days')).toBe(59);
    const run = JSON.parse(readFileSync(join(home.path, 'run', 'kms.json'), 'utf8')) as object;
    expect(run).toMatchObject({ cert_sha256: digestOf('second') });

    // A key of another certificate: the old pair stays.
    copyFileSync(home.file('first.key'), home.file('live.key'));
    const said = await reload(server);
    expect(said).toMatchObject({ event: 'config_refused' });
    expect(said['message']).toContain('does not belong to the certificate');
    expect(await handshake(addr)).toMatchObject({ sha256: digestOf('second') });
    expect(await server.stop()).toBe(0);
  });

  it('refuses classical clients under tls.pq_only', async () => {
    use('first');
    config(tls('pq_only = true\n'));
    const server = await startServer(home, withConfig);
    expect(await handshake(server.ready.addr!, { ecdhCurve: 'X25519' })).toBeNull();
    expect(await handshake(server.ready.addr!)).toMatchObject({ group: 'X25519MLKEM768' });
    const page = await pageOf(server);
    expect(metric(page, 'pqc_handshake_failure_total{reason="classical_refused"}')).toBe(1);
    expect(metric(page, 'pq_downgrade_events_total{from="hybrid",to="classical",reason="peer"}')).toBe(0);
    expect(await server.stop()).toBe(0);
  });

  it('does not start with a pair that others can read, or that does not belong together', async () => {
    config(tls());
    use('first');
    chmodSync(home.file('live.key'), 0o644);
    const readable = await tryServer(home, withConfig);
    expect([readable.exit, readable.stdout]).toEqual([3, expect.stringContaining('tls.key_path')]);
    chmodSync(home.file('live.key'), 0o600);
    copyFileSync(home.file('second.crt'), home.file('live.crt'));
    const mixed = await tryServer(home, withConfig);
    expect([mixed.exit, mixed.stdout]).toEqual([3, expect.stringContaining('does not belong')]);
  });
});
