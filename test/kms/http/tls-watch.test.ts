// Handshakes against a real listener, counted in the real registry: a label that the table does not have would throw.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, createServer, type Server } from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { handshakeFailure, watchHandshakes } from '../../../src/kms/http/tls-watch.ts';
import { createMetrics, type Metrics } from '../../../src/kms/metrics.ts';

const directory = mkdtempSync(join(tmpdir(), 'ronctl-tls-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
execFileSync(
  'openssl',
  ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '30', ...subject, '-keyout', key, '-out', cert],
  { stdio: 'pipe' },
);

interface Watched {
  readonly metrics: Metrics;
  readonly server: Server;
  readonly port: number;
  readonly logged: string[];
  /** `peer_addr` of the same lines. */
  readonly peers: unknown[];
  readonly published: string[];
}

async function watched(pqOnly: boolean): Promise<Watched> {
  const server = createServer({
    cert: readFileSync(cert),
    key: readFileSync(key),
    minVersion: 'TLSv1.3',
    ecdhCurve: pqOnly ? 'X25519MLKEM768' : 'X25519MLKEM768:X25519',
    handshakeTimeout: 200,
  });
  const metrics = createMetrics();
  const logged: string[] = [];
  const peers: unknown[] = [];
  const published: string[] = [];
  watchHandshakes(server, {
    telemetry: {
      count: (name, labels, by) => metrics.count(name, labels, by),
      observe: (name, value, labels) => metrics.observe(name, value, labels),
      log: (_level, event, fields) => {
        logged.push(event);
        peers.push(fields?.peer_addr);
      },
      publish: (topic) => published.push(topic),
    },
    monotonicMs: () => performance.now(),
    pqOnly: () => pqOnly,
  });
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return { metrics, server, logged, peers, published, port: (server.address() as AddressInfo).port };
}

/** One handshake; waits until the server has seen its end. */
async function shake({ port, server }: Watched, options: ConnectionOptions = {}): Promise<boolean> {
  const judged = Promise.race([once(server, 'secureConnection'), once(server, 'tlsClientError')]);
  const socket = connect({ host: '127.0.0.1', port, ca: readFileSync(cert), ...options });
  socket.on('error', () => undefined);
  const done = await Promise.race([
    once(socket, 'secureConnect').then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(() => false),
  ]);
  await judged;
  socket.destroy();
  return done;
}

describe('handshakes', () => {
  test('with the hybrid group are counted as such', async () => {
    const one = await watched(false);
    expect(await shake(one)).toBe(true);
    const { metrics } = one;
    expect(metrics.value('pq_handshake_total', { algo: 'hybrid', role: 'server' })).toBe(1);
    expect(metrics.value('pqc_handshake_success_total')).toBe(1);
    expect(metrics.value('pqc_handshake_latency_seconds')).toBe(1);
    expect(metrics.value('crypto_latency_seconds', { op: 'kex', algo: 'hybrid' })).toBe(1);
    expect(one.published).toEqual([]);
  });

  test('with a classical group are a downgrade, told to everybody', async () => {
    const one = await watched(false);
    expect(await shake(one, { ecdhCurve: 'X25519' })).toBe(true);
    const { metrics } = one;
    expect(metrics.value('pq_handshake_total', { algo: 'x25519', role: 'server' })).toBe(1);
    expect(metrics.value('pq_handshake_total', { algo: 'hybrid', role: 'server' })).toBe(0);
    const downgrade = { from: 'hybrid', to: 'classical', reason: 'peer' };
    expect(metrics.value('pq_downgrade_events_total', downgrade)).toBe(1);
    expect(one.logged).toContain('pq_downgrade');
    expect(new Set(one.peers)).toEqual(new Set(['127.0.0.1']));
    expect(one.published).toEqual(['kms.pq.downgrade']);
  });

  test('with a classical group do not come about under pq_only', async () => {
    const one = await watched(true);
    expect(await shake(one, { ecdhCurve: 'X25519' })).toBe(false);
    expect(await shake(one)).toBe(true);
    const { metrics } = one;
    expect([one.logged[0], one.peers[0]]).toEqual(['tls_handshake_failed', '127.0.0.1']);
    expect(metrics.value('tls_handshake_failures_total')).toBe(1);
    expect(metrics.value('pqc_handshake_failure_total', { reason: 'classical_refused' })).toBe(1);
    expect(metrics.value('pq_handshake_total', { algo: 'hybrid', role: 'server' })).toBe(1);
    expect(metrics.value('pq_handshake_total', { algo: 'x25519', role: 'server' })).toBe(0);
  });

  test('with TLS 1.2, plain text, or a client that says nothing fail', async () => {
    const one = await watched(false);
    expect(await shake(one, { maxVersion: 'TLSv1.2' })).toBe(false);
    for (const text of ['GET / HTTP/1.1\r\n\r\n', '']) {
      const seen = once(one.server, 'tlsClientError');
      const plain = connectPlain(one.port, '127.0.0.1');
      plain.on('error', () => undefined);
      plain.write(text);
      await seen;
      plain.destroy();
    }
    expect(one.metrics.value('tls_handshake_failures_total')).toBe(3);
    expect(one.metrics.value('pqc_handshake_failure_total', { reason: 'timeout' })).toBe(1);
    expect(one.metrics.value('pqc_handshake_failure_total', { reason: 'other' })).toBe(2);
  });

  test('without a common group are nobody’s wish when classical ones are offered', () => {
    expect(handshakeFailure('ERR_SSL_NO_SUITABLE_KEY_SHARE', false)).toBe('no_shared_group');
    expect(handshakeFailure('ERR_SSL_NO_SUITABLE_KEY_SHARE', true)).toBe('classical_refused');
    expect(handshakeFailure(undefined, true)).toBe('other');
  });
});
