// A governed home made by the real binary, with one key, one proposal in the inbox and one signature: the ground of the
// tests that feed commands with broken files.

import { expect } from 'vitest';
import type { TestHome } from './binary.ts';
import { makeSigners, makeStore } from './floor-home.ts';

export interface StoryHome {
  readonly kid: string;
  readonly proposal: { readonly id: string; readonly digest: string };
}

/** Runs a command as JSON; it must succeed. */
export async function done<T>(home: TestHome, argv: readonly string[]): Promise<T> {
  const run = await home.run([...argv, '--json']);
  expect(run.exit, `ronctl ${argv.join(' ')}\n${run.stdout}\n${run.stderr}`).toBe(0);
  return (JSON.parse(run.stdout) as { data: T }).data;
}

/** Signers alice, bob and carol, custody store, quorum 2 of 3; `payload`, signed into `bundle`; `request`, of the proposal. */
export async function makeStoryHome(home: TestHome): Promise<StoryHome> {
  const pass = (name: string): string[] => ['--passphrase-file', `${name}=${home.passphrase(name)}`];
  await makeSigners(home, 'alice', 'bob', 'carol');
  await makeStore(home);
  const members = 'policy-owner=alice,security-officer=bob,custodian=carol';
  const everyone = ['alice', 'bob', 'carol', 'store'].flatMap(pass);
  await done(home, ['governance', 'init', '--members', members, '--threshold', '2', ...everyone]);
  const key = ['--tenant', 'acme', '--purpose', 'release', '--alg', 'ed25519', '--new-tenant'];
  const { kid } = await done<{ kid: string }>(home, ['kms', 'create', ...key, ...pass('store')]);
  home.write('payload', 'release 1\n');
  await done(home, ['kms', 'sign', kid, '--file', 'payload', '--out', 'bundle', ...pass('store')]);
  const change = ['--scope', 'tenant:acme', '--change', 'pq_mode=and', '--rationale', 'cutover', '--signer', 'alice'];
  const { proposal } = await done<{ proposal: { id: string; digest: string } }>(home, [
    'governance',
    'propose',
    ...change,
    ...pass('alice'),
  ]);
  await done(home, ['governance', 'export', proposal.id, '--out', 'request']);
  return { kid: kid.replace(/#v\d+$/, ''), proposal: { id: proposal.id, digest: proposal.digest } };
}
