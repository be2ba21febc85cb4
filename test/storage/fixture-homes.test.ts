// Every home of an earlier release opens, verifies, and goes on (I-45).

import { chmodSync, cpSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AuditVerifyResult } from '../../src/operations/audit/verify-result.ts';
import type { KmsListResult } from '../../src/operations/kms/list.ts';
import type { KmsVerifyResult } from '../../src/operations/kms/verify.ts';
import type { StoreStatusResult } from '../../src/operations/store/status.ts';
import { PROJECT, TestHome } from '../support/binary.ts';

const FIXTURES = join(PROJECT, 'test', 'fixtures', 'homes');
const versions = readdirSync(FIXTURES);

function makePrivate(path: string): void {
  const directory = lstatSync(path).isDirectory();
  chmodSync(path, directory ? 0o700 : 0o600);
  if (directory) for (const name of readdirSync(path)) makePrivate(join(path, name));
}

describe.each(versions)('the home of ronctl %s', (version) => {
  const home = new TestHome();
  afterAll(() => home.remove());
  const fixture = join(FIXTURES, version);
  cpSync(join(fixture, 'home'), home.path, { recursive: true });
  makePrivate(home.path);
  for (const name of readdirSync(fixture)) {
    if (statSync(join(fixture, name)).isFile()) home.write(name, readFileSync(join(fixture, name)));
  }
  const pass = (name: string): string[] => ['--passphrase-file', home.write(`${name}.pass`, `pass of ${name}\n`)];
  const kidOf = (file: string): string => (JSON.parse(home.read(file).toString()) as { kid: string }).kid;
  const verify = (file: string) => home.json<KmsVerifyResult>(['kms', 'verify', '--file', 'payload', '--sig', file]);

  it('verifies without a passphrase', async () => {
    const audit = await home.json<AuditVerifyResult>(['audit', 'verify']);
    expect(audit.data).toMatchObject({ verdict: 'consistent', trust: 'pinned' });
    const governance = await home.run(['governance', 'verify', '--all']);
    expect(governance.exit, governance.stdout + governance.stderr).toBe(0);
    const status = await home.json<StoreStatusResult>(['store', 'status', '--strict']);
    expect(status.data?.trust).toBe('authenticated');
    const list = await home.json<KmsListResult>(['kms', 'list', '--strict']);
    expect(list.data?.keys).toHaveLength(2);
  });

  it('its old signatures verify, its wrapped key opens', async () => {
    expect((await verify('second.sig')).data?.accepted).toBe(true);
    expect((await verify('first.sig')).data?.signatures.every((one) => one.valid)).toBe(true);
    const kid = (await home.json<KmsListResult>(['kms', 'list'])).data!.keys.find(
      (one) => one.alg === 'hybrid-kem',
    )!.kid;
    const unwrap = [
      'kms',
      'unwrap',
      kid,
      '--file',
      'secret.ronw',
      '--out',
      'opened',
      '--confirm-time',
      ...pass('store'),
    ];
    expect((await home.run(unwrap)).exit).toBe(0);
    expect(home.read('opened')).toEqual(home.read('secret'));
  });

  it('its signers open, and its signer backup', async () => {
    for (const id of ['alice', 'bob', 'carol']) {
      await home.json(['signer', 'show', id]);
      await home.json(['signer', 'rotate', id, '--dry-run', ...pass(id)]);
    }
    const fresh = ['--new-passphrase-file', home.write('new.pass', 'a new one\n')];
    const elsewhere = { env: { RONCTL_HOME: home.file('elsewhere') } };
    await home.json(['signer', 'restore', 'bob.backup', ...pass('paper'), ...fresh], 0, elsewhere);
  });

  it('goes on: signs, rotates, checkpoints, and still verifies', async () => {
    const kid = kidOf('second.sig').split('#')[0]!;
    const unseal = ['--confirm-time', ...pass('store')];
    await home.json(['kms', 'rotate', kid, ...unseal]);
    await home.json(['kms', 'sign', kid, '--file', 'payload', '--out', 'third.sig', ...unseal]);
    expect((await verify('third.sig')).data?.accepted).toBe(true);
    await home.json(['audit', 'checkpoint', ...unseal]);
    const audit = await home.json<AuditVerifyResult>(['audit', 'verify']);
    expect(audit.data?.verdict).toBe('consistent');
    expect((await home.run(['governance', 'verify', '--all'])).exit).toBe(0);
    await home.json(['store', 'reseal', ...pass('store')]);
  });
});
