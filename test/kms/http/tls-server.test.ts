// The API behind TLS 1.3: the same routes, older versions refused and counted, a new certificate without a restart.

import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { TOKEN, testServer } from '../../support/http-server.ts';
import { type TlsPair, tlsPair } from '../../support/tls-pair.ts';

const directory = mkdtempSync(join(tmpdir(), 'ronctl-tls-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const pair = (name: string): TlsPair => tlsPair(directory, name);
const first = pair('first');

async function served() {
  const made = await testServer();
  const tls = { ...first, ecdhCurve: 'X25519MLKEM768:X25519' };
  const bound = await made.server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0, tls });
  return { ...made, bound, port: bound.port! };
}

interface Got {
  readonly status: number;
  readonly subject: string;
  readonly protocol: string | null;
}

function get(port: number, ca: Buffer): Promise<Got> {
  return new Promise((resolve, reject) => {
    request(
      {
        host: '127.0.0.1',
        port,
        ca,
        agent: false,
        path: '/v1/kms/keys',
        headers: { authorization: `Bearer ${TOKEN}` },
      },
      (reply) => {
        const socket = reply.socket as TLSSocket;
        const subject = socket.getPeerX509Certificate()!.subject;
        const protocol = socket.getProtocol();
        reply.resume();
        reply.on('end', () => resolve({ status: reply.statusCode!, subject, protocol }));
      },
    )
      .on('error', reject)
      .end();
  });
}

describe('TLS', () => {
  it('serves the API over TLS 1.3, and a new pair to new connections', async () => {
    const { bound, port } = await served();
    expect(await get(port, first.cert)).toEqual({ status: 200, subject: 'CN=first', protocol: 'TLSv1.3' });
    const second = pair('second');
    bound.setTls!(second);
    expect(await get(port, second.cert)).toEqual({ status: 200, subject: 'CN=second', protocol: 'TLSv1.3' });
    await expect(get(port, first.cert)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  });

  it('TLS 1.2 and plain HTTP are refused and counted', async () => {
    const { port, seen } = await served();
    const old = connect({ port, host: '127.0.0.1', maxVersion: 'TLSv1.2', ca: first.cert });
    const code = await new Promise((resolve) => old.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)));
    expect(code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    await expect(
      new Promise((resolve, reject) => {
        import('node:http').then(
          ({ get: plain }) => plain({ host: '127.0.0.1', port }, resolve).on('error', reject),
          reject,
        );
      }),
    ).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(seen.counts.get('tls_handshake_failures_total{}')).toBe(2);
  });
});
