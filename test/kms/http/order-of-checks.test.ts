// The order of checks: what is refused before what, with which status, and before how much was read. Over real sockets
// where reading matters.

import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { socketListen } from '../../../src/cli/serve-listeners.ts';
import { RonError } from '../../../src/errors.ts';
import type { Kms } from '../../../src/kms/admin-ports.ts';
import type { Call, Caller, SignRequest } from '../../../src/kms/ports.ts';
import { routePath } from '../../../src/kms-api/wire-path.ts';
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
import { memoryKms } from '../../support/memory-kms.ts';

interface WireErrorBody {
  readonly error: Readonly<Record<string, unknown>>;
}

let place: Place;
let seen: Seen;
let kms: Partial<Kms>;
const asked: SignRequest[] = [];

const KID = 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81#v1';
const SIGN = { kid_or_set: { kid: KID }, payload_b3: B3 };

function narrowed(paths: readonly (readonly (readonly string[])[])[]): Caller {
  return { ...capability(), narrowed: { paths, expiresAt: '2027-01-01T00:00:00.000Z' } } as Caller;
}

beforeEach(async () => {
  const memory = await memoryKms();
  asked.length = 0;
  kms = {
    ...memory,
    signing: {
      ...memory.signing,
      sign: (request, call) => {
        asked.push(request);
        return memory.signing.sign(request, call);
      },
    },
  };
  const made = await testServer({
    kms,
    tokens: {
      'only-kid': narrowed([[['v1', 'kms', 'keys', KID]]]),
      'only-keys': narrowed([[['v1', 'kms', 'keys', 'acme']]]),
      'only-sign': narrowed([[['v1', 'kms', 'sign']], [['v1']]]),
    },
  });
  seen = made.seen;
  const bound = await made.server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  place = { host: bound.host!, port: bound.port! };
});

const sign = (body: string | Uint8Array, headers: Record<string, string> = {}, token: string | null = TOKEN) =>
  ask(place, 'POST', '/v1/kms/sign', { body, headers, ...(token === null ? {} : { token }) });

const head = (lines: readonly string[]): string =>
  `${['POST /v1/kms/sign HTTP/1.1', 'host: x', ...lines].join('\r\n')}\r\n\r\n`;

describe('before the body', () => {
  it('headers over 16 KiB are 431, with the error envelope', async () => {
    const text = await rawConversation(place, (socket) => {
      socket.write(head([`authorization: Bearer ${'A'.repeat(17_000)}`]));
    });
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(text).toContain('"code":"TooLarge"');
    expect(text).toContain('connection: close');
  });

  it.each([
    ['no token', null],
    ['another scheme', 'Basic YTpi'],
    ['an empty token', 'Bearer '],
    ['a token with padding', 'Bearer YWJj='],
    ['a token that is too long', `Bearer ${'A'.repeat(5463)}`],
    ['an unknown token', 'Bearer unknown'],
  ])('a body of 1 MiB with %s is answered before it is sent', async (_name, authorization) => {
    const lines = ['content-type: application/json', 'content-length: 1048576'];
    const text = await rawConversation(place, (socket) => {
      socket.write(head(authorization === null ? lines : [...lines, `authorization: ${authorization}`]));
    });
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text.toLowerCase()).toContain('www-authenticate: bearer');
    expect(text.toLowerCase()).toContain('connection: close');
    expect(text).toContain('"code":"NoCapability"');
    expect(seen.counts.get('rejected_total{reason=unauth}')).toBe(1);
    expect(seen.counts.get('auth_failures_total{service=ron-kms}')).toBe(1);
  });

  it('a body that says it is too large is 413 without being read; the token comes first', async () => {
    const lines = ['content-type: application/json', 'content-length: 1048577'];
    const good = await rawConversation(place, (socket) =>
      socket.write(head([...lines, `authorization: Bearer ${TOKEN}`])),
    );
    expect(good).toMatch(/^HTTP\/1\.1 413 /);
    expect(good).toContain('"code":"TooLarge"');
    const bad = await rawConversation(place, (socket) => socket.write(head(lines)));
    expect(bad).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('100 Continue is sent only when the body is wanted', async () => {
    const body = JSON.stringify(SIGN);
    const lines = [
      'content-type: application/json',
      `content-length: ${body.length}`,
      'expect: 100-continue',
      'connection: close',
    ];
    const refused = await rawConversation(place, (socket) => socket.write(head(lines)));
    expect(refused).toMatch(/^HTTP\/1\.1 401 /);
    const wanted = await rawConversation(place, (socket) => {
      socket.write(head([...lines, `authorization: Bearer ${TOKEN}`]));
      socket.once('data', () => socket.write(body));
    });
    expect(wanted).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 404 /);
  });

  it('an unknown encoding or media type is 415', async () => {
    for (const headers of [
      { 'content-encoding': 'br' },
      { 'content-encoding': 'gzip, gzip' },
      { 'content-type': 'text/plain' },
    ]) {
      const reply = await sign(JSON.stringify(SIGN), headers);
      expect([reply.status, reply.json()]).toMatchObject([
        415,
        { error: { code: 'Unsupported', ron_code: 'Unsupported' } },
      ]);
    }
    expect(asked).toEqual([]);
  });

  it('an unknown path is 404 in the same envelope', async () => {
    for (const [method, path] of [
      ['GET', '/v1/kms/signs'],
      ['POST', '/v1/kms/nothing'],
      ['DELETE', '/'],
    ] as const) {
      const reply = await ask(place, method, path, { token: TOKEN });
      expect([reply.status, reply.json()]).toMatchObject([
        404,
        { error: { code: 'NotFound', message: 'there is no such route' } },
      ]);
    }
    const bad = await ask(place, 'GET', '/v1/kms/keys/%E0%A4%A', { token: TOKEN });
    expect([bad.status, bad.json()]).toMatchObject([400, { error: { code: 'BadRequest' } }]);
  });
});

describe('the body', () => {
  it.each<[string, string | Uint8Array, string, string | undefined]>([
    [
      'a duplicate member',
      `{"payload_b3":"${B3}","payload_b3":"${B3}","kid_or_set":{"kid":"${KID}"}}`,
      'Malformed',
      'payload_b3',
    ],
    [
      'a duplicate nested member',
      `{"payload_b3":"${B3}","kid_or_set":{"kid":"a","kid":"${KID}"}}`,
      'Malformed',
      'kid_or_set.kid',
    ],
    ['an unknown member', JSON.stringify({ ...SIGN, force: true }), 'Malformed', 'force'],
    ['__proto__', `{"__proto__":{},"payload_b3":"${B3}","kid_or_set":{"kid":"${KID}"}}`, 'Malformed', '__proto__'],
    ['constructor', `{"constructor":1,"payload_b3":"${B3}","kid_or_set":{"kid":"${KID}"}}`, 'Malformed', 'constructor'],
    ['a wrong type', JSON.stringify({ ...SIGN, payload_b3: 7 }), 'Malformed', 'payload_b3'],
    ['a missing member', JSON.stringify({ payload_b3: B3 }), 'Malformed', 'kid_or_set'],
    ['both selectors', JSON.stringify({ ...SIGN, kid_or_set: { kid: KID, kid_set: [KID] } }), 'Malformed', undefined],
    [
      '17 kids',
      JSON.stringify({ ...SIGN, kid_or_set: { kid_set: Array(17).fill(KID) } }),
      'InvalidValue',
      'kid_or_set.kid_set',
    ],
    ['an upper-case digest', JSON.stringify({ ...SIGN, payload_b3: B3.toUpperCase() }), 'InvalidValue', 'payload_b3'],
    [
      'an op_id of version 1',
      JSON.stringify({ ...SIGN, op_id: '0198f2a4-5b6c-1d8e-9f01-23456789abcd' }),
      'InvalidValue',
      'op_id',
    ],
    ['a fraction', '{"payload_b3":1.5}', 'Malformed', 'payload_b3'],
    ['an array', '[]', 'Malformed', undefined],
    ['no JSON', '{', 'Malformed', undefined],
    ['no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'Malformed', undefined],
    ['depth 17', '['.repeat(17) + ']'.repeat(17), 'Malformed', undefined],
  ])('%s is refused before anything is asked of the service', async (_name, body, code, field) => {
    const reply = await sign(body);
    expect(reply.status).toBe(400);
    const { error } = reply.json() as WireErrorBody;
    expect(error).toMatchObject({ code: 'BadRequest', ron_code: code, retryable: false });
    if (field !== undefined) expect(error['field']).toBe(field);
    expect(asked).toEqual([]);
    expect(seen.counts.get('rejected_total{reason=bad_request}')).toBe(1);
  });

  it('a body in gzip is read; 10 times its size is the most', async () => {
    const json = JSON.stringify(SIGN);
    expect((await sign(gzipSync(json), { 'content-encoding': 'gzip' })).status).toBe(404);
    const bomb = await sign(gzipSync(Buffer.alloc(900_000, ' ')), { 'content-encoding': 'gzip' });
    expect([bomb.status, bomb.json()]).toMatchObject([
      400,
      { error: { code: 'BadRequest', ron_code: 'InvalidValue' } },
    ]);
    expect(seen.counts.get('rejected_total{reason=ratio_cap}')).toBe(1);
    // Sixfold: over the cap, not over the ratio.
    const random = Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(64_000)).buffer).toString('hex');
    const wide = Buffer.concat(Array.from({ length: 9 }, () => Buffer.from(random.replaceAll(/./g, '$&  '))));
    const packed = gzipSync(wide, { level: 1 });
    expect(packed.length * 10).toBeGreaterThan(wide.length);
    const over = await sign(packed, { 'content-encoding': 'gzip' });
    expect([over.status, over.json()]).toMatchObject([413, { error: { code: 'TooLarge' } }]);
    expect(seen.counts.get('rejected_total{reason=decompress_cap}')).toBe(1);
    const cut = await sign(Uint8Array.of(1, 2, 3), { 'content-encoding': 'gzip' });
    expect([cut.status, cut.json()]).toMatchObject([400, { error: { ron_code: 'Malformed' } }]);
  });

  it('a chunked body is cut off at the cap', async () => {
    const text = await rawConversation(place, (socket) => {
      socket.on('error', () => undefined);
      socket.write(
        head(['content-type: application/json', 'transfer-encoding: chunked', `authorization: Bearer ${TOKEN}`]),
      );
      const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
      for (let i = 0; i < 17; i++) socket.write(chunk);
    });
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text.toLowerCase()).toContain('connection: close');
  });

  it('a route without a body or query takes none', async () => {
    const reply = await ask(place, 'GET', '/v1/kms/audit/head?x=1', { token: 'operator' });
    expect([reply.status, (reply.json() as WireErrorBody).error['message']]).toEqual([
      400,
      'this route takes no query',
    ]);
    const twice = await ask(place, 'GET', '/v1/kms/keys?tenant=a&tenant=b', { token: TOKEN });
    expect([twice.status, (twice.json() as WireErrorBody).error['field']]).toEqual([400, 'tenant']);
  });
});

describe('scope and caveats, after the body is decoded', () => {
  it('a body that does not parse comes before the scope, the scope before the service', async () => {
    expect((await sign('{', {}, 'only-verify')).status).toBe(400);
    const reply = await sign(JSON.stringify(SIGN), {}, 'only-verify');
    expect([reply.status, reply.json()]).toMatchObject([
      403,
      {
        error: {
          code: 'NoCapability',
          ron_code: 'Denied',
          message: 'the capability does not carry the scope kms:sign',
          hint: expect.stringContaining('ronctl cap mint --scope sign --tenant TENANT'),
        },
      },
    ]);
    expect(asked).toEqual([]);
    expect(seen.counts.get('rejected_total{reason=caveat}')).toBe(1);
  });

  it('paths are compared in whole decoded segments, and each list must fit', async () => {
    const at = (kid: string): string => routePath('getKey', { kid });
    const get = async (path: string, token: string): Promise<number> =>
      (await ask(place, 'GET', path, { token })).status;
    expect(await get(at(KID), 'only-kid')).toBe(404);
    expect(await get(at(KID.replace('acme/', 'acme-evil/')), 'only-kid')).toBe(403);
    expect(await get(at(KID), 'only-keys')).toBe(403);
    expect(await get('/v1/kms/keys', 'only-keys')).toBe(403);
    expect((await sign(JSON.stringify(SIGN), {}, 'only-sign')).status).toBe(404);
    expect(await get('/v1/kms/keys', 'only-sign')).toBe(403);
  });

  it('a token of a tenant does not act for the instance, nor one of the instance for a tenant', async () => {
    const govern = await ask(place, 'GET', '/v1/kms/governance/proposals', { token: TOKEN });
    expect([govern.status, govern.json()]).toMatchObject([
      403,
      {
        error: {
          message: 'the capability is for tenants, and this is of the instance: tenant _instance',
          hint: expect.stringContaining(' --tenant _instance --out FILE`'),
        },
      },
    ]);
    expect((await sign(JSON.stringify(SIGN), {}, 'operator')).status).toBe(403);
  });

  it('known and unknown keys of another tenant get the same answer', async () => {
    const made = await ask(place, 'POST', '/v1/kms/keys', {
      token: TOKEN,
      body: JSON.stringify({ tenant: 'acme', purpose: 'release', alg: 'ed25519', new_tenant: true }),
    });
    const { kid } = made.json() as { kid: string };
    const answers = await Promise.all(
      [kid, KID].map(async (one) => {
        const reply = await sign(JSON.stringify({ ...SIGN, kid_or_set: { kid: one } }), {}, 'globex');
        const { code, message, hint } = (reply.json() as WireErrorBody).error;
        return { status: reply.status, code, message, hint };
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]).toMatchObject({ status: 403, code: 'NoCapability' });
  });

  it('register is not served over TCP, with or without a token', async () => {
    const body = JSON.stringify({ token: 'abc' });
    expect((await ask(place, 'POST', '/v1/kms/caps/register', { body })).status).toBe(404);
    expect((await ask(place, 'POST', '/v1/kms/caps/register', { body, token: TOKEN })).status).toBe(404);
  });
});

describe('an internal error', () => {
  it('is 500 without its words, and goes into the log under the route and a tenant of the caller', async () => {
    const failing = (thrown: unknown) => ({ keys: { list: () => Promise.reject(thrown) } }) as unknown as Partial<Kms>;
    for (const [thrown, code] of [
      [new TypeError('secret 0123'), 'Internal'],
      [new RonError('Tampered', 'stored data is not what was written'), 'Tampered'],
    ] as const) {
      const made = await testServer({ kms: failing(thrown) });
      const headers = { authorization: `Bearer ${TOKEN}` };
      const reply = await made.server.inject({ method: 'GET', url: '/v1/kms/keys', headers });
      expect([reply.statusCode, reply.json()]).toMatchObject([500, { error: { code: 'Internal', ron_code: code } }]);
      expect(reply.body).not.toContain('secret');
      expect(made.seen.internal).toEqual([{ of: 'listKeys', tenant: null, result: code }]);
      await made.server.inject({ method: 'GET', url: '/v1/kms/keys' });
      expect(made.seen.internal).toHaveLength(1);
    }
  });
});

describe('ids', () => {
  const corr = async (value?: string): Promise<string> => {
    const reply = await ask(place, 'GET', '/v1/kms/keys', {
      token: TOKEN,
      headers: value === undefined ? {} : { 'x-corr-id': value },
    });
    return reply.headers['x-corr-id'] as string;
  };

  it('X-Corr-ID is echoed when it is a UUID, and made when it is not', async () => {
    const v4 = '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
    expect(await corr(v4)).toBe(v4);
    expect(await corr(v4.toUpperCase())).toBe(v4.toUpperCase());
    for (const bad of [undefined, 'x', `${v4}\u0020`.padEnd(60, 'a'), "'; drop"]) {
      expect(await corr(bad)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it('every refusal has its own request id, time and the ids in the log line', async () => {
    const reply = await sign('{');
    const { request_id, ts } = (reply.json() as WireErrorBody).error;
    expect(request_id).toMatch(/^r-[0-9a-f-]{36}$/);
    expect(ts).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(seen.lines).toContainEqual({
      level: 'warn',
      event: 'http_request',
      fields: expect.objectContaining({
        request_id,
        corr_id: reply.headers['x-corr-id'],
        route: '/v1/kms/sign',
        method: 'POST',
        status: 400,
        result: 'err',
        code: 'Malformed',
        reason: 'bad_request',
      }),
    });
  });
});

describe('the Unix socket', () => {
  it('takes a token to be registered without a bearer: its MAC is the authority', async () => {
    const registered: unknown[] = [];
    const capabilities = {
      register: (request: object, call: Call) => {
        registered.push([request, call.caller]);
        return Promise.resolve({ id: '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81', root: 1 });
      },
    };
    const { server } = await testServer({ kms: { capabilities } as unknown as Partial<Kms> });
    const path = join(socketDirectory(), 'kms.sock');
    await server.listen(socketListen(path));
    const body = JSON.stringify({ token: 'AgEHcm9uLWttcw' });
    const reply = await ask({ socketPath: path }, 'POST', '/v1/kms/caps/register', { body });
    expect([reply.status, reply.json()]).toEqual([200, { id: '5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81', root: 1 }]);
    expect(registered).toEqual([[{ token: 'AgEHcm9uLWttcw' }, { kind: 'system' }]]);
  });
});
