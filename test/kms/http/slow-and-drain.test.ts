// Time and endings over real sockets: slow senders and readers, too many connections, deadlines, streams, the drain.

import { statSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { socketListen } from '../../../src/cli/serve-listeners.ts';
import type { ServerConfig } from '../../../src/config/server-config.ts';
import { RonError } from '../../../src/errors.ts';
import type { Kms, ServiceEvent } from '../../../src/kms/admin-ports.ts';
import type { Call, KeyInfo } from '../../../src/kms/ports.ts';
import {
  ask,
  type Place,
  rawConversation,
  STATE,
  socketDirectory,
  TOKEN,
  testServer,
} from '../../support/http-server.ts';

const GET_KEYS = ['GET /v1/kms/keys HTTP/1.1', 'host: x', `authorization: Bearer ${TOKEN}`];

const quick = (config: ServerConfig): ServerConfig => ({
  ...config,
  read_timeout_ms: 300,
  write_timeout_ms: 300,
  idle_timeout_ms: 300,
  max_conns: 3,
  limits: { ...config.limits, drain_deadline_ms: 300, sign_deadline_ms: 100 },
});

interface Pending {
  readonly call: Call;
  finish(): void;
}

/** Lists of keys that end when the test says so. */
function slowKeys(): { readonly kms: Partial<Kms>; readonly pending: Pending[] } {
  const pending: Pending[] = [];
  const list = (_request: object, call: Call): Promise<{ keys: readonly KeyInfo[]; trust: 'authenticated' }> =>
    new Promise((resolve) => pending.push({ call, finish: () => resolve({ keys: [], trust: 'authenticated' }) }));
  const sign = (_request: object, call: Call): Promise<never> =>
    new Promise((_resolve, reject) => {
      pending.push({ call, finish: () => reject(new RonError('Internal', 'never')) });
    });
  return { kms: { keys: { list }, signing: { sign } } as unknown as Partial<Kms>, pending };
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};

async function tcp(change: Parameters<typeof testServer>[0] = {}) {
  const made = await testServer({ config: quick, ...change });
  const bound = await made.server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  const place: Place = { host: bound.host!, port: bound.port! };
  return { ...made, place };
}

describe('time', () => {
  it.each([
    ['nothing at all', ''],
    ['half a header', 'POST /v1/kms/sign HTTP/1.1\r\nhost'],
    [
      'half a body',
      `${[...GET_KEYS].join('\r\n').replace('GET /v1/kms/keys', 'POST /v1/kms/keys')}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`,
    ],
  ])('a sender that sends %s is cut off', async (_name, text) => {
    const { place, seen, server } = await tcp();
    const answer = await rawConversation(place, (socket) => socket.write(text));
    if (text !== '') expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"Timeout"/);
    await until(() => server.inFlight === 0);
    // Only what had a whole head is a request.
    const lines = seen.lines.filter(({ event }) => event === 'http_request').map(({ fields }) => fields);
    const line = { status: 408, result: 'err', message: 'the request did not come in time', route: '/v1/kms/keys' };
    expect(lines).toMatchObject(text.includes('content-length') ? [line] : []);
    expect([...seen.counts.keys()].filter((name) => name.includes('status=200'))).toEqual([]);
  });

  it('a request that is cut off in its body is logged and counted as one without an answer', async () => {
    const { place, seen, server } = await tcp();
    const at = place as { host: string; port: number };
    const socket = connect(at.port, at.host);
    const head = [GET_KEYS.join('\r\n').replace('GET', 'POST'), 'content-type: application/json'];
    socket.write([...head, 'content-length: 100', '', '{'].join('\r\n'));
    await until(() => server.inFlight === 1);
    socket.resetAndDestroy();
    await until(() => server.inFlight === 0);
    expect(seen.lines.find(({ event }) => event === 'http_request')).toMatchObject({
      level: 'warn',
      fields: {
        route: '/v1/kms/keys',
        status: 499,
        result: 'err',
        message: 'the connection ended before there was an answer',
      },
    });
    expect(seen.counts.get('http_requests_total{route=/v1/kms/keys,method=POST,status=499}')).toBe(1);
  });

  it('an idle connection is closed', async () => {
    const { place } = await tcp();
    const answer = await rawConversation(place, (socket) => socket.write(`${GET_KEYS.join('\r\n')}\r\n\r\n`));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('connections beyond the most are not served', async () => {
    const { place, seen } = await tcp();
    const at = place as { host: string; port: number };
    const open = Array.from({ length: 3 }, () => connect(at.port, at.host));
    await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    await expect(ask(place, 'GET', '/healthz')).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(seen.counts.get('rejected_total{reason=backpressure}')).toBe(1);
    for (const socket of open) socket.destroy();
  });

  it('a client that sends the next request before the answer to the last gets only so far', async () => {
    const { kms, pending } = slowKeys();
    const { place, server } = await tcp({ kms });
    const answers = rawConversation(place, (socket) => {
      socket.write(`${GET_KEYS.join('\r\n')}\r\n\r\n`.repeat(30));
    });
    await until(() => server.inFlight >= 7);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(pending).toHaveLength(6);
    for (const one of pending) one.finish();
    const text = await answers;
    expect(text.match(/HTTP\/1\.1 200 /g)).toHaveLength(6);
    expect(text.match(/HTTP\/1\.1 429 /g)).toHaveLength(24);
    expect(text.toLowerCase()).toContain('retry-after: 5');
  });

  it.each([
    ['with an op_id may be asked for again', true, '5', 'Ask again with the same op_id: nothing is done twice.'],
    ['without one may not', false, undefined, 'It may have been done: look before you ask again. With an op_id asking'],
  ])('at its deadline an operation is 504, and the service is told; one %s', async (_name, retryable, after, hint) => {
    const { kms, pending } = slowKeys();
    const { place, seen } = await tcp({ kms });
    const body = JSON.stringify({
      kid_or_set: { kid: 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81' },
      payload_b3: '0'.repeat(64),
      ...(retryable ? { op_id: '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b82' } : {}),
    });
    const reply = await ask(place, 'POST', '/v1/kms/sign', { body, token: TOKEN });
    expect([reply.status, reply.headers['retry-after'], reply.json()]).toMatchObject([
      504,
      after,
      {
        error: {
          code: 'Timeout',
          ron_code: 'Busy',
          retryable,
          message: 'the operation was not finished within 0.1 s',
          hint: expect.stringContaining(hint),
        },
      },
    ]);
    expect(pending[0]!.call.signal.aborted).toBe(true);
    expect(seen.counts.get('io_timeouts_total{op=sign}')).toBe(1);
  });

  it('what holds already is said at the deadline', async () => {
    const rotate = async (_request: object, call: Call): Promise<never> => {
      call.holds?.('half of it holds');
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve, { once: true }));
      throw new RonError('Internal', 'never');
    };
    const kms = { attesting: { attest: rotate } } as unknown as Partial<Kms>;
    const config = (base: ServerConfig): ServerConfig => ({
      ...base,
      limits: { ...base.limits, attest_deadline_ms: 50 },
    });
    const { place } = await tcp({ kms, config });
    const kid = encodeURIComponent('acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81');
    const reply = await ask(place, 'POST', `/v1/kms/keys/${kid}/attest`, { body: '{}', token: TOKEN });
    expect([reply.status, reply.json()]).toMatchObject([
      504,
      { error: { message: 'the operation was not finished within 0.05 s; half of it holds' } },
    ]);
  });

  it('a client that goes away is told to the service and counted', async () => {
    const { kms, pending } = slowKeys();
    const { place, seen, server } = await tcp({ kms });
    const at = place as { host: string; port: number };
    const socket = connect(at.port, at.host);
    socket.write(`${GET_KEYS.join('\r\n')}\r\n\r\n`);
    await until(() => pending.length === 1);
    // A FIN alone may be half a close: whoever sends it still gets the answer.
    socket.resetAndDestroy();
    await until(() => pending[0]!.call.signal.aborted);
    expect(seen.counts.get('tasks_canceled_total{kind=request}')).toBe(1);
    await until(() => server.inFlight === 0);
  });
});

describe('streams', () => {
  const lines = (count: number, bytes: number) =>
    async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < count; i++) yield Buffer.alloc(bytes, 48 + (i % 10));
    };
  const stream = (records: () => AsyncIterable<Uint8Array>): Partial<Kms> =>
    ({ audit: { records } }) as unknown as Partial<Kms>;

  it('lines come as they are, one per line feed', async () => {
    const { place } = await tcp({ kms: stream(lines(3, 4)) });
    const reply = await ask(place, 'GET', '/v1/kms/audit/records?from=0&to=3', { token: 'operator' });
    expect(reply.headers['content-type']).toBe('application/x-ndjson');
    expect(reply.text).toBe('0000\n1111\n2222\n');
    expect(reply.headers['x-corr-id']).toBeDefined();
  });

  it('a refusal before the first line is an error with its status', async () => {
    const { place } = await tcp({
      kms: stream(() => ({
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.reject(new RonError('NotFound', 'there is no record 9')),
        }),
      })),
    });
    const reply = await ask(place, 'GET', '/v1/kms/audit/records?from=9&to=10', { token: 'operator' });
    expect([reply.status, reply.json()]).toMatchObject([404, { error: { message: 'there is no record 9' } }]);
  });

  it('a stream that breaks off is no whole answer', async () => {
    const { place, seen } = await tcp({
      kms: stream(async function* () {
        yield Buffer.from('one');
        throw new RonError('Tampered', 'record 1 is not what was written');
      }),
    });
    await expect(ask(place, 'GET', '/v1/kms/audit/records?from=0&to=2', { token: 'operator' })).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
    expect(seen.counts.get('rejected_total{reason=store_unavailable}')).toBe(1);
  });

  it('a reader that takes nothing is cut off, and the source is closed', async () => {
    let closed = false;
    let given = 0;
    const { place, server } = await tcp({
      kms: stream(async function* () {
        try {
          for (;;) {
            given += 1;
            yield Buffer.alloc(65_536, 65);
          }
        } finally {
          closed = true;
        }
      }),
    });
    const at = place as { host: string; port: number };
    const socket = connect(at.port, at.host);
    socket.on('error', () => undefined);
    socket.pause();
    socket.write(`GET /v1/kms/audit/records?from=0&to=9 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer operator\r\n\r\n`);
    await until(() => closed);
    expect(given).toBeLessThan(1000);
    await until(() => server.inFlight === 0);
    socket.destroy();
  });
});

describe('drain', () => {
  it('nothing new is begun, what runs is finished, and the connection is closed after it', async () => {
    const { kms, pending } = slowKeys();
    const { place, server } = await tcp({ kms });
    const running = ask(place, 'GET', '/v1/kms/keys', { token: TOKEN });
    await until(() => pending.length === 1);
    const drained = server.drain();
    expect(server.draining).toBe(true);
    await expect(ask(place, 'GET', '/v1/kms/keys', { token: TOKEN })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    pending[0]!.finish();
    expect(await drained).toBe(0);
    expect((await running).status).toBe(200);
    await server.close();
  });

  it('on a connection that stays open a new request is 503 with Retry-After', async () => {
    const { place, server, seen } = await tcp({ config: (config) => ({ ...quick(config), idle_timeout_ms: 60_000 }) });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const once = (): Promise<{ status: number; headers: Readonly<Record<string, unknown>> }> =>
      new Promise((resolve, reject) => {
        httpRequest(
          { ...place, agent, path: '/v1/kms/keys', headers: { authorization: `Bearer ${TOKEN}` } },
          (reply) => {
            reply.resume();
            reply.on('end', () => resolve({ status: reply.statusCode!, headers: reply.headers }));
          },
        )
          .on('error', reject)
          .end();
      });
    expect((await once()).status).toBe(200);
    expect(await server.drain()).toBe(0);
    const refused = await once();
    expect(refused.status).toBe(503);
    expect(refused.headers).toMatchObject({ 'retry-after': '5', connection: 'close' });
    expect(seen.counts.get('rejected_total{reason=store_unavailable}')).toBe(1);
    agent.destroy();
  });

  it('what is left at the deadline is aborted, counted, and answered with 503', async () => {
    const { kms, pending } = slowKeys();
    const { place, server, seen } = await tcp({ kms });
    const running = ask(place, 'GET', '/v1/kms/keys', { token: TOKEN });
    await until(() => pending.length === 1);
    expect(await server.drain()).toBe(1);
    expect(seen.counts.get('tasks_aborted_total{kind=request}')).toBe(1);
    expect(pending[0]!.call.signal.aborted).toBe(true);
    const reply = await running;
    expect([reply.status, reply.json()]).toMatchObject([503, { error: { code: 'StoreUnavailable' } }]);
  });

  it('the stream of events ends at once and cleanly', async () => {
    const events = async function* (_request: object, call: Call): AsyncGenerator<ServiceEvent> {
      yield { seq: 1, ts: '2026-11-20T00:00:00.000Z', topic: 'kms.ready', data: {} };
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve, { once: true }));
    };
    const { place, server } = await tcp({ kms: { health: { events } } as unknown as Partial<Kms> });
    const running = ask(place, 'GET', '/v1/kms/events', { token: 'operator' });
    await until(() => server.inFlight === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await server.drain()).toBe(0);
    expect((await running).text).toBe('{"seq":1,"ts":"2026-11-20T00:00:00.000Z","topic":"kms.ready","data":{}}\n');
  });

  it('the socket file goes with the server, and metrics stay until the end', async () => {
    const { server } = await testServer();
    const path = join(socketDirectory(), 'kms.sock');
    await server.listen(socketListen(path));
    const metrics = await server.listen({ kind: 'metrics', host: '127.0.0.1', port: 0 });
    const at = { host: metrics.host!, port: metrics.port! };
    expect(statSync(path).isSocket()).toBe(true);
    await server.drain();
    expect(() => statSync(path)).toThrow('ENOENT');
    expect((await ask(at, 'GET', '/metrics')).text).toBe('kms_ready 1\n');
    await server.close();
    await expect(ask(at, 'GET', '/metrics')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('pages without a token', () => {
  it('the metrics listener has its pages and nothing else', async () => {
    const { server } = await testServer();
    const metrics = await server.listen({ kind: 'metrics', host: '127.0.0.1', port: 0 });
    const at = { host: metrics.host!, port: metrics.port! };
    for (const path of ['/metrics', '/healthz', '/readyz', '/version'])
      expect((await ask(at, 'GET', path)).status).toBe(200);
    expect((await ask(at, 'GET', '/v1/kms/keys', { token: TOKEN })).status).toBe(404);
  });

  it('/readyz is 503 with Retry-After while something is missing; /metrics is not on the main listener', async () => {
    const { server } = await testServer({
      readiness: () => ({
        ready: false,
        missing: ['backend_ready'],
        degraded: [],
        retry_after: 7,
        snapshot: { backend: 'file', pq_mode: 'or', audit_last_checkpoint_age_s: null },
      }),
    });
    const reply = await server.inject({ method: 'GET', url: '/readyz' });
    expect([reply.statusCode, reply.headers['retry-after'], reply.json()]).toMatchObject([
      503,
      '7',
      { missing: ['backend_ready'] },
    ]);
    expect((await server.inject({ method: 'GET', url: '/healthz' })).statusCode).toBe(200);
    expect((await server.inject({ method: 'GET', url: '/metrics' })).statusCode).toBe(404);
  });

  it('an address in use is refused by name', async () => {
    const { server, place } = await tcp();
    const { port } = place as { port: number };
    await expect(server.listen({ kind: 'tcp', host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'RefusedConfig',
      message: `cannot listen on 127.0.0.1:${port} (EADDRINUSE)`,
    });
  });

  it('status needs a token of the instance and says everything in snake case', async () => {
    const { server } = await testServer({ kms: { health: { status: async () => STATE } } as unknown as Partial<Kms> });
    const get = (token: string) =>
      server.inject({ method: 'GET', url: '/v1/kms/status', headers: { authorization: `Bearer ${token}` } });
    expect((await get(TOKEN)).statusCode).toBe(403);
    const reply = await get('operator');
    expect(reply.json()).toMatchObject({ backend: 'inmem', pq_ok: true, audit: { checkpoint_ok: true } });
    expect(reply.body).not.toContain('5f3c0e6e');
  });
});
