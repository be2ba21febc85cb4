// The documented key endpoints through a real Unix socket: bodies, statuses and headers as other clients see them.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { socketListen } from '../../../src/cli/serve-listeners.ts';
import { B3 } from '../../contract/kms-subject.ts';
import { ask, type Place, type Reply, socketDirectory, TOKEN, testServer } from '../../support/http-server.ts';

const OP_ID = '0198f2a4-5b6c-7d8e-9f01-23456789abcd';
let place: Place;

const post = (path: string, body: object, token = TOKEN): Promise<Reply> =>
  ask(place, 'POST', `/v1/kms${path}`, { body: JSON.stringify(body), token });
const get = (path: string, token = TOKEN): Promise<Reply> => ask(place, 'GET', `/v1/kms${path}`, { token });
const create = async (body: object = {}): Promise<string> => {
  const made = await post('/keys', { tenant: 'acme', purpose: 'release', alg: 'ed25519', new_tenant: true, ...body });
  return (made.json() as { kid: string }).kid;
};

beforeEach(async () => {
  const { server } = await testServer();
  const path = join(socketDirectory(), 'kms.sock');
  await server.listen(socketListen(path));
  place = { socketPath: path };
});

describe('key routes', () => {
  it('the socket is open to its owner alone', () => {
    expect(statSync((place as { socketPath: string }).socketPath).mode & 0o777).toBe(0o600);
  });

  it('creates, shows, lists and rotates a key with its public bytes', async () => {
    const made = await post('/keys', {
      tenant: 'acme',
      purpose: 'release',
      alg: 'hybrid',
      new_tenant: true,
      policy_hints: { rotate_days: 30, team: 'blue' },
      op_id: OP_ID,
    });
    expect(made.status).toBe(200);
    const key = made.json() as {
      kid: string;
      public: { alg: string; pubkey_b64: string };
      op_id: string;
      replayed: boolean;
    };
    expect(key.kid).toMatch(/^acme\/release\/hybrid\/[0-9a-f-]{36}#v1$/);
    expect(key.public.alg).toBe('ed25519');
    expect(Buffer.from(key.public.pubkey_b64, 'base64')).toHaveLength(32);
    expect(key).toMatchObject({ op_id: OP_ID, replayed: false });

    const at = `/keys/${encodeURIComponent(key.kid)}`;
    const shown = (await get(at)).json() as { public_tracks: { alg: string; pubkey_b64: string }[] };
    expect(shown).toMatchObject({
      kid: key.kid,
      alg: 'hybrid',
      versions: ['#v1'],
      public: key.public,
      trust: 'authenticated',
    });
    expect(shown.public_tracks.map((one) => [one.alg, Buffer.from(one.pubkey_b64, 'base64').length])).toEqual([
      ['ed25519', 32],
      ['ml-dsa', 1952],
    ]);

    const rotated = (await post(`${at}/rotate`, {})).json();
    expect(rotated).toMatchObject({ kid: key.kid.replace('#v1', '#v2'), previous: key.kid });
    const listed = (await get('/keys?tenant=acme')).json() as { keys: object[] };
    expect(listed.keys).toMatchObject([{ kid: key.kid.replace('#v1', '#v2'), versions: ['#v1', '#v2'] }]);
  });

  it('signs and verifies with the documented bodies', async () => {
    const kid = await create();
    const signed = await post('/sign', {
      kid_or_set: { kid },
      payload_b3: B3,
      policy: { produce_hybrid: true },
      op_id: OP_ID,
    });
    expect(signed.status).toBe(200);
    const { sigs } = signed.json() as { sigs: { alg: string; signature_b64: string }[] };
    expect(sigs.map(({ alg }) => alg)).toEqual(['ed25519', 'ml-dsa']);
    expect(signed.json()).toMatchObject({ kid, op_id: OP_ID });

    const verified = await post('/verify', { payload_b3: B3, sigs, policy: { mode: 'and' }, kid_or_set: { kid } });
    expect(verified.json()).toMatchObject({
      ok: true,
      details: { checked: ['ed25519', 'ml-dsa'], satisfied_mode: 'and', required_mode: 'and', refusal: null },
      kid,
    });
  });

  it('verifies without a key id among the keys of the tenant, and only a few of them', async () => {
    const kid = await create();
    await create({ purpose: 'other' });
    const { sigs } = (await post('/sign', { kid_or_set: { kid }, payload_b3: B3 })).json() as { sigs: object[] };
    const body = { payload_b3: B3, sigs, policy: { mode: 'or' } };
    expect((await post('/verify', body, 'only-verify')).json()).toMatchObject({ ok: true, kid });
    expect((await post('/verify', { ...body, kid_or_set: { kid: kid.split('#')[0] } })).json()).toMatchObject({
      ok: true,
      kid,
    });
    for (let i = 0; i < 7; i++) await create({ purpose: `more${i}` });
    const refused = await post('/verify', body);
    expect(refused.status).toBe(400);
    expect(refused.json()).toMatchObject({
      error: { code: 'BadRequest', field: 'kid_or_set', ron_code: 'InvalidValue', retryable: false },
    });
  });

  it('a mode tighter than the one in force tightens the answer', async () => {
    const kid = await create();
    const { sigs } = (await post('/sign', { kid_or_set: { kid }, payload_b3: B3 })).json() as {
      sigs: { alg: string; signature_b64: string }[];
    };
    const broken = sigs.map((one) =>
      one.alg === 'ml-dsa' ? { ...one, signature_b64: `AAAA${one.signature_b64.slice(4)}` } : one,
    );
    const ask = async (mode?: string) =>
      (
        await post('/verify', {
          payload_b3: B3,
          sigs: broken,
          kid_or_set: { kid },
          ...(mode === undefined ? {} : { policy: { mode } }),
        })
      ).json();
    expect(await ask()).toMatchObject({ ok: true });
    expect(await ask('or')).toMatchObject({ ok: true });
    expect(await ask('and')).toMatchObject({
      ok: false,
      details: { required_mode: 'and', satisfied_mode: 'or', refusal: 'VerificationFailed' },
    });
    expect(await ask('pq_only')).toMatchObject({ ok: false, details: { required_mode: 'pq_only' } });
  });

  it('wraps and unwraps a data key', async () => {
    const kid = await create({ alg: 'hybrid-kem' });
    const plaintext_key_b64 = Buffer.alloc(32, 7).toString('base64');
    const wrapped = (await post('/wrap', { kid, plaintext_key_b64, kem_mode: 'hybrid' })).json() as {
      wrapped_b64: string;
    };
    expect(wrapped).toMatchObject({ alg: 'hybrid(x25519+ml-kem)', kid });
    const opened = await post('/unwrap', { kid, wrapped_b64: wrapped.wrapped_b64 });
    expect(opened.json()).toMatchObject({ plaintext_key_b64, alg: 'hybrid(x25519+ml-kem)', kid });
    const random = (await post('/wrap', { kid, size: 16 })).json() as { wrapped_b64: string };
    const key = (await post('/unwrap', { kid, wrapped_b64: random.wrapped_b64 })).json() as {
      plaintext_key_b64: string;
    };
    expect(Buffer.from(key.plaintext_key_b64, 'base64')).toHaveLength(16);
    const both = await post('/wrap', { kid, size: 16, plaintext_key_b64 });
    expect(both.json()).toMatchObject({ error: { code: 'BadRequest', field: 'plaintext_key_b64' } });
    const classical = await post('/wrap', { kid, size: 16, kem_mode: 'x25519' });
    expect([classical.status, classical.json()]).toMatchObject([400, { error: { code: 'Unsupported' } }]);
  });
});
