// The transport against servers that misbehave: every answer is bounded in time and bytes, and says what is wrong.

import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RonError } from '../../src/errors.ts';
import type { Endpoint } from '../../src/kms-client/connect.ts';
import { type HttpRequest, openTransport, type Transport } from '../../src/kms-client/transport.ts';
import { answer, rudeServer } from '../support/rude-server.ts';

const slept: number[] = [];
const clock = {
  now: () => Date.now(),
  sleep: async (ms: number): Promise<void> => {
    slept.push(ms);
  },
};

async function over<T>(
  endpoint: Endpoint,
  use: (transport: Transport) => Promise<T>,
  options: { timeoutMs?: number; retries?: number } = {},
): Promise<T> {
  slept.length = 0;
  const transport = await openTransport({ endpoint, clock, timeoutMs: 5000, retries: 2, ...options });
  try {
    return await use(transport);
  } finally {
    await transport.close();
  }
}

const request = (change: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  path: '/v1/kms/keys',
  bearer: 'token-of-the-test',
  corrId: '01900000-0000-7000-8000-000000000001',
  repeatable: true,
  resume: null,
  signal: new AbortController().signal,
  ...change,
});

async function refused(promise: Promise<unknown>): Promise<RonError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RonError)) throw new Error('a RonError was expected', { cause: error });
  expect(error.message + (error.hint ?? '')).not.toContain('token-of-the-test');
  return error;
}

describe('a good answer', () => {
  it('comes with status, headers and body; the token goes in one header', async () => {
    const server = await rudeServer((socket) => socket.write(answer(200, '{"keys":[]}')));
    const reply = await over(server.endpoint, (transport) => transport.send(request()));
    expect([reply.status, reply.headers['content-type'], Buffer.from(reply.body).toString()]).toEqual([
      200,
      'application/json',
      '{"keys":[]}',
    ]);
    expect(server.requests[0]).toMatch(/^GET \/v1\/kms\/keys HTTP\/1.1\r\n/);
    expect(server.requests[0]).toContain('authorization: Bearer token-of-the-test\r\n');
    expect(server.requests[0]).toContain('x-corr-id: 01900000-0000-7000-8000-000000000001\r\n');
    expect(server.requests[0]).not.toMatch(/accept-encoding|proxy|cookie/i);
  });

  it('of a body goes as JSON', async () => {
    const server = await rudeServer((socket) => socket.write(answer(200, '{}')));
    await over(server.endpoint, (transport) => transport.send(request({ method: 'POST', body: '{"a":1}' })));
    expect(server.requests[0]).toMatch(/content-type: application\/json\r\n[\s\S]*\r\n\r\n\{"a":1\}$/);
  });

  it('comes although proxy variables are set', async () => {
    const server = await rudeServer((socket) => socket.write(answer(200, '{}')));
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
    try {
      const reply = await over(server.endpoint, (transport) => transport.send(request()));
      expect(reply.status).toBe(200);
    } finally {
      delete process.env['HTTP_PROXY'];
    }
  });
});

describe('no answer', () => {
  it('a socket that is not there', async () => {
    const error = await refused(over({ name: 'unix:/x', socketPath: '/nonexistent/s' }, (one) => one.send(request())));
    expect([error.code, error.exit, error.message]).toEqual(['Unreachable', 20, 'unix:/x: there is no such socket']);
  });

  it('a port where nothing listens', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    await new Promise((done) => server.close(done));
    const endpoint = { name: 'http://127.0.0.1', host: '127.0.0.1', port };
    const error = await refused(over(endpoint, (one) => one.send(request())));
    expect([error.code, error.message]).toEqual(['Unreachable', 'http://127.0.0.1: nothing listens there']);
  });

  it('a server that says nothing is given up, and the error says how to ask again', async () => {
    const server = await rudeServer(() => undefined);
    const error = await refused(
      over(server.endpoint, (one) => one.send(request({ resume: 'Ask again with --op-id 7.' })), { timeoutMs: 150 }),
    );
    expect(error.code).toBe('Unreachable');
    expect(error.message).toContain('no answer within 0.15 s');
    expect(error.hint).toBe('Ask again with --op-id 7.');
    expect(server.requests).toHaveLength(1);
  });

  it('a body that never ends in time is given up, however often a byte comes', async () => {
    const server = await rudeServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n');
      let left = 100;
      const drip = setInterval(() => {
        if (socket.destroyed || left-- === 0) clearInterval(drip);
        else socket.write(' ');
      }, 20);
    });
    const error = await refused(over(server.endpoint, (one) => one.send(request()), { timeoutMs: 200 }));
    expect([error.code, error.message]).toEqual(['Unreachable', `${server.endpoint.name}: no answer within 0.2 s`]);
  });

  it.each<[string, string, string]>([
    ['nothing, and hangs up', '', 'the connection was cut'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-ty', 'the connection was cut'],
    [
      'less than it says',
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{"keys"',
      'the connection was cut',
    ],
    ['garbage', '\u0001\u0002 what is this\r\n\r\n', 'what answers there does not speak HTTP'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'what answers there does not speak HTTP'],
    [
      'a chunk that is no chunk',
      'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
      'what answers there does not speak HTTP',
    ],
    [
      'a head of 100 KiB',
      `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100 * 1024)}\r\n\r\n`,
      'the headers of the answer are too long',
    ],
  ])('a server that sends %s', async (_, bytes, reason) => {
    const server = await rudeServer((socket) => socket.end(bytes, 'latin1'));
    const error = await refused(over(server.endpoint, (one) => one.send(request())));
    expect([error.code, error.message]).toEqual(['Unreachable', `${server.endpoint.name}: ${reason}`]);
    expect(server.requests).toHaveLength(1);
  });

  it('the operator interrupts', async () => {
    const server = await rudeServer(() => undefined);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const error = await refused(over(server.endpoint, (one) => one.send(request({ signal: stop.signal }))));
    expect(error.code).toBe('Interrupted');
  });
});

describe('answers that are refused', () => {
  it.each<[string, string, string]>([
    ['a redirect', answer(307, '{}', { location: 'http://127.0.0.1:1/' }), 'a redirect, which is never followed'],
    ['an encoding', answer(200, '{}', { 'content-encoding': 'gzip' }), 'an encoding that was not asked for'],
    ['more than 1 MiB with its length', answer(200, ' '.repeat(1024 * 1024 + 1)), 'more than 1048576 bytes'],
    [
      'more than 1 MiB without a length',
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n${' '.repeat(1024 * 1024 + 1)}`,
      'more than 1048576 bytes',
    ],
  ])('%s', async (_, bytes, what) => {
    const server = await rudeServer((socket) => socket.end(bytes));
    const error = await refused(over(server.endpoint, (one) => one.send(request())));
    expect(error.code).toBe('Unreachable');
    expect(error.message).toBe(`${server.endpoint.name} gave an answer that cannot be used: ${what}`);
    expect(server.requests).toHaveLength(1);
  });
});

describe('repetition', () => {
  const busy = (status: number, after?: string): string =>
    answer(status, '{}', after === undefined ? {} : { 'retry-after': after });

  it.each([429, 503, 504])('on %i waits as long as it is told, at most twice', async (status) => {
    const server = await rudeServer((socket, _, nth) => socket.write(nth < 3 ? busy(status, '5') : answer(200, '{}')));
    const reply = await over(server.endpoint, (one) => one.send(request()));
    expect([reply.status, server.requests.length, slept]).toEqual([200, 3, [5000, 5000]]);
  });

  it('gives the third refusal back', async () => {
    const server = await rudeServer((socket) => socket.write(busy(503)));
    const reply = await over(server.endpoint, (one) => one.send(request()));
    expect([reply.status, server.requests.length, slept]).toEqual([503, 3, [1000, 1000]]);
  });

  it.each<[string, number, string | undefined, Partial<HttpRequest>, number | undefined]>([
    ['a server that wants more than 10 s', 503, '11', {}, undefined],
    ['what must not be done twice', 503, '1', { method: 'POST', body: '{}', repeatable: false }, undefined],
    ['another status', 500, '1', {}, undefined],
    ['a gateway that had no answer', 504, undefined, {}, undefined],
    ['a configuration of no retries', 429, '1', {}, 0],
  ])('does not happen with %s', async (_, status, after, change, retries) => {
    const server = await rudeServer((socket) => socket.write(busy(status, after)));
    const reply = await over(
      server.endpoint,
      (one) => one.send(request(change)),
      retries === undefined ? {} : { retries },
    );
    expect([reply.status, server.requests.length, slept]).toEqual([status, 1, []]);
  });
});

describe('streams', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n';
  const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const lines = async (transport: Transport, endless = false, most = 100): Promise<string[]> => {
    const reply = await transport.stream(request(), { endless });
    if (!('lines' in reply)) throw new Error(`status ${reply.status}`);
    const out: string[] = [];
    for await (const line of reply.lines) {
      out.push(Buffer.from(line).toString());
      if (out.length === most) break;
    }
    return out;
  };

  it('come line by line, however they are cut', async () => {
    const server = await rudeServer((socket) =>
      socket.end(`${head}${chunk('a\nb')}${chunk('b\n')}${chunk('\nc\n')}0\r\n\r\n`),
    );
    expect(await over(server.endpoint, (one) => lines(one))).toEqual(['a', 'bb', '', 'c']);
  });

  it.each<[string, string, string]>([
    ['ends inside a line', `${head}${chunk('a\nb')}0\r\n\r\n`, 'a last line that is cut off'],
    ['has a line over 1 MiB', `${head}${chunk('x'.repeat(1024 * 1024 + 1))}`, 'a line of more than 1048576 bytes'],
    ['is of another type', answer(200, '{}'), 'application/json, not application/x-ndjson'],
    ['is cut', `${head}${chunk('a\n')}`, 'the connection was cut'],
  ])('one that %s is refused', async (_, bytes, what) => {
    const server = await rudeServer((socket) => socket.end(bytes));
    const error = await refused(over(server.endpoint, (one) => lines(one)));
    expect(error.code).toBe('Unreachable');
    expect(error.message).toContain(what);
  });

  it('a refusal is a reply', async () => {
    const server = await rudeServer((socket) => socket.write(answer(403, '{"error":{}}')));
    const reply = await over(server.endpoint, (one) => one.stream(request(), { endless: false }));
    expect([reply.status, 'lines' in reply]).toEqual([403, false]);
  });

  it('whoever stops reading hangs up', async () => {
    let closed = (): void => undefined;
    const hungUp = new Promise<void>((done) => {
      closed = done;
    });
    const server = await rudeServer((socket) => {
      socket.on('close', closed);
      socket.write(`${head}${chunk('a\nb\n')}`);
    });
    expect(await over(server.endpoint, (one) => lines(one, true, 1))).toEqual(['a']);
    await hungUp;
  });
});
