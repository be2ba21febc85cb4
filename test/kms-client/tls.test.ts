// Pinned TLS: which certificates and groups the client takes, over real handshakes on loopback.

import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { nodeClock } from '../../src/cli/node-clock.ts';
import { RonError } from '../../src/errors.ts';
import { PQ_GROUP, type TlsPin } from '../../src/kms-client/connect.ts';
import { openTransport, type Transport } from '../../src/kms-client/transport.ts';

const directory = mkdtempSync(join(tmpdir(), 'ronctl-tls-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Pair {
  readonly cert: string;
  readonly key: string;
  readonly sha256: string;
}

function make(name: string, subjectAltName: string): Pair {
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${subjectAltName}`, '-days', '30'];
  const argv = ['req', '-x509', '-newkey', 'ed25519', '-nodes', ...subject, '-keyout', key, '-out', cert];
  execFileSync('openssl', argv, { stdio: 'pipe' });
  chmodSync(key, 0o600);
  const pem = readFileSync(cert, 'utf8');
  return {
    cert: pem,
    key: readFileSync(key, 'utf8'),
    sha256: createHash('sha256').update(new X509Certificate(pem).raw).digest('hex'),
  };
}

let good: Pair;
let other: Pair;
beforeAll(() => {
  good = make('good', 'IP:127.0.0.1');
  other = make('other', 'DNS:elsewhere.example');
});

const seen: { requests: number } = { requests: 0 };

async function serve(pair: Pair, options: TlsOptions = {}): Promise<number> {
  seen.requests = 0;
  const server: Server = createServer({ cert: pair.cert, key: pair.key, ...options }, (_request, response) => {
    seen.requests += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  return (server.address() as AddressInfo).port;
}

async function ask(
  port: number,
  pin: Partial<TlsPin>,
  nowMs?: number,
): Promise<{ group: string | null; status: number }> {
  const transport: Transport = await openTransport({
    endpoint: { name: 'https://127.0.0.1', host: '127.0.0.1', port, tls: { pqOnly: false, ...pin } },
    clock: { ...nodeClock(), ...(nowMs === undefined ? {} : { now: () => nowMs }) },
    timeoutMs: 5000,
    retries: 0,
  });
  try {
    const { status } = await transport.send({
      method: 'GET',
      path: '/v1/kms/keys',
      bearer: 'the-token-of-this-test',
      corrId: 'x',
      repeatable: true,
      resume: null,
      signal: new AbortController().signal,
    });
    return { group: transport.tlsGroup(), status };
  } finally {
    await transport.close();
  }
}

async function refused(asking: Promise<unknown>): Promise<RonError> {
  const error: unknown = await asking.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RonError)) throw new Error('a RonError was expected', { cause: error });
  expect(seen.requests, 'nothing was sent').toBe(0);
  return error;
}

describe('pins', () => {
  it('the digest of the certificate alone, for any name', async () => {
    const port = await serve(other);
    expect(await ask(port, { certSha256: other.sha256 })).toEqual({ group: PQ_GROUP, status: 200 });
  });

  it('a CA, with the name of the certificate', async () => {
    const port = await serve(good);
    expect((await ask(port, { ca: good.cert })).status).toBe(200);
    expect((await ask(port, { ca: good.cert, certSha256: good.sha256 })).status).toBe(200);
  });

  it('another certificate than the pinned one gets no token', async () => {
    const error = await refused(ask(await serve(other), { certSha256: good.sha256 }));
    expect([error.code, error.exit, error.field]).toEqual(['VerificationFailed', 10, 'kms.cert_sha256']);
    expect(error.message).toContain(other.sha256);
  });

  it('a pinned certificate that is not valid now', async () => {
    const port = await serve(good);
    const error = await refused(ask(port, { certSha256: good.sha256 }, Date.now() + 40 * 86_400_000));
    expect([error.code, error.message]).toEqual(['VerificationFailed', expect.stringContaining('not now')]);
  });

  it('a certificate of another CA', async () => {
    const error = await refused(ask(await serve(other), { ca: good.cert }));
    expect([error.code, error.field]).toEqual(['VerificationFailed', 'kms.ca_file']);
  });

  it('a certificate for another name', async () => {
    const error = await refused(ask(await serve(other), { ca: other.cert }));
    expect([error.code, error.message]).toEqual([
      'VerificationFailed',
      'https://127.0.0.1: its certificate is for another name',
    ]);
  });

  it('both pins: a digest does not make up for the CA', async () => {
    const error = await refused(ask(await serve(other), { ca: good.cert, certSha256: other.sha256 }));
    expect(error.field).toBe('kms.ca_file');
  });
});

describe('versions and groups', () => {
  it('TLS 1.2 is refused', async () => {
    const port = await serve(good, { maxVersion: 'TLSv1.2' });
    const error = await refused(ask(port, { certSha256: good.sha256 }));
    expect([error.code, error.message]).toEqual(['Unreachable', expect.stringContaining('TLS handshake failed')]);
  });

  it('a server without the hybrid group is reached with X25519, and that is told', async () => {
    const port = await serve(good, { ecdhCurve: 'X25519' });
    expect(await ask(port, { certSha256: good.sha256 })).toEqual({ group: 'X25519', status: 200 });
  });

  it('where policy wants the hybrid group, a classical server is refused before anything is sent', async () => {
    const port = await serve(good, { ecdhCurve: 'X25519' });
    const error = await refused(ask(port, { certSha256: good.sha256, pqOnly: true }));
    expect([error.code, error.message]).toEqual(['Unreachable', expect.stringContaining('TLS handshake failed')]);
    const hybrid = await serve(good);
    expect((await ask(hybrid, { certSha256: good.sha256, pqOnly: true })).group).toBe(PQ_GROUP);
  });

  it('a server that does not speak TLS', async () => {
    const { createServer: plain } = await import('node:http');
    const server = plain((_request, response) => response.end());
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    seen.requests = 0;
    const error = await refused(ask((server.address() as AddressInfo).port, { certSha256: good.sha256 }));
    expect([error.code, error.message]).toEqual(['Unreachable', expect.stringContaining('TLS handshake failed')]);
  });
});
