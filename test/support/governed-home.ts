// A governed home made by the real binary: three signers, a store, an adopted genesis; and a proposal from its writing to its
// execution.

import { expect } from 'vitest';
import type { ProposalDescription } from '../../src/operations/governance/describe.ts';
import type { Profile } from '../../src/policy/profile.ts';
import type { Envelope, TestHome } from './binary.ts';
import { makeSigners, makeStore } from './floor-home.ts';

const MEMBERS = { alice: 'policy-owner', bob: 'security-officer', carol: 'custodian' } as const;

export async function governHome(home: TestHome, profile: Profile = 'dev'): Promise<void> {
  const ids = Object.keys(MEMBERS);
  await makeSigners(home, ...ids);
  await makeStore(home, profile);
  const sources = ['store', ...ids].flatMap((name) => ['--passphrase-file', `${name}=${home.passphrase(name)}`]);
  const members = Object.entries(MEMBERS).map(([id, role]) => `${role}=${id}`);
  await home.json(['governance', 'init', '--members', members.join(','), '--threshold', '2', ...sources]);
}

/** A command that unseals the custody store. */
export function asStore(home: TestHome, argv: readonly string[]): string[] {
  return [...argv, '--passphrase-file', home.passphrase('store')];
}

/** Proposes with `argv` as alice, approves as alice and bob, executes. `exit` is that of the execution. */
export async function carryOut(home: TestHome, argv: readonly string[], exit = 0): Promise<Envelope> {
  const as = (id: string): string[] => ['--signer', id, '--passphrase-file', home.passphrase(id)];
  const proposed = await home.json<{ proposal: ProposalDescription }>([
    ...argv,
    '--rationale',
    'a test',
    ...as('alice'),
  ]);
  const { id, digest } = proposed.data!.proposal;
  expect(id).toMatch(/^gp-/);
  for (const who of ['alice', 'bob']) {
    await home.json(['governance', 'approve', id, '--expect-digest', digest, ...as(who)]);
  }
  return home.json(asStore(home, ['governance', 'execute', id]), exit);
}
