// The tlog listener of a real server: a log that programs which are not ours follow over HTTP, byte for byte what
// `audit export --tlog` writes; nothing else is there, and nothing can be written.

import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { filesBelow, vkeyOf } from '../support/audit-homes.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import { http, startServer, tryServer } from '../support/server.ts';
import { tlogCheckers } from '../support/tlog-checkers.ts';

const home = temporaryHome();

beforeAll(async () => {
  await makeStore(home);
});

describe('audit.tlog', () => {
  it('full: the log over HTTP is the exported one, and verifies elsewhere', async () => {
    const server = await startServer(home, [], { env: { RON_KMS_AUDIT_TLOG: 'full' } });
    const at = server.ready.tlog_addr!;
    expect(at).toMatch(/^127\.0\.0\.1:\d+$/);
    const run = JSON.parse(readFileSync(join(home.path, 'run', 'kms.json'), 'utf8')) as { tlog_addr: string };
    expect(run.tlog_addr).toBe(at);
    await home.json(['audit', 'checkpoint', '--kms', 'local']);
    for (const checker of tlogCheckers()) {
      const { exit, output } = await checker.check(`http://${at}`, vkeyOf(home.path), [1, 3]);
      expect([exit, output], checker.name).toEqual([0, expect.stringMatching(/^ok /)]);
    }
    await home.json(['audit', 'export', '--tlog', 'log', '--kms', 'local']);
    await home.json(['audit', 'export', '--out', 'native', '--kms', 'local']);
    expect((await home.json<{ kind: string }>(['audit', 'verify', 'native'])).data).toMatchObject({
      verdict: 'consistent',
    });
    await home.json(['audit', 'export', '--format', 'ron-audit', '--out', 'chain', '--kms', 'local']);
    const [first] = readFileSync(home.file('chain'), 'utf8').split('\n');
    const { home_id } = JSON.parse(readFileSync(join(home.path, 'home.json'), 'utf8')) as { home_id: string };
    expect(JSON.parse(first!)).toMatchObject({ writer_id: home_id, prev: 'b3:0' });
    await home.json(['audit', 'export', '--redact', 'actor', '--out', 'redacted', '--kms', 'local']);
    expect((await home.run(['audit', 'verify', 'redacted'])).exit).toBe(0);
    for (const name of filesBelow(home.file('log'))) {
      const got = await fetch(`http://${at}/${name}`);
      const bytes = Buffer.from(await got.arrayBuffer());
      expect(got.status, name).toBe(200);
      const isCheckpoint = name === 'checkpoint';
      // The checkpoint may have been signed again meanwhile.
      if (isCheckpoint)
        expect(bytes.toString().split('\n').slice(0, 3)).toEqual(
          readFileSync(home.file('log/checkpoint'), 'utf8').split('\n').slice(0, 3),
        );
      else expect(bytes, name).toEqual(readFileSync(home.file(`log/${name}`)));
      expect(got.headers.get('cache-control')).toBe(isCheckpoint ? 'no-store' : 'public, max-age=31536000, immutable');
      expect(got.headers.get('content-type')).toBe(
        isCheckpoint ? 'text/plain; charset=utf-8' : 'application/octet-stream',
      );
      const head = await fetch(`http://${at}/${name}`, { method: 'HEAD' });
      expect([head.status, (await head.arrayBuffer()).byteLength], name).toEqual([200, 0]);
    }
    const names = filesBelow(home.file('log'));
    const partial = names.find((name) => name.startsWith('tile/0/000.p/'))!;
    const width = Number(partial.slice(partial.lastIndexOf('/') + 1));
    const narrower = await fetch(`http://${at}/tile/0/000.p/${width - 1}`);
    expect((await narrower.arrayBuffer()).byteLength).toBe((width - 1) * 32);
    for (const path of [
      `/tile/0/000.p/${width + 1}`,
      '/tile/0/000',
      '/tile/entries/000',
      `/tile/entries/000.p/${width + 1}`,
      '/tile/0/001.p/1',
      '/tile/9/000.p/1',
      '/tile/entries/x000/000.p/1',
      '/tile/0/../../checkpoint',
      '/head',
      '/readyz',
      '/metrics',
      '/v1/kms/keys',
      '/',
    ]) {
      const { status, body } = await http(at, { path });
      expect([status, (JSON.parse(body) as { error: { code: string } }).error.code], path).toEqual([404, 'NotFound']);
    }
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      for (const path of ['/checkpoint', `/${partial}`]) {
        const answer = await fetch(`http://${at}${path}`, { method });
        expect([answer.status, answer.headers.get('allow')], `${method} ${path}`).toEqual([405, 'GET, HEAD']);
      }
    }
    expect(await server.stop()).toBe(0);
  });

  it('hashes: no records leave; off: nothing listens', async () => {
    const env = { RON_KMS_AUDIT_TLOG: 'hashes' };
    const server = await startServer(home, [], { env });
    const at = server.ready.tlog_addr!;
    expect((await http(at, { path: '/checkpoint' })).status).toBe(200);
    expect((await http(at, { path: '/tile/0/000.p/3' })).status).toBe(200);
    const { status, body } = await http(at, { path: '/tile/entries/000.p/3' });
    expect([status, body]).toEqual([404, expect.stringContaining('audit.tlog = hashes')]);
    expect(await server.stop()).toBe(0);
    const silent = await startServer(home);
    expect(silent.ready.tlog_addr).toBeNull();
    expect(await silent.stop()).toBe(0);
  });

  it('follows a reload: opened, shows more, closed; TLS where TLS is on', async () => {
    const write = (tlog: string): void => {
      home.write('ron-kms.toml', `[audit]\ntlog = "${tlog}"\n`);
    };
    write('off');
    const server = await startServer(home, ['--config', 'ron-kms.toml']);
    const reload = async (tlog: string): Promise<string | undefined> => {
      const lines = (): number => server.stderr().split('"event":"config_updated"').length;
      const before = lines();
      write(tlog);
      server.signal('SIGHUP');
      for (let n = 0; n < 400 && lines() === before; n++) await new Promise((done) => setTimeout(done, 25));
      return (JSON.parse(readFileSync(join(home.path, 'run', 'kms.json'), 'utf8')) as { tlog_addr?: string }).tlog_addr;
    };
    const at = (await reload('hashes'))!;
    expect((await http(at, { path: '/checkpoint' })).status).toBe(200);
    expect((await http(at, { path: '/tile/entries/000.p/3' })).status).toBe(404);
    expect(await reload('full')).toBe(at);
    expect((await http(at, { path: '/tile/entries/000.p/3' })).status).toBe(200);
    expect(await reload('off')).toBeUndefined();
    await expect(http(at, { path: '/checkpoint' })).rejects.toThrow('ECONNREFUSED');
    expect(await server.stop()).toBe(0);

    const argv = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '30', '-subj', '/CN=localhost'];
    const files = ['-keyout', home.file('tls.key'), '-out', home.file('tls.crt')];
    execFileSync('openssl', [...argv, '-addext', 'subjectAltName=IP:127.0.0.1', ...files], { stdio: 'pipe' });
    for (const end of ['key', 'crt']) chmodSync(home.file(`tls.${end}`), 0o600);
    const tls = '[tls]\nenabled = true\ncert_path = "tls.crt"\nkey_path = "tls.key"\n';
    home.write('ron-kms.toml', `[audit]\ntlog = "hashes"\n${tls}`);
    const secure = await startServer(home, ['--config', 'ron-kms.toml']);
    const address = secure.ready.tlog_addr!;
    await expect(http(address, { path: '/checkpoint' })).rejects.toThrow();
    const options = { ca: readFileSync(home.file('tls.crt')), agent: false };
    const status = await new Promise<number | undefined>((resolve, reject) => {
      get(`https://${address}/checkpoint`, options, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).on('error', reject);
    });
    expect(status).toBe(200);
    expect(await secure.stop()).toBe(0);
  });

  it('a plain address beyond this machine is refused', async () => {
    const env = { RON_KMS_AUDIT_TLOG: 'full', RON_KMS_AUDIT_TLOG_ADDR: '0.0.0.0:0' };
    const { server, exit, stdout } = await tryServer(home, [], { env });
    expect([server, exit]).toEqual([null, 3]);
    expect(stdout).toContain('audit.tlog_addr');
  });
});
