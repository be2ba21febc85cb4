// The corners of HTTP itself over real sockets: one error envelope for whatever breaks, half-closed clients, headers that are
// there twice, methods, bodies that are no objects, and paths of the server that no answer shows.

import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { array, assert, asyncProperty, constantFrom, string } from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { socketListen } from '../../../src/cli/serve-listeners.ts';
import { ERROR_CODES, type ErrorCode, RonError } from '../../../src/errors.ts';
import type { Kms, ServiceEvent } from '../../../src/kms/admin-ports.ts';
import { B3, capability } from '../../contract/kms-subject.ts';
import {
  ask,
  type Place,
  rawConversation,
  type Seen,
  socketDirectory,
  TOKEN,
  testServer,
} from '../../support/http-server.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const KID = 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81#v1';
const AUTH = `authorization: Bearer ${TOKEN}`;
const JSON_TYPE = 'content-type: application/json';

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers of a raw conversation, in their order. */
function answersIn(text: string): readonly Answered[] {
  const answers: Answered[] = [];
  for (let rest = text; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    const [line, ...lines] = rest.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 1).trim()]),
    );
    const length = Number(headers['content-length'] ?? 0);
    answers.push({ status: Number(line!.split(' ')[1]), headers, body: rest.slice(end + 4, end + 4 + length) });
    rest = rest.slice(end + 4 + length);
  }
  return answers;
}

let place: Place;
let seen: Seen;

async function serve(change: Parameters<typeof testServer>[0] = {}): Promise<void> {
  const made = await testServer(change);
  seen = made.seen;
  const bound = await made.server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  place = { host: bound.host!, port: bound.port! };
}

beforeEach(() => serve());

const lines = (...of: readonly string[]): string => `${of.join('\r\n')}\r\n\r\n`;
const raw = async (text: string | Uint8Array): Promise<readonly Answered[]> =>
  answersIn(await rawConversation(place, (socket) => socket.write(text)));
const errorOf = ({ body }: Answered): Readonly<Record<string, unknown>> =>
  (JSON.parse(body) as { error: Readonly<Record<string, unknown>> }).error;

function expectEnvelope(answer: Answered): void {
  expect(answer.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    connection: 'close',
    'cache-control': 'no-store',
    date: expect.stringMatching(/GMT$/),
    'x-corr-id': expect.stringMatching(UUID),
  });
  expect(errorOf(answer)).toMatchObject({
    code: expect.any(String),
    message: expect.any(String),
    retryable: expect.any(Boolean),
    ts: expect.stringMatching(/Z$/),
    request_id: expect.stringMatching(/^r-/),
    ron_code: expect.any(String),
  });
}

describe('what is no request has the one error envelope', () => {
  const POST = 'POST /v1/kms/sign HTTP/1.1';
  it.each<readonly [string, string, number, object]>([
    ['no Host', lines('GET /healthz HTTP/1.1'), 400, { ron_code: 'Malformed', field: 'host' }],
    ['a Host that is none', lines('GET /healthz HTTP/1.1', 'host: a b/c@d'), 400, { field: 'host' }],
    ['a request line that is none', lines('hello'), 400, { message: 'the request line is not valid' }],
    ['a method that is none', lines('BREW / HTTP/1.1', 'host: x'), 400, { message: 'the request line is not valid' }],
    ['a version that is none', lines('GET / HTTP/3.7', 'host: x'), 400, { message: 'the request line is not valid' }],
    ['a header that is none', lines('GET / HTTP/1.1', 'host: x', 'a b: c'), 400, { message: 'a header is not valid' }],
    [
      'an expectation',
      lines(POST, 'host: x', AUTH, JSON_TYPE, 'content-length: 2', 'expect: the-spanish-inquisition'),
      417,
      { code: 'Unsupported', field: 'expect' },
    ],
    ['long headers', lines(POST, 'host: x', `x-a: ${'a'.repeat(17_000)}`), 431, { code: 'TooLarge' }],
    [
      'many headers',
      lines('GET /healthz HTTP/1.1', 'host: x', ...Array<string>(64).fill('a: b')),
      431,
      { message: 'there are more than 64 headers' },
    ],
    [
      'two lengths',
      lines(POST, 'host: x', AUTH, JSON_TYPE, 'content-length: 2', 'content-length: 2'),
      400,
      { field: 'content-length', code: 'BadRequest' },
    ],
    [
      'a length and chunks',
      `${lines(POST, 'host: x', AUTH, JSON_TYPE, 'content-length: 5', 'transfer-encoding: chunked')}0\r\n\r\n`,
      400,
      { field: 'transfer-encoding' },
    ],
    [
      'chunks and a length',
      `${lines(POST, 'host: x', AUTH, JSON_TYPE, 'transfer-encoding: chunked', 'content-length: 5')}0\r\n\r\n`,
      400,
      { field: 'content-length' },
    ],
    ['a negative length', lines(POST, 'host: x', 'content-length: -1'), 400, { field: 'content-length' }],
    [
      'an unknown transfer encoding',
      lines(POST, 'host: x', AUTH, JSON_TYPE, 'transfer-encoding: gzip'),
      400,
      { field: 'transfer-encoding' },
    ],
    [
      'a chunk that is none',
      `${lines(POST, 'host: x', AUTH, JSON_TYPE, 'transfer-encoding: chunked')}zz\r\n`,
      400,
      { message: 'a chunk of the body is not valid' },
    ],
    ['a path that does not decode', lines('GET /v1/kms/keys/%zz HTTP/1.1', 'host: x'), 400, { code: 'BadRequest' }],
  ])('%s', async (_name, text, status, error) => {
    const answers = await raw(text);
    expect(answers.map((one) => one.status)).toEqual([status]);
    expectEnvelope(answers[0]!);
    expect(errorOf(answers[0]!)).toMatchObject(error);
    const counted = [...seen.counts].filter(([name]) => name.startsWith('rejected_total{'));
    expect(counted.map(([, by]) => by)).toEqual([1]);
  });

  it('a metrics listener answers in it too', async () => {
    const { server } = await testServer();
    const bound = await server.listen({ kind: 'metrics', host: '127.0.0.1', port: 0 });
    place = { host: bound.host!, port: bound.port! };
    expect((await ask(place, 'GET', '/v1/kms/keys')).json()).toMatchObject({ error: { code: 'NotFound' } });
    const [answer] = await raw(lines('GET /metrics HTTP/1.1', 'connection: close'));
    expect([answer!.status, errorOf(answer!)['field']]).toEqual([400, 'host']);
    expect((await ask(place, 'POST', '/metrics')).status).toBe(405);
  });

  it('64 headers are not too many', async () => {
    const many = Array<string>(62).fill('a: b');
    const [answer] = await raw(lines('GET /healthz HTTP/1.1', 'host: x', 'connection: close', ...many));
    expect(answer!.status).toBe(200);
  });

  it('HTTP/1.0 needs no Host', async () => {
    const [answer] = await raw(lines('GET /healthz HTTP/1.0'));
    expect(answer!.status).toBe(200);
  });

  it('garbage behind a request is answered after it', async () => {
    let finish = (): void => undefined;
    const list = (): Promise<object> =>
      new Promise((resolve) => {
        finish = () => resolve({ keys: [], trust: 'local' });
      });
    await serve({ kms: { keys: { list } } as unknown as Partial<Kms> });
    const text = rawConversation(place, (socket) => {
      socket.write(`${lines('GET /v1/kms/keys HTTP/1.1', 'host: x', AUTH)}nonsense\r\n\r\n`);
      setTimeout(() => finish(), 50);
    });
    const answers = answersIn(await text);
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
    expectEnvelope(answers[1]!);
  });
});

describe('a client that sends its FIN after the request', () => {
  const request = (): string => {
    const body = JSON.stringify({ payload_b3: B3, kid_or_set: { kid: KID } });
    return `${lines('POST /v1/kms/sign HTTP/1.1', 'host: x', AUTH, JSON_TYPE, `content-length: ${body.length}`)}${body}`;
  };

  it('gets its answer, however long that takes, and the connection ends', async () => {
    const list = (): Promise<object> =>
      new Promise((resolve) => setTimeout(() => resolve({ keys: [], trust: 'local' }), 100));
    await serve({ kms: { keys: { list } } as unknown as Partial<Kms> });
    const get = lines('GET /v1/kms/keys HTTP/1.1', 'host: x', AUTH);
    const answers = answersIn(await rawConversation(place, (socket) => socket.end(get)));
    expect(answers.map(({ status }) => status)).toEqual([200]);
  });

  it('gets all of its answers when it sent several requests', async () => {
    const answers = answersIn(await rawConversation(place, (socket) => socket.end(request().repeat(3))));
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('in its body is told so', async () => {
    const half = request().slice(0, -5);
    const answers = answersIn(await rawConversation(place, (socket) => socket.end(half)));
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expect(errorOf(answers[0]!)['message']).toBe('the request did not come to its end');
  });

  it('ends a stream that has no end', async () => {
    const events = async function* (_request: object, call: { signal: AbortSignal }): AsyncGenerator<ServiceEvent> {
      yield { seq: 1, ts: '2027-01-01T00:00:00.000Z', topic: 'kms.ready', data: {} };
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
    };
    await serve({ kms: { health: { events } } as unknown as Partial<Kms> });
    const text = await rawConversation(place, (socket) => {
      socket.once('data', () => socket.end());
      socket.write(lines('GET /v1/kms/events HTTP/1.1', 'host: x', 'authorization: Bearer operator'));
    });
    expect(text).toContain('kms.ready');
  });
});

describe('headers with one value', () => {
  it.each([
    ['authorization', AUTH, 'authorization: Bearer other'],
    ['content-type', JSON_TYPE, JSON_TYPE],
    ['x-corr-id', 'x-corr-id: 5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81', 'X-Corr-Id: 5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b82'],
    ['host', 'host: y', 'host: x'],
    ['content-encoding', 'content-encoding: gzip', 'content-encoding: gzip'],
  ])('%s twice is 400 naming it', async (name, one, other) => {
    const rest = [AUTH, JSON_TYPE, 'host: x'].filter((line) => !line.startsWith(`${name}:`));
    const [answer] = await raw(`${lines('POST /v1/kms/sign HTTP/1.1', ...rest, one, other, 'content-length: 2')}{}`);
    expect(answer!.status).toBe(400);
    expect(errorOf(answer!)).toMatchObject({ ron_code: 'Malformed', field: name });
    expect(errorOf(answer!)['message']).toContain('twice');
  });
});

describe('methods', () => {
  it.each([
    ['GET', '/v1/kms/sign', 'POST'],
    ['DELETE', '/v1/kms/keys', 'GET, HEAD, POST'],
    ['PUT', `/v1/kms/keys/${encodeURIComponent(KID)}`, 'GET, HEAD'],
    ['OPTIONS', '/v1/kms/openapi.json', 'GET, HEAD'],
    ['PROPFIND', '/v1/kms/verify?x=1', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['TRACE', '/readyz', 'GET, HEAD'],
  ])('%s %s is 405 with Allow: %s', async (method, path, allow) => {
    const reply = await ask(place, method, path, { token: TOKEN });
    expect([reply.status, reply.headers.allow]).toEqual([405, allow]);
    expect(reply.json()).toMatchObject({ error: { code: 'Unsupported', ron_code: 'Unsupported', retryable: false } });
  });

  it('an unknown path is 404 for every method, and its body is not asked for', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      expect((await ask(place, method, '/v1/kms/nothing')).status).toBe(404);
      expect((await ask(place, method, '/v1/kms/caps/register')).status).toBe(404);
    }
    const [answer] = await raw(lines('POST /v1/kms/x HTTP/1.1', 'host: x', JSON_TYPE, 'content-length: 1000000'));
    expect([answer!.status, answer!.headers['connection']]).toEqual([404, 'close']);
    const text = await ask(place, 'POST', '/v1/kms/x', { body: 'x', headers: { 'content-type': 'text/plain' } });
    expect(text.status).toBe(404);
  });

  it('asking for a private key is 403 ExportForbidden, whatever the token', async () => {
    const path = `/v1/kms/keys/${encodeURIComponent(KID)}/export`;
    for (const [method, token] of [
      ['GET', TOKEN],
      ['POST', TOKEN],
      ['GET', undefined],
    ] as const) {
      const reply = await ask(place, method, path, token === undefined ? {} : { token });
      expect(reply.status).toBe(403);
      expect(reply.json()).toMatchObject({
        error: {
          code: 'ExportForbidden',
          ron_code: 'PolicyRefused',
          message: 'private keys never leave the service',
          retryable: false,
        },
      });
    }
  });

  it('register is a path of the Unix socket alone', async () => {
    const { server } = await testServer();
    const path = join(socketDirectory(), 'kms.sock');
    await server.listen(socketListen(path));
    const reply = await ask({ socketPath: path }, 'GET', '/v1/kms/caps/register');
    expect([reply.status, reply.headers.allow]).toEqual([405, 'POST']);
  });

  it('HEAD is GET without the body', async () => {
    for (const path of ['/healthz', '/v1/kms/openapi.json', '/v1/kms/keys']) {
      const [got, head] = [
        await ask(place, 'GET', path, { token: TOKEN }),
        await ask(place, 'HEAD', path, { token: TOKEN }),
      ];
      expect([head.status, head.text, head.headers['content-type']]).toEqual([200, '', got.headers['content-type']]);
      expect(head.headers['content-length']).toBe(got.headers['content-length']);
    }
    expect((await ask(place, 'HEAD', '/v1/kms/keys')).status).toBe(401);
    const events = (): AsyncIterable<ServiceEvent> => ({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
    });
    await serve({ kms: { health: { events } } as unknown as Partial<Kms> });
    const lineByLine = await ask(place, 'HEAD', '/v1/kms/events', { token: 'operator' });
    expect([lineByLine.status, lineByLine.headers['content-type']]).toEqual([200, 'application/x-ndjson']);
  });
});

describe('bodies', () => {
  const KEYS = '/v1/kms/keys';
  it.each(['null', '[]', '7', '"x"', 'true', ' null '])('%s is no object', async (body) => {
    for (const path of ['/v1/kms/sign', `${KEYS}/${encodeURIComponent(KID)}/rotate`]) {
      const reply = await ask(place, 'POST', path, { body, token: TOKEN });
      expect([reply.status, reply.json()]).toMatchObject([400, { error: { ron_code: 'Malformed' } }]);
      expect((reply.json() as { error: { message: string } }).error.message).toMatch(/^the body: object is expected/);
    }
  });

  it('no body is one where every member is optional', async () => {
    for (const headers of [{}, { 'content-type': 'application/json' }]) {
      const reply = await ask(place, 'POST', `${KEYS}/${encodeURIComponent(KID)}/rotate`, { headers, token: TOKEN });
      expect(reply.json()).toMatchObject({ error: { ron_code: 'NotFound' } });
    }
  });

  it.each([
    ['application/json; charset=utf-8', 404],
    ['application/json;charset="UTF-8"', 404],
    ['Application/JSON ; Charset=Utf-8', 404],
    ['application/json; charset=utf-16', 415],
    ['application/json; charset="iso-8859-1"', 415],
    ['application/json; charset=', 415],
    ['application/json; x=1; charset=latin1', 415],
    ['application/jsonx', 415],
  ])('content-type %s is %i', async (type, status) => {
    const body = JSON.stringify({ payload_b3: B3, kid_or_set: { kid: KID } });
    const reply = await ask(place, 'POST', '/v1/kms/sign', { body, headers: { 'content-type': type }, token: TOKEN });
    expect(reply.status).toBe(status);
  });

  it('GET takes none', async () => {
    const [answer] = await raw(
      lines('GET /v1/kms/keys HTTP/1.1', 'host: x', AUTH, JSON_TYPE, 'content-length: 1000000'),
    );
    expect([answer!.status, answer!.headers['connection'], errorOf(answer!)['message']]).toEqual([
      400,
      'close',
      'GET takes no body',
    ]);
  });

  it('gzip is one member, whole, with nothing behind it', async () => {
    const plain = Buffer.from(JSON.stringify({ payload_b3: B3, kid_or_set: { kid: KID } }));
    const packed = gzipSync(plain);
    const send = async (body: Uint8Array): Promise<number> =>
      (await ask(place, 'POST', '/v1/kms/sign', { body, headers: { 'content-encoding': 'gzip' }, token: TOKEN }))
        .status;
    expect(await send(packed)).toBe(404);
    const upper = { 'content-encoding': 'GZIP' };
    expect((await ask(place, 'POST', '/v1/kms/sign', { body: packed, headers: upper, token: TOKEN })).status).toBe(404);
    expect(await send(Buffer.concat([packed, Buffer.from('behind')]))).toBe(400);
    expect(await send(Buffer.concat([packed, Buffer.alloc(8)]))).toBe(400);
    expect(await send(Buffer.concat([gzipSync(plain.subarray(0, 20)), gzipSync(plain.subarray(20))]))).toBe(400);
    expect(await send(packed.subarray(0, -1))).toBe(400);
    expect(await send(new Uint8Array(0))).toBe(400);
  });
});

describe('paths of the server', () => {
  const HOME = '/srv/ron/ronctl';

  it('no error body has one, whatever the error says', async () => {
    let thrown: unknown = null;
    await serve({ kms: { keys: { list: () => Promise.reject(thrown) } } as unknown as Partial<Kms> });
    const codes = Object.keys(ERROR_CODES) as ErrorCode[];
    const paths = constantFrom(`${HOME}/store/manifest.json`, HOME, '/var/log/ron/0001', `"${HOME}/a b/c"`);
    const text = array(constantFrom(': ', ' ', '(', 'x', '\n', "'")).chain((before) =>
      paths.chain((at) => string({ maxLength: 4 }).map((end) => `${before.join('')} ${at}: ${end}`)),
    );
    await assert(
      asyncProperty(constantFrom(...codes), text, async (code, message) => {
        thrown = new RonError(code, message, { hint: message, field: message, data: { [message]: [message] } });
        const reply = await ask(place, 'GET', '/v1/kms/keys', { token: TOKEN });
        expect(reply.text).not.toContain(HOME);
        expect(reply.text).not.toContain('/var/log');
        expect(reply.status).toBeGreaterThan(199);
      }),
      { numRuns: 100 },
    );
  });

  it('the stream of events neither', async () => {
    const events = async function* (): AsyncGenerator<ServiceEvent> {
      yield {
        seq: 1,
        ts: '2027-01-01T00:00:00.000Z',
        topic: 'kms.config.refused',
        data: { code: 'RefusedConfig', key: `${HOME}/ron-kms.toml`, changed: ['/etc/ron/x'] },
      };
    };
    await serve({ kms: { health: { events } } as unknown as Partial<Kms> });
    const reply = await ask(place, 'GET', '/v1/kms/events', { token: 'operator' });
    expect(JSON.parse(reply.text)).toMatchObject({ data: { key: 'ron-kms.toml', changed: ['x'] } });
  });
});

describe('shapes on the way in', () => {
  const send = (body: string | Uint8Array, path = '/v1/kms/sign') => ask(place, 'POST', path, { body, token: TOKEN });
  const whole = { payload_b3: B3, kid_or_set: { kid: KID } };

  it.each<readonly [string, string | Uint8Array]>([
    ['a member twice', `{"payload_b3":"${B3}","payload_b3":"${B3}","kid_or_set":{"kid":"${KID}"}}`],
    ['a member twice, escaped', `{"payload_b3":"${B3}","payload\\u005fb3":"${B3}","kid_or_set":{"kid":"${KID}"}}`],
    ['deep arrays', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['deep objects', '{"a":'.repeat(50_000)],
    ['no UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
    ['a surrogate in UTF-8', Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d)],
    ['a byte order mark', `\ufeff${JSON.stringify(whole)}`],
    ['two values', `${JSON.stringify(whole)}{}`],
    ['a type that is wrong', JSON.stringify({ ...whole, payload_b3: 7 })],
    ['an unknown member', JSON.stringify({ ...whole, extra: 1 })],
    ['__proto__', `{"__proto__":{"a":1},${JSON.stringify(whole).slice(1)}`],
  ])('%s is 400', async (_name, body) => {
    const reply = await send(body);
    expect([reply.status, reply.json()]).toMatchObject([400, { error: { code: 'BadRequest' } }]);
  });

  it('trailers are read over, and are no headers', async () => {
    const body = JSON.stringify(whole);
    const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\nauthorization: Bearer operator\r\nx-a: b\r\n\r\n`;
    const text = `${lines('POST /v1/kms/sign HTTP/1.1', 'host: x', AUTH, JSON_TYPE, 'transfer-encoding: chunked', 'connection: close')}${chunks}`;
    expect((await raw(text)).map(({ status }) => status)).toEqual([404]);
    expect((await raw(text.replace(AUTH, 'x-b: c'))).map(({ status }) => status)).toEqual([401]);
  });

  it('a form that is not met is named as it is', async () => {
    const reply = await send(JSON.stringify({ tenant: 'ACME', purpose: 'x', alg: 'ed25519' }), '/v1/kms/keys');
    expect(reply.json()).toMatchObject({
      error: { message: 'tenant: it has to match /^[a-z0-9][a-z0-9._-]{0,63}$/', field: 'tenant' },
    });
  });

  it('a kid is one segment, however it is written', async () => {
    const get = async (path: string): Promise<number> => (await ask(place, 'GET', path, { token: TOKEN })).status;
    expect(await get(`/v1/kms/keys/${encodeURIComponent(KID)}`)).toBe(404);
    expect(await get(`/v1/kms/keys/${KID.replace('#', '%23')}`)).toBe(404);
    expect(await get(`/v1/kms/keys/${encodeURIComponent(encodeURIComponent(KID))}`)).toBe(400);
    expect(await get('/v1/kms/keys/%2e%2e%2fkeys')).toBe(400);
    expect(await get('/v1/kms/keys/a%00b')).toBe(400);
    expect(await get('/v1/kms/keys/%ff')).toBe(400);
    expect(await get(`/v1/kms/keys/${'a'.repeat(1024)}`)).toBe(400);
    expect([400, 404, 414]).toContain(await get(`/v1/kms/keys/${'a'.repeat(1025)}`));
    expect(await get('/v1/kms/keys?tenant=%ff')).toBe(400);
    expect(await get('/v1/kms/keys?tenant=acme&tenant=acme')).toBe(400);
    expect(await get('/v1/kms/keys?__proto__=x')).toBe(400);
  });
});

describe('slowly', () => {
  it('a body in drops is cut off at the read timeout with 408', async () => {
    await serve({ config: (config) => ({ ...config, read_timeout_ms: 300 }), tokens: { t: capability() } });
    const { host, port } = place as { host: string; port: number };
    const socket = connect(port, host);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.write(lines('POST /v1/kms/sign HTTP/1.1', 'host: x', AUTH, JSON_TYPE, 'content-length: 100000'));
    const drops = setInterval(() => socket.write(' '), 20);
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(drops);
    const [answer] = answersIn(text);
    expect(answer!.status).toBe(408);
    expectEnvelope(answer!);
    expect(errorOf(answer!)).toMatchObject({ code: 'Timeout', retryable: true });
  });
});
