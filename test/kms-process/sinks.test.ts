// Sinks of a real server: load, kill -9 again and again, a receiver that comes and goes, SIGHUP; what arrived is the log, in order
// and without a hole, and `audit verify` says so.

import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ReconcileResult } from '../../src/operations/audit/reconcile.ts';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { KmsStatusResult } from '../../src/operations/kms/status.ts';
import { TestHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import {
  ALL_OF_A_TENANT,
  auditRecords,
  http,
  metric,
  mintToken,
  type Server,
  startLoad,
  startServer,
} from '../support/server.ts';
import { type TlsPair, tlsPair } from '../support/tls-pair.ts';

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let n = 0; n < 800; n++) {
    if (await holds()) return;
    await pause(25);
  }
  throw new Error(`never: ${what}`);
}

/** A receiver that can be switched off; `lines` is what it has said 200 to. */
async function receiver(tls: TlsPair | null = null) {
  const state = { status: 200, lines: [] as string[], port: 0 };
  const answer: RequestListener = (request, reply) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      if (state.status === 200) state.lines.push(...body.trimEnd().split('\n'));
      reply.writeHead(state.status).end();
    });
  };
  const server = tls === null ? createServer(answer) : createTlsServer({ cert: tls.cert, key: tls.key }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close().closeAllConnections();
  });
  state.port = (server.address() as AddressInfo).port;
  return state;
}

/** Indexes in the order in which they first came. */
function firstSeen(lines: readonly string[]): number[] {
  const seen = new Set<number>();
  for (const line of lines) {
    const { index } = JSON.parse(line) as { index?: number };
    if (index !== undefined) seen.add(index);
  }
  return [...seen];
}

async function load(server: Server) {
  const token = await mintToken(server, 'acme', ALL_OF_A_TENANT);
  const make = async (alg: string): Promise<string> => {
    const body = { tenant: 'acme', purpose: 'load', alg, new_tenant: true };
    const answer = await http(server.ready.socket!, { path: '/v1/kms/keys', token, body });
    return (JSON.parse(answer.body) as { readonly kid: string }).kid.replace(/#v\d+$/, '');
  };
  return startLoad(server.ready.socket!, token, { sign: await make('ed25519'), wrap: await make('hybrid-kem') });
}

describe('sinks of a server', () => {
  it('have the log, in order and without a hole, over kill -9, an outage and a reload', async () => {
    const home = new TestHome();
    onTestFinished(() => home.remove());
    await makeStore(home);
    const directory = home.file('sink');
    mkdirSync(directory);
    const remote = await receiver();
    const config = (...sinks: string[]): void => {
      home.write('ron-kms.toml', `[audit]\nsinks = ${JSON.stringify(sinks)}\n`);
    };
    const [dir, web] = [`usb=dir:${directory}`, `web=http://127.0.0.1:${remote.port}/audit`];
    const start = (): Promise<Server> =>
      startServer(home, ['--config', 'ron-kms.toml', '--log-level', 'info'], {
        env: { RON_KMS_SIGN_RATE_LIMIT: '1000000' },
      });
    config(dir, web);
    for (const round of [1, 2]) {
      const server = await start();
      const running = await load(server);
      await until('load', () => running.acknowledged.length >= 100 * round);
      server.signal('SIGKILL');
      expect(await server.exit()).toBe(137);
      await running.stop();
    }
    remote.status = 500;
    config(dir);
    const server = await start();
    config(dir, web);
    server.signal('SIGHUP');
    const sinks = async () => {
      const { data } = await home.json<KmsStatusResult>(['kms', 'status', '--kms', 'local']);
      return data!.server!.service!.sinks;
    };
    await until('two sinks', async () => (await sinks()).length === 2);
    await until('an error', async () => (await sinks())[1]!.error?.includes('it answered 500') === true);
    const running = await load(server);
    await until('load', () => running.acknowledged.length >= 100);
    await running.stop();
    const status = await home.run(['kms', 'status', '--kms', 'local']);
    expect(status.stdout).toMatch(/sink usb +directory, /);
    expect(status.stdout).toMatch(/sink web +http, .*it answered 500/);
    remote.status = 200;
    await until('nothing behind', async () => (await sinks()).every((one) => one.behind === 0 && one.error === null));
    const online = await home.json<ReconcileResult>(['audit', 'reconcile', '--kms', 'local']);
    expect(online.data).toMatchObject({ target: 'local', verdict: 'complete', findings: [] });
    expect(await server.stop()).toBe(0);

    const records = auditRecords(home).length;
    const everything = Array.from({ length: records }, (_, at) => at);
    const [name] = readdirSync(directory);
    expect(firstSeen(readFileSync(join(directory, name!), 'utf8').trimEnd().split('\n'))).toEqual(everything);
    expect(firstSeen(remote.lines)).toEqual(everything);
    const { data } = await home.json<AuditVerifyResult>(['audit', 'verify', directory]);
    expect(data).toMatchObject({
      verdict: 'consistent',
      kind: 'sink',
      epochs: [{ covered: records, unsigned_tail: 0 }],
    });
    home.write('web.jsonl', `${remote.lines.join('\n')}\n`);
    const web_ = await home.json<AuditVerifyResult>(['audit', 'verify', home.file('web.jsonl')]);
    expect(web_.data).toMatchObject({ verdict: 'consistent', epochs: [{ covered: records }] });
    expect((await home.run(['audit', 'verify', directory])).stdout).toContain(
      'records behind its last checkpoint are not final',
    );
  });

  it('over TLS: behind by its bound it is seen in gauge and readiness, and then gets everything', async () => {
    const home = new TestHome();
    onTestFinished(() => home.remove());
    // Records that no sink has for two minutes already.
    await makeStore(home, 'dev', 120_000);
    const [own, stranger] = [tlsPair(home.directory, 'own'), tlsPair(home.directory, 'stranger')];
    const remote = await receiver(own);
    copyFileSync(stranger.certFile, home.file('ca.pem'));
    const sinks = `sinks = ["web=https://127.0.0.1:${remote.port}/audit"]\nsink_ca_file = "${home.file('ca.pem')}"`;
    home.write('ron-kms.toml', `[audit]\n${sinks}\n`);
    const server = await startServer(home, ['--config', 'ron-kms.toml']);
    const page = async (path: string) => (await http(server.ready.metrics_addr, { path })).body;
    const degraded = async () => (JSON.parse(await page('/readyz')) as { readonly degraded?: string[] }).degraded ?? [];
    const gauge = async (of: string) => metric(await page('/metrics'), `kms_audit_export_lag_${of}{sink="web"}`);
    await until('degraded', async () => (await degraded()).includes('audit_export'));
    expect(await gauge('seconds')).toBeGreaterThan(60);
    expect(await gauge('records')).toBeGreaterThan(2);
    const status = await home.run(['kms', 'status', '--kms', 'local']);
    expect(status.stdout).toMatch(/sink web +http, .*self-signed certificate/);
    expect(remote.lines).toEqual([]);
    copyFileSync(own.certFile, home.file('ca.pem'));
    await until('caught up', async () => (await gauge('records')) === 0);
    expect(await gauge('seconds')).toBe(0);
    await until('ready', async () => !(await degraded()).includes('audit_export'));
    expect(await server.stop()).toBe(0);
    expect(firstSeen(remote.lines)).toEqual(auditRecords(home).map((_, at) => at));
  });
});
