// The server's configuration in a governed home (R-34, C-74): what nobody sets follows the ledger, looser is refused.

import { beforeAll, describe, expect, it } from 'vitest';
import type { ConfigCheckResult } from '../../src/operations/config/check.ts';
import type { ConfigGetResult } from '../../src/operations/config/get.ts';
import type { PolicyCheckResult } from '../../src/operations/policy/check.ts';
import { temporaryHome } from '../support/binary.ts';
import { makeSigners, makeStore } from '../support/floor-home.ts';
import { done } from '../support/story-home.ts';

const home = temporaryHome();

beforeAll(async () => {
  const pass = (name: string): string[] => ['--passphrase-file', `${name}=${home.passphrase(name)}`];
  await makeStore(home);
  await makeSigners(home, 'alice', 'bob');
  const members = ['--members', 'policy-owner=alice,security-officer=bob', '--threshold', '2'];
  const set = ['--set', 'caps.max_ttl_s=600', '--set', 'pq_mode=and'];
  await done(home, ['governance', 'init', ...members, ...set, ...['alice', 'bob', 'store'].flatMap(pass)]);
});

const check = (env: Readonly<Record<string, string>>, exit: number) =>
  home.json<PolicyCheckResult>(['policy', 'check'], exit, { env });

describe('a governed home', () => {
  it('config get shows the values of the ledger, and its file is accepted', async () => {
    const { data } = await home.json<ConfigGetResult>(['config', 'get', 'ron-kms']);
    const ledger = data!.keys.find(({ key }) => key === 'profile')!.origin;
    expect(ledger).toMatch(/^ledger gl-[a-z2-7]+$/);
    expect(data!.keys).toContainEqual({ key: 'caps.max_ttl_s', value: 600, origin: ledger });
    expect(data!.keys).toContainEqual({ key: 'max_conns', value: 1024, origin: 'default' });
    const file = home.write('kms.cfg', data!.text);
    expect((await home.json<ConfigCheckResult>(['config', 'check', file])).data!.valid).toBe(true);
    expect((await home.json<PolicyCheckResult>(['policy', 'check', file])).data).toMatchObject({
      within: true,
      governed: true,
      tighter: [],
    });
  });

  it.each([
    [
      { RON_KMS_CAPS_MAX_TTL_S: '601' },
      'caps.max_ttl_s',
      'RON_KMS_CAPS_MAX_TTL_S: caps.max_ttl_s = 601 is not within 600',
    ],
    [{ KMS_PQ_VERIFY_MODE: 'or' }, 'pq.verify_mode', 'means phase 1 (or), looser than phase 2 (and)'],
    [{ RON_KMS_BACKEND: 'inmem' }, 'service.backend', 'service.backend = inmem is not within file'],
    [{ RON_KMS_ALLOW_SIGN_FALLBACK: '1' }, 'service.allow_sign_fallback', '= true is not within false'],
  ])('policy check refuses %j with 16', async (env, key, message) => {
    const { data, error } = await check(env, 16);
    expect([error?.code, error?.field]).toEqual(['PolicyRefused', key]);
    expect(data!.violations[0]!.message).toContain(message);
  });

  it('policy check accepts a tighter value and names it', async () => {
    const { data } = await check({ RON_KMS_CAPS_MAX_TTL_S: '60', RON_KMS_ALLOWED_ALGS: 'ed25519' }, 0);
    expect(data!.tighter.map(({ key, configured }) => [key, configured])).toEqual([
      ['service.allowed_algs', ['ed25519']],
      ['caps.max_ttl_s', 60],
    ]);
  });

  it('another profile is refused with 3', async () => {
    const { data, error } = await check({ RON_KMS_PROFILE: 'drill' }, 3);
    expect(error?.code).toBe('RefusedConfig');
    expect(data!.refused).toMatchObject([{ key: 'profile', origin: 'RON_KMS_PROFILE' }]);
  });
});
