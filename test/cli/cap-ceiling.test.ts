// A ceiling that a quorum approved, at a running server: what its minter may give from then on, and not before.

import { expect, it } from 'vitest';
import type { CapMintResult } from '../../src/operations/cap/mint.ts';
import { temporaryHome } from '../support/binary.ts';
import { carryOut, governHome } from '../support/governed-home.ts';
import { startServer } from '../support/server.ts';

it('the holder of a named capability mints within the approved ceiling', async () => {
  const home = temporaryHome();
  const pass = ['--passphrase-file', home.passphrase('store')];
  await governHome(home);
  const key = ['--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  await home.json(['kms', 'create', ...key, ...pass]);
  const admin = ['--tenant', '_instance', '--scope', 'admin', '--sub', 'dispatcher', '--out', 'admin.cap'];
  const base = ['--expires', '2m', '--kms', 'local', '--token-file', 'admin.cap'];
  const mint = (tenant: string, scope: string, out: string, exit: number, ...more: string[]) =>
    home.json<CapMintResult>(
      ['cap', 'mint', '--tenant', tenant, '--scope', scope, '--out', out, ...base, ...more],
      exit,
    );

  const first = await startServer(home, ['--backend', 'file']);
  await home.json(['cap', 'mint', ...admin, ...pass]);
  expect((await mint('acme', 'sign', 'no.cap', 21)).error?.message).toContain('need a ceiling');
  // Being governed, the server implies none for its operator either.
  const byOperator = ['cap', 'mint', '--tenant', 'acme', '--scope', 'sign', '--out', 'no.cap', '--kms', 'local'];
  expect((await home.json(byOperator, 21)).error?.message).toContain('need a ceiling');
  expect(await first.stop()).toBe(0);

  const ceiling = {
    minter: 'dispatcher',
    tenants: ['acme'],
    scopes: ['kms:sign', 'kms:verify'],
    max_ttl_s: 120,
    max_active: 1,
  };
  await carryOut(home, ['governance', 'propose', '--action', `ceiling:${JSON.stringify(ceiling)}`]);

  await startServer(home, ['--backend', 'file']);
  const { data } = await mint('acme', 'sign', 'yes.cap', 0);
  expect(data).toMatchObject({ tenants: ['acme'], scopes: ['kms:sign'], registered: true });
  for (const [tenant, scope, more, code, why] of [
    ['acme', 'unwrap', [], 'Denied', 'scope beyond the ceiling'],
    ['other', 'sign', ['--new-tenant'], 'Denied', 'tenant beyond the ceiling'],
    ['acme', 'sign', [], 'LimitReached', 'ceiling of dispatcher'],
  ] as const) {
    const exit = code === 'Denied' ? 21 : 16;
    expect((await mint(tenant, scope, 'no.cap', exit, ...more)).error).toMatchObject({
      code,
      message: expect.stringContaining(why),
    });
  }
});
