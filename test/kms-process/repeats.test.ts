// Repetitions over a kill -9: a client that lost its answer asks the next server the same with the same op_id. What writes once
// gives the recorded answer, an equal effect a second time never; another request under the op_id is a conflict. Signing,
// wrapping and unwrapping are done again after a restart, under records of their own (ronctl-http.7).

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryHome } from '../support/binary.ts';
import { governHome } from '../support/governed-home.ts';
import { ALL_OF_A_TENANT, auditRecords, http, type Server, startServer } from '../support/server.ts';

const home = temporaryHome();
const B3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';

type Json = Readonly<Record<string, unknown>>;

interface Asked {
  readonly name: string;
  readonly path: string;
  readonly token?: string;
  readonly body: Json;
  /** Another request, for the same op_id. */
  readonly other?: Json;
}

interface Answered {
  readonly status: number;
  readonly json: Json;
}

const ask = async (server: Server, { path, token, body }: Asked): Promise<Answered> => {
  const request = { path: `/v1/kms${path}`, body, ...(token === undefined ? {} : { token }) };
  const answer = await http(server.ready.socket!, request);
  return { status: answer.status, json: JSON.parse(answer.body) as Json };
};

/** Without what says when or where it was answered. */
const lasting = ({ audit: _record, checkpoint: _place, replayed: _again, ...said }: Json): Json => said;

const mint = async (name: string, tenant: string, scopes: readonly string[], more: readonly string[] = []) => {
  const out = home.file(`${name}.cap`);
  const asked = scopes.flatMap((scope) => ['--scope', scope]);
  const argv = ['cap', 'mint', '--tenant', tenant, ...asked, '--out', out, '--new-tenant', ...more];
  const { data } = await home.json<{ readonly id: string }>([...argv, '--passphrase-file', home.passphrase('store')]);
  return { token: readFileSync(out, 'utf8').trim(), id: data!.id };
};

const exp = (): string => `exp = ${new Date(Date.now() + 300_000).toISOString()}`;

const inbox = (): string[] => {
  const directory = join(home.path, 'inbox');
  const names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  return names.map((name) => readFileSync(join(directory, name)).toString('base64'));
};

beforeAll(async () => {
  await governHome(home);
});

describe('the same request with the same op_id, before and after kill -9', () => {
  it('has its effect once, and another request under the op_id has none', async () => {
    const admin = await mint('admin', '_instance', ['admin', 'audit', 'govern', 'read']);
    const acme = await mint(
      'acme',
      'acme',
      ALL_OF_A_TENANT.map((scope) => scope.slice('kms:'.length)),
    );
    const minter = await mint('minter', 'acme', ['admin', 'sign']);
    const loser = await mint('loser', 'acme', ['read']);
    const waiting = await mint('waiting', 'acme', ['read'], ['--no-register']);
    const as = (id: string): string[] => ['--signer', id, '--passphrase-file', home.passphrase(id)];
    const wish = ['--scope', 'global', '--change', 'caps.max_ttl_s=600', '--rationale', 'a test'];
    const { data } = await home.json<{ readonly proposal: { readonly id: string; readonly digest: string } }>([
      'governance',
      'propose',
      ...wish,
      ...as('alice'),
    ]);
    const { id, digest } = data!.proposal;
    for (const who of ['alice', 'bob']) {
      await home.json(['governance', 'approve', id, '--expect-digest', digest, ...as(who)]);
    }
    const files_b64 = inbox();
    expect(files_b64.length).toBeGreaterThan(0);

    const first = await startServer(home);
    const key = { tenant: 'acme', purpose: 'release', new_tenant: true };
    const setup = async (alg: string): Promise<string> => {
      const made = await ask(first, { name: alg, path: '/keys', token: acme.token, body: { ...key, alg } });
      expect(made.status, JSON.stringify(made.json)).toBe(200);
      return String(made.json['kid']);
    };
    const [signer, wrapper] = [await setup('ed25519'), await setup('hybrid-kem')];
    const base = signer.split('#')[0]!;
    const envelope = await ask(first, {
      name: 'wrap',
      path: '/wrap',
      token: acme.token,
      body: { kid: wrapper, size: 32 },
    });
    const named = (body: Json): Json => ({ ...body, op_id: randomUUID() });
    const keyPath = `/keys/${encodeURIComponent(base)}`;
    const caveats = ['tenant = acme', 'scope = kms:sign', exp()];

    const mutations: readonly Asked[] = [
      {
        name: 'create',
        path: '/keys',
        token: acme.token,
        body: named({ ...key, alg: 'ed25519' }),
        other: { purpose: 'other' },
      },
      { name: 'rotate', path: `${keyPath}/rotate`, token: acme.token, body: named({}) },
      {
        name: 'mint',
        path: '/caps/mint',
        token: minter.token,
        body: named({ caveats, once: false }),
        other: { once: true },
      },
      { name: 'register', path: '/caps/register', body: named({ token: waiting.token }) },
      {
        name: 'revoke',
        path: '/caps/revoke',
        token: admin.token,
        body: named({ id: loser.id }),
        other: { id: acme.id },
      },
      {
        name: 'rotate caps',
        path: '/caps/rotate',
        token: admin.token,
        body: named({ now: false }),
        other: { now: true },
      },
      { name: 'submit', path: '/governance/submit', token: admin.token, body: named({ files_b64 }) },
      { name: 'execute', path: `/governance/proposals/${id}/execute`, token: admin.token, body: named({}) },
      {
        name: 'tune',
        path: '/governance/tune',
        token: admin.token,
        body: named({ scope: 'global', key: 'caps.max_active', to: 110 }),
        other: { to: 105 },
      },
    ];
    const uses: readonly Asked[] = [
      { name: 'sign', path: '/sign', token: acme.token, body: named({ kid_or_set: { kid: base }, payload_b3: B3 }) },
      { name: 'wrap', path: '/wrap', token: acme.token, body: named({ kid: wrapper, size: 32 }) },
      {
        name: 'unwrap',
        path: '/unwrap',
        token: acme.token,
        body: named({ kid: wrapper, wrapped_b64: envelope.json['wrapped_b64'] }),
      },
      { name: 'attest', path: `${keyPath}/attest`, token: acme.token, body: named({}) },
    ];

    const before = new Map<string, Answered>();
    for (const one of [...mutations, ...uses]) {
      const answer = await ask(first, one);
      expect([one.name, answer.status], JSON.stringify(answer.json)).toEqual([one.name, 200]);
      before.set(one.name, answer);
    }
    first.signal('SIGKILL');
    expect(await first.exit()).toBe(137);
    const killed = auditRecords(home);

    const second = await startServer(home);
    for (const one of mutations) {
      const again = await ask(second, one);
      expect([one.name, again.status], JSON.stringify(again.json)).toEqual([one.name, 200]);
      if (one.name === 'submit') {
        expect(again.json['names']).toEqual(before.get(one.name)!.json['names']);
        expect(again.json['ingest']).toMatchObject({ ingested: [], refused: [] });
      } else expect([one.name, lasting(again.json)]).toEqual([one.name, lasting(before.get(one.name)!.json)]);
      if (one.other !== undefined) {
        const conflict = await ask(second, { ...one, body: { ...one.body, ...one.other } });
        expect([one.name, conflict.status], JSON.stringify(conflict.json)).toEqual([one.name, 409]);
        expect((conflict.json['error'] as Json)['field']).toBe('op_id');
      }
    }
    for (const one of uses) {
      const again = await ask(second, one);
      expect([one.name, again.status], JSON.stringify(again.json)).toEqual([one.name, 200]);
    }
    const keys = await http(second.ready.socket!, { path: `/v1/kms${keyPath}`, token: acme.token });
    expect((JSON.parse(keys.body) as Json)['versions']).toEqual(['#v1', '#v2']);
    expect(await second.stop()).toBe(0);

    const records = auditRecords(home);
    for (const { name, body } of mutations) {
      const of = (all: typeof records): readonly string[] =>
        all.filter(({ op_id }) => op_id === body['op_id']).map(({ op }) => op);
      expect([name, of(records)]).toEqual([name, of(killed)]);
    }
    for (const { name, body } of uses) {
      const ops = records.filter(({ op_id }) => op_id === body['op_id']).map(({ op }) => op);
      expect([name, ops]).toEqual([name, [name, name]]);
    }
    expect((await home.json<{ readonly verdict: string }>(['audit', 'verify'])).data?.verdict).toBe('consistent');
  });
});
