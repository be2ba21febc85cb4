// `--explain`: the request that a command would send, and what its capability must allow. Nothing is opened, asked or sent.

import { describe, expect, test } from 'vitest';
import type { ExplainedRequest } from '../../src/kms-client/explain.ts';
import { temporaryHome } from '../support/binary.ts';

const home = temporaryHome();
const KID = 'acme/release/ed25519/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
const WRAP = 'acme/data/hybrid-kem/5f3c0e6e-8f6c-4b7e-9d5e-0f4f3d6a7b81';
const B3 = 'd74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24';
const OP = '01900000-0000-7000-8000-000000000001';
const GP = `gp-${'a'.repeat(32)}`;

const explain = async (argv: readonly string[]): Promise<ExplainedRequest> => {
  const envelope = await home.json<ExplainedRequest>([...argv, '--explain']);
  expect([envelope.schema, envelope.mode]).toEqual(['ronctl/request/1', 'offline']);
  expect(home.exists()).toBe(false);
  return envelope.data!;
};

describe('the equivalent request', () => {
  test('of kms sign', async () => {
    expect(await explain(['kms', 'sign', KID, '--b3', B3, '--op-id', OP])).toEqual({
      method: 'POST',
      path: '/v1/kms/sign',
      headers: { authorization: 'Bearer <capability>', 'content-type': 'application/json' },
      body: { kid_or_set: { kid: KID }, payload_b3: B3, op_id: OP },
      caveats: ['tenant = acme', 'scope = kms:sign', 'paths = /v1/kms/sign', `kid = ${KID}`],
    });
  });

  test('of kms rotate, whose key is one segment of the path', async () => {
    const { path, caveats } = await explain(['kms', 'rotate', `${KID}#v1`, '--op-id', OP, '--dry-run']);
    expect(path).toBe(`/v1/kms/keys/${encodeURIComponent(`${KID}#v1`)}/rotate`);
    expect(caveats).toEqual(['tenant = acme', 'scope = kms:rotate', `paths = ${path}`, `kid = ${KID}`]);
  });

  test('of kms create takes its tenant from the body', async () => {
    const create = ['kms', 'create', '--tenant', 'ACME', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
    const { caveats, body } = await explain([...create, '--op-id', OP]);
    expect(caveats).toEqual(['tenant = acme', 'scope = kms:rotate', 'paths = /v1/kms/keys']);
    expect(body).toEqual({ tenant: 'acme', purpose: 'release', alg: 'ed25519', new_tenant: true, op_id: OP });
  });

  test('of governance execute belongs to the instance', async () => {
    const { path, caveats } = await explain(['governance', 'execute', GP]);
    expect(path).toBe(`/v1/kms/governance/proposals/${GP}/execute`);
    expect(caveats).toEqual(['tenant = _instance', 'scope = kms:govern', `paths = ${path}`]);
  });

  test('of kms wrap without the key that it wraps', async () => {
    home.write('plain', 'sixteen bytes or more');
    const run = await home.run(['kms', 'wrap', WRAP, '--file', 'plain', '--out', 'e', '--explain', '--json']);
    expect(run.exit, run.stdout + run.stderr).toBe(0);
    expect(run.stdout).toContain('<plaintext_key_b64>');
    expect(run.stdout + run.stderr).not.toContain(Buffer.from('sixteen').toString('base64').slice(0, 8));
  });

  test('for people is what goes over the wire', async () => {
    const run = await home.run(['audit', 'checkpoint', '--explain']);
    expect(run.stdout).toMatch(/^POST \/v1\/kms\/audit\/checkpoint\nauthorization: Bearer <capability>\n/);
    expect(run.stdout).toContain('tenant = _instance');
    expect(run.stdout).toContain('scope = kms:audit');
  });
});

test('what is wrong with the arguments is still said', async () => {
  const { error } = await home.json(['kms', 'sign', KID, '--b3', 'xyz', '--explain'], 3);
  expect(error!.code).toBe('InvalidValue');
});
