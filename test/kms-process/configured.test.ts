// What a configuration keeps tighter counts in that server, and a looser one does not start: with real processes.

import { describe, expect, it } from 'vitest';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { tryServer } from '../support/server.ts';
import { done } from '../support/story-home.ts';

const home = temporaryHome();

describe('a governed home', () => {
  it('a server keeps the tighter list of algorithms and the tighter mode; offline the ledger alone decides', async () => {
    const pass = (name: string): string[] => ['--passphrase-file', `${name}=${home.passphrase(name)}`];
    await makeStore(home);
    await makeSigners(home, 'alice', 'bob');
    const members = ['--members', 'policy-owner=alice,security-officer=bob', '--threshold', '2'];
    await done(home, ['governance', 'init', ...members, ...['alice', 'bob', 'store'].flatMap(pass)]);

    const looser = await tryServer(home, ['--pq-rollout', '100'], { env: { RON_KMS_CAPS_MAX_TTL_S: '901' } });
    expect([looser.server, looser.exit]).toEqual([null, 3]);
    expect(looser.stdout + looser.stderr).toContain('caps.max_ttl_s = 901 is not within 900');

    const env = { RON_KMS_ALLOWED_ALGS: 'ml-dsa', RON_KMS_PQ_VERIFY_MODE: 'and' };
    const { server, stderr } = await tryServer(home, [], { env });
    expect(server, stderr).not.toBeNull();
    const mint = ['cap', 'mint', '--tenant', 'acme', '--new-tenant', '--scope', 'kms:rotate', '--out', 'cap'];
    await done(home, [...mint, ...pass('store')]);
    const online = ['--kms', 'local', '--token-file', 'cap'];
    const key = (alg: string) => ['kms', 'create', '--tenant', 'acme', '--purpose', 'p', '--new-tenant', '--alg', alg];
    const { error } = await home.json([...key('ed25519'), ...online], 16);
    expect([error?.code, error?.message]).toEqual(['PolicyRefused', expect.stringContaining('ed25519')]);
    await home.json([...key('ml-dsa'), ...online]);
    const { data } = await home.json<{ pq: { phase: number } }>(['policy', 'inspect']);
    expect(data!.pq.phase).toBe(1);
    expect(await server!.stop()).toBe(0);
    await home.json([...key('ed25519'), ...pass('store')]);
  });
});
