// Answers that are well-formed HTTP and still not what was asked for, and refusals of a server as errors here.

import { describe, expect, it, onTestFinished } from 'vitest';
import { parseToken } from '../../src/capability/token.ts';
import { nodeClock } from '../../src/cli/node-clock.ts';
import { RonError } from '../../src/errors.ts';
import type { Kms } from '../../src/kms/admin-ports.ts';
import { connectKms } from '../../src/kms-client/client.ts';
import { call } from '../contract/kms-subject.ts';
import { tokenFor } from '../support/http-kms.ts';
import { answer, type RudeServer, rudeServer } from '../support/rude-server.ts';

const KID = 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
const OTHER = KID.replace('5f3c0e6e', '6f3c0e6e');
const B3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';
const TOKEN = tokenFor({ tenants: ['acme'], scopes: ['kms:read', 'kms:sign'] });

async function against(bytes: string): Promise<{ readonly kms: Kms; readonly server: RudeServer }> {
  const server = await rudeServer((socket) => socket.write(bytes));
  const client = await connectKms({
    endpoint: server.endpoint,
    token: TOKEN,
    clock: nodeClock(),
    timeoutMs: 10_000,
    retries: 0,
    corrId: globalThis.crypto.randomUUID(),
  });
  onTestFinished(() => client.close());
  return { kms: client.kms, server };
}

async function refusal(promise: Promise<unknown>): Promise<RonError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof RonError)) throw new Error('a RonError was expected', { cause: error });
  expect(`${error.message} ${error.hint}`).not.toContain(TOKEN.slice(0, 40));
  return error;
}

const signed = {
  sigs: [{ alg: 'ed25519', signature_b64: 'AAAA' }],
  kid: `${KID}#v1`,
  algs: 'ed25519',
  payload_b3: B3,
  op_id: '01900000-0000-7000-8000-000000000001',
  audit: null,
};

describe('an answer that does not fit', () => {
  it.each<[string, string, string]>([
    ['no JSON', answer(200, '{"sigs": '), 'text that is not JSON'],
    ['HTML', answer(200, '<html>', { 'content-type': 'text/html' }), 'text/html, not application/json'],
    ['no type', answer(200, '{}', { 'content-type': '' }), 'no type, not application/json'],
    ['null', answer(200, 'null'), 'the answer: object is expected'],
    ['an array', answer(200, '[]'), 'the answer: object is expected'],
    ['an empty object', answer(200, '{}'), 'sigs: missing member'],
    ['a member of another type', answer(200, JSON.stringify({ ...signed, algs: 7 })), 'algs: string is expected'],
    ['another status', answer(204, ''), 'status 204'],
    ['another key', answer(200, JSON.stringify({ ...signed, kid: `${OTHER}#v1` })), 'an answer about another key'],
    [
      'another payload',
      answer(200, JSON.stringify({ ...signed, payload_b3: '0'.repeat(64) })),
      'a signature over another payload',
    ],
  ])('%s', async (_, bytes, what) => {
    const { kms } = await against(bytes);
    const error = await refusal(kms.signing.sign({ kids: [KID], payload_b3: B3 }, call()));
    expect(error.code).toBe('Unreachable');
    expect(error.message).toContain(what);
  });

  it('members that this version does not know are dropped', async () => {
    const { kms } = await against(answer(200, JSON.stringify({ ...signed, novelty: { a: 1 } })));
    const result = await kms.signing.sign({ kids: [KID], payload_b3: B3 }, call());
    expect(result).not.toHaveProperty('novelty');
    expect(result.bundle?.sigs).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['no names', {}],
    ['a name that leads elsewhere', { names: ['../signers'] }],
    ['a name that is none', { names: [7] }],
    ['dots', { names: ['..'] }],
  ])('a list of files with %s', async (_, body) => {
    const { kms } = await against(answer(200, JSON.stringify(body)));
    expect((await refusal(kms.files.list({ path: 'audit' }, call()))).code).toBe('Unreachable');
  });

  it('more bytes of a file than were asked for', async () => {
    const { kms } = await against(answer(200, 'abcdef', { 'content-type': 'application/octet-stream' }));
    const error = await refusal(kms.files.read({ path: 'audit/log.json', offset: 0, length: 3 }, call()));
    expect(error.message).toContain('more bytes of audit/log.json than were asked for');
  });
});

describe('a file that is not there', () => {
  // A partial tile goes between the look at its directory and the reading, while the service writes.
  it.each<[string, string]>([
    ['nothing is there', answer(204, '')],
    [
      'no public file has that name',
      answer(404, JSON.stringify({ error: { code: 'NotFound', ron_code: 'NotFound', message: 'no' } })),
    ],
  ])('%s', async (_, bytes) => {
    const { kms } = await against(bytes);
    expect(await kms.files.read({ path: 'audit/e0/tile/0/000.p/3', offset: 0, length: 96 }, call())).toBeNull();
  });
});

describe('a refusal', () => {
  const envelope = (error: object): string =>
    JSON.stringify({ error: { message: 'why', retryable: false, ts: 'x', request_id: 'r-x', ...error } });

  it.each<[number, object, string, number]>([
    [404, { code: 'NotFound', ron_code: 'NotFound' }, 'NotFound', 4],
    [409, { code: 'Conflict', ron_code: 'QuorumPending' }, 'QuorumPending', 12],
    [401, { code: 'NoCapability' }, 'NoCapability', 21],
    [403, { code: 'NoCapability' }, 'Denied', 21],
    [429, { code: 'Backpressure' }, 'Busy', 22],
    [422, { code: 'PqPolicy', ron_code: 'PqPolicy' }, 'PqPolicy', 16],
    [503, { code: 'StoreUnavailable', ron_code: 'Frozen' }, 'Frozen', 14],
    [418, { code: 'Teapot', ron_code: 'Teapot' }, 'InvalidValue', 3],
  ])('%i %j is %s, exit %i', async (status, error, code, exit) => {
    const { kms } = await against(answer(status, envelope(error)));
    const refused = await refusal(kms.keys.get({ kid: KID }, call()));
    expect([refused.code, refused.exit, refused.message]).toEqual([code, exit, 'why']);
  });

  it.each([
    [500, '<html>it broke</html>', 'text/html', 'Unreachable'],
    [502, '', 'text/plain', 'Unreachable'],
    [404, 'nothing here', 'text/plain', 'NotFound'],
  ])('%i without an envelope', async (status, body, type, code) => {
    const { kms } = await against(answer(status, body, { 'content-type': type }));
    const refused = await refusal(kms.keys.get({ kid: KID }, call()));
    expect([refused.code, refused.message]).toEqual([code, `the server answers ${status}`]);
  });

  it('an operation that went on behind the deadline is asked for by the op_id that this command gave it', async () => {
    const late = { code: 'Timeout', ron_code: 'Busy', hint: 'Ask again with the same op_id: nothing is done twice.' };
    const { kms } = await against(answer(504, envelope(late)));
    const asked = call();
    expect(await refusal(kms.capabilities.revoke({ id: asked.opId }, asked))).toMatchObject({
      code: 'Busy',
      hint: `It may have been done. Ask again with --op-id ${asked.opId}: nothing is done twice.`,
    });
    expect((await refusal(kms.keys.get({ kid: KID }, call()))).hint).toBe(late.hint);
  });

  it('an endless message is cut', async () => {
    const { kms } = await against(answer(400, envelope({ code: 'BadRequest', message: 'x'.repeat(100_000) })));
    expect((await refusal(kms.keys.get({ kid: KID }, call()))).message).toHaveLength(2000);
  });

  it('a mutation that was cut off says how to ask again', async () => {
    const server = await rudeServer((socket) => socket.destroy());
    const client = await connectKms({
      endpoint: server.endpoint,
      token: TOKEN,
      clock: nodeClock(),
      timeoutMs: 10_000,
      retries: 2,
      corrId: globalThis.crypto.randomUUID(),
    });
    onTestFinished(() => client.close());
    const asked = call();
    const error = await refusal(client.kms.keys.rotate({ kid: KID }, asked));
    expect(error.hint).toBe(`It may have been done. Ask again with --op-id ${asked.opId}: nothing is done twice.`);
    expect((await refusal(client.kms.keys.get({ kid: KID }, call()))).hint).toBeUndefined();
    expect(
      (await refusal(client.kms.keys.rotate({ kid: KID }, call(undefined, { dryRun: true })))).hint,
    ).toBeUndefined();
  });
});

describe('the token that leaves', () => {
  const bearer = (server: RudeServer): string => /authorization: Bearer (\S+)/i.exec(server.requests.at(-1)!)![1]!;

  it('is narrowed to half a minute, the path and the key', async () => {
    const { kms, server } = await against(answer(200, JSON.stringify(signed)));
    const before = Date.now();
    await kms.signing.sign({ kids: [`${KID}#v1`], payload_b3: B3 }, call());
    const { caveats, identifier } = parseToken(bearer(server));
    const own = parseToken(TOKEN);
    expect(identifier).toEqual(own.identifier);
    expect(caveats.slice(0, own.caveats.length)).toEqual(own.caveats);
    const [exp, paths, kid, ...rest] = caveats.slice(own.caveats.length);
    const end = Date.parse(exp!.slice('exp = '.length));
    expect(end).toBeGreaterThan(before + 25_000);
    expect(end).toBeLessThanOrEqual(Date.now() + 30_000);
    expect([paths, kid, rest]).toEqual(['paths = /v1/kms/sign', `kid = ${KID}`, []]);
  });

  it('for minting keeps its end: what it mints ends with it', async () => {
    const minted = { id: 'x', root: 1, token: 'AgEH', expires_at: '2026-11-20T10:00:00.000Z' };
    const { kms, server } = await against(answer(200, JSON.stringify(minted)));
    await kms.capabilities.mint({ caveats: ['tenant = acme'], once: false }, call());
    expect(parseToken(bearer(server)).caveats.filter((one) => one.startsWith('exp'))).toHaveLength(1);
  });

  it('none leaves to register, whose token is the body', async () => {
    const { kms, server } = await against(answer(200, '{"id":"x","root":1}'));
    await kms.capabilities.register({ token: 'AgEH' }, call());
    expect(server.requests[0]).not.toMatch(/authorization/i);
  });
});
