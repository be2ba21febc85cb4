// `ronctl cap` beside a running server: made in its home and registered by its socket, minted by it, revoked by it. What is
// refused afterwards is refused by the server.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { CapListResult } from '../../src/operations/cap/list.ts';
import type { CapMintResult } from '../../src/operations/cap/mint.ts';
import type { CapRegisterResult } from '../../src/operations/cap/register.ts';
import type { CapVerifyResult } from '../../src/operations/cap/verify.ts';
import { type TestHome, temporaryHome } from '../support/binary.ts';
import { makeStore } from '../support/floor-home.ts';
import { http, startServer } from '../support/server.ts';

const CONFIG = '[service]\nbackend = "file"\n';

async function served(): Promise<{
  home: TestHome;
  pass: string[];
  /** Status and message of a list of keys. */
  keys: (file: string) => Promise<[number, string]>;
  stop: () => Promise<number>;
}> {
  const home = temporaryHome();
  const pass = ['--passphrase-file', home.passphrase('store')];
  await makeStore(home);
  home.write('home/ron-kms.toml', CONFIG);
  const server = await startServer(home, []);
  const keys = async (file: string): Promise<[number, string]> => {
    const token = home.read(file).toString().trimEnd();
    const { status, body } = await http(server.ready.socket!, { path: '/v1/kms/keys', token });
    return [status, status === 200 ? '' : (JSON.parse(body) as { error: { message: string } }).error.message];
  };
  return { home, pass, keys, stop: () => server.stop() };
}

it('mint in the home, mint by the server, register, list, revoke, rotate; the operator keeps its access', async () => {
  const { home, pass, keys, stop } = await served();
  const cap = home.file('home/run/operator.cap');
  expect(statSync(cap).mode & 0o777).toBe(0o600);
  const mint = async (...more: string[]): Promise<CapMintResult> =>
    (await home.json<CapMintResult>(['cap', 'mint', '--tenant', 'acme', ...more])).data!;
  const list = async (): Promise<CapListResult> =>
    (await home.json<CapListResult>(['cap', 'list', '--all', '--kms', 'local'])).data!;

  const here = await mint('--new-tenant', '--scope', 'read', '--scope', 'sign', '--out', 'here.cap', ...pass);
  const there = await mint('--scope', 'read', '--out', 'there.cap', '--kms', 'local');
  const later = await mint('--scope', 'read', '--no-register', '--out', 'later.cap', ...pass);
  expect([here.registered, there.registered, later.registered]).toEqual([true, true, false]);
  expect((await list()).capabilities.map(({ id }) => id)).not.toContain(later.id);
  expect(await keys('later.cap')).toEqual([401, expect.stringContaining('not registered')]);
  const registered = await home.json<CapRegisterResult>(['cap', 'register', 'later.cap']);
  expect(registered.data).toMatchObject({ id: later.id, by: 'server' });
  for (const file of ['here.cap', 'there.cap', 'later.cap']) expect(await keys(file)).toEqual([200, '']);

  // A tenant's capability opens no published file: the keys are what the server says.
  const seen = await home.run(['kms', 'list', '--kms', 'local', '--token-file', 'there.cap']);
  expect([seen.exit, seen.stderr]).toEqual([0, expect.stringContaining('as the server says')]);

  const minter = (await list()).capabilities.find(({ id }) => id === there.id)!.minted_by;
  expect(minter).toMatch(/^cap:1:/);
  const beyond = ['cap', 'mint', '--tenant', 'acme', '--scope', 'govern', '--out', 'x.cap', '--kms', 'local'];
  expect((await home.json(beyond, 21)).error).toMatchObject({
    code: 'Denied',
    message: expect.stringContaining('kms:govern'),
  });
  expect(existsSync(home.file('x.cap'))).toBe(false);

  // Beside the server, without its lock.
  const verified = await home.json<CapVerifyResult>(['cap', 'verify', 'here.cap', ...pass]);
  expect(verified.data?.verdict).toBe('valid');

  await home.json(['cap', 'revoke', here.id!, '--kms', 'local']);
  expect(await keys('here.cap')).toEqual([401, expect.stringContaining('revoked')]);
  const before = readFileSync(cap, 'utf8');
  await home.json(['cap', 'rotate', '--now', '--kms', 'local']);
  expect(await keys('there.cap')).toEqual([401, expect.stringContaining('root that is gone')]);
  while (readFileSync(cap, 'utf8') === before) await new Promise((resolve) => setTimeout(resolve, 50));
  expect((await list()).capabilities.filter(({ state }) => state === 'active').map(({ sub }) => sub)).toEqual([
    'operator',
  ]);

  expect(await stop()).toBe(0);
  expect(existsSync(cap)).toBe(false);
  const { data } = await home.json<CapListResult>(['cap', 'list', '--all', ...pass]);
  expect(data!.capabilities.filter(({ state }) => state === 'active')).toEqual([]);
  expect((await home.json<{ verdict: string }>(['audit', 'verify'])).data?.verdict).toBe('consistent');
});
