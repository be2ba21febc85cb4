// Capabilities at a real server with the real authenticator: what 401 and 403 mean (C-16), that neither tells whether a key
// exists (GAP-78), and the attacks on paths, one-time use and appended caveats.

import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/bytes/text.ts';
import { addFirstParty } from '../../../src/capability/chain.ts';
import { attenuate, encodeMacaroon, parseToken } from '../../../src/capability/token.ts';
import { B3, call } from '../../contract/kms-subject.ts';
import { type MemoryCapabilities, memoryCapabilities } from '../../support/capabilities.ts';
import { ask, type Reply, type Seen, socketDirectory, testServer } from '../../support/http-server.ts';
import { type MemoryKms, memoryKms } from '../../support/memory-kms.ts';

let caps: MemoryCapabilities;
let kms: MemoryKms;
let seen: Seen;
let socketPath = '';
let kid = '';

beforeEach(async () => {
  [caps, kms] = await Promise.all([memoryCapabilities(), memoryKms()]);
  const { keys, signing, wrapping } = kms;
  const { capabilities, authenticator } = caps;
  const made = await testServer({ kms: { keys, signing, wrapping, capabilities }, authenticator });
  const { server } = made;
  seen = made.seen;
  socketPath = join(socketDirectory(), 's');
  await server.listen({ kind: 'unix', path: socketPath, privately: (bind) => bind() });
  const created = await keys.create({ tenant: 'acme', purpose: 'release', alg: 'ed25519', newTenant: true }, call());
  kid = created.kid.split('#')[0]!;
});

const token = (...caveats: string[]): Promise<string> =>
  caps.token([
    'tenant = acme',
    ...(caveats.some((one) => one.startsWith('scope')) ? [] : ['scope = kms:read,kms:sign']),
    ...caveats,
  ]);
const sign = (bearer: string, opId: string = globalThis.crypto.randomUUID(), key = kid): Promise<Reply> =>
  ask({ socketPath }, 'POST', '/v1/kms/sign', {
    token: bearer,
    body: JSON.stringify({ kid_or_set: { kid: key }, payload_b3: B3, op_id: opId }),
  });
const get = (bearer: string, path: string): Promise<Reply> => ask({ socketPath }, 'GET', path, { token: bearer });
const keyPath = (id: string): string => `/v1/kms/keys/${encodeURIComponent(id)}`;

describe('401 and 403', () => {
  it('401 with the challenge for what is no capability any more, 403 for one that does not reach', async () => {
    const good = await token();
    expect((await sign(good)).status).toBe(200);
    const revoked = await token();
    await caps.capabilities.revoke({ id: parseToken(revoked).identifier.id }, call());
    for (const bad of ['nonsense', `${good}=`, good.slice(0, -4), revoked]) {
      const { status, headers, text } = await sign(bad);
      expect([status, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^Bearer/)]);
      expect(text).toContain('NoCapability');
      expect(text).not.toContain(bad.slice(20, 40) || bad);
    }
    for (const bad of [
      await token('scope = kms:verify'),
      attenuate(good, ['purpose = other']),
      attenuate(good, ['alg = hybrid']),
      attenuate(good, [`kid = ${kid}#v9`]),
      attenuate(good, ['nonce = 5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81']),
      attenuate(good, ['paths = /v1/kms/verify']),
      attenuate(good, ['tenant = other']),
      encodeMacaroon(addFirstParty(parseToken(good).macaroon, utf8('colour = red'))),
    ]) {
      const { status, headers } = await sign(bad);
      expect([status, headers['www-authenticate']]).toEqual([403, undefined]);
    }
  });

  it('a revoked one and an early one are counted for what they are', async () => {
    const revoked = await token();
    await caps.capabilities.revoke({ id: parseToken(revoked).identifier.id }, call());
    const early = attenuate(await token(), [caps.exp(60).replace('exp', 'nbf')]);
    expect((await sign('nonsense')).status).toBe(401);
    const [gone, soon] = [await sign(revoked), await sign(early)];
    expect([gone.status, soon.status]).toEqual([401, 401]);
    expect(soon.json()).toMatchObject({ error: { code: 'NoCapability', hint: 'clock_skew' } });
    // Not two clocks, but somebody who does not wait: as it was minted, or by far.
    for (const waits of [
      await token('scope = kms:sign', caps.exp(60).replace('exp', 'nbf')),
      attenuate(await token(), [caps.exp(301).replace('exp', 'nbf')]),
    ]) {
      expect((await sign(waits)).json()).toMatchObject({
        error: {
          code: 'NoCapability',
          hint: 'Wait until then.',
          message: expect.stringMatching(
            /^the capability is not valid yet: it is from 2026-11-20T08:0\d:\d\d\.000Z on$/,
          ),
        },
      });
    }
    for (const [reason, count] of Object.entries({ unauth: 3, revoked: 1, clock_skew: 1 })) {
      expect([reason, seen.counts.get(`rejected_total{reason=${reason}}`)]).toEqual([reason, count]);
      expect(seen.lines).toContainEqual(
        expect.objectContaining({ event: 'http_request', fields: expect.objectContaining({ reason, status: 401 }) }),
      );
    }
    expect(seen.counts.get('auth_failures_total{service=ron-kms}')).toBe(5);
  });

  it('the same answer for known and unknown keys of a tenant that is not ours', async () => {
    const foreign = await caps.token(['tenant = b', 'scope = kms:read,kms:sign']);
    const unknown = kid.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const strip = ({ status, text }: Reply): unknown => [status, text.replaceAll(/"(?:ts|request_id)":"[^"]*"/g, '')];
    for (const of of [(id: string) => sign(foreign, undefined, id), (id: string) => get(foreign, keyPath(id))]) {
      const [known, other] = [strip(await of(kid)), strip(await of(unknown))];
      expect(known).toEqual(other);
      expect((known as [number])[0]).toBe(403);
    }
    expect((await get(await token(), keyPath(unknown))).status).toBe(404);
  });
});

describe('attacks', () => {
  it('a path matches in whole decoded segments only', async () => {
    const other = await kms.keys.create({ tenant: 'acme', purpose: 'release', alg: 'ed25519' }, call());
    const bearer = await token(`paths = ${keyPath(kid)}`);
    expect((await get(bearer, keyPath(kid))).status).toBe(200);
    expect((await get(bearer, keyPath(kid).replaceAll('%2F', '%2f'))).status).toBe(200);
    for (const path of [
      keyPath(other.kid.split('#')[0]!),
      `${keyPath(kid)}-evil`,
      `${keyPath(kid)}%2Devil`,
      `${keyPath(kid)}/../${encodeURIComponent(other.kid)}`,
      '/v1/kms/keys',
    ]) {
      expect([path, (await get(bearer, path)).status]).not.toEqual([path, 200]);
    }
  });

  it('one use: of many at once one is answered, and no copy gets another', async () => {
    const once = await caps.token(['tenant = acme', 'scope = kms:sign'], { once: true });
    const copies = Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? once : attenuate(once, [`rps = ${100 + n}`])));
    const statuses = (await Promise.all(copies.map((one) => sign(one)))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(new Set(statuses)).toEqual(new Set([200, 401]));
    expect((await sign(attenuate(once, ['rps = 9']))).status).toBe(401);
    expect(kms.store.records_.filter((one) => one.op === 'sign')).toHaveLength(1);
  });

  it("a harmless caveat gives no fresh bucket: copies share the capability's rate", async () => {
    const bearer = await token('rps = 2');
    const copies = Array.from({ length: 12 }, (_, n) => attenuate(bearer, [`rps = ${2 + n}`]));
    const statuses = (await Promise.all(copies.map((one) => sign(one)))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(3);
    expect(statuses).toContain(429);
  });
});
