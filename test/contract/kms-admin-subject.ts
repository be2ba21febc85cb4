// What the contract suites of the admin ports get: all ports of one served, governed store, the signers beside it, and what
// the process itself knows, for comparison. A caller is always a capability, because that is what every implementation has.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { TrustedLog } from '../../src/audit/checkpoint.ts';
import type { Kms, ServiceState } from '../../src/kms/admin-ports.ts';
import type { Call, Caller } from '../../src/kms/ports.ts';
import type { GovernedStore } from '../support/governed-store.ts';
import { call, capability, refused } from './kms-subject.ts';

export interface AdminSubject {
  readonly kms: Kms;
  readonly world: GovernedStore;
  readonly log: TrustedLog;
  state(): ServiceState;
  publish(topic: 'kms.health' | 'governance.executed', data: Readonly<Record<string, unknown>>): void;
  nowMs(): number;
  /** Lets the clock of the service run until it is done. */
  soon<T>(promise: Promise<T>): Promise<T>;
}

export type MakeAdminSubject = () => Promise<AdminSubject>;

export const OPERATOR = capability(['kms:admin', 'kms:audit', 'kms:govern', 'kms:read'], ['_instance']);
export const READER = capability(['kms:read'], ['_instance']);
/** Everything, of a tenant. */
export const TENANT = capability(['kms:admin', 'kms:audit', 'kms:govern', 'kms:read'], ['acme']);

export const asOperator = (change: Partial<Call> = {}): Call => call(OPERATOR, change);

/** Takes what the signers wrote, as a client elsewhere sends it. */
export function inboxFiles({ home }: GovernedStore): Uint8Array[] {
  const directory = join(home, 'inbox');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(directory, name))));
}

/** Proposed, submitted, approved by two, submitted. */
export async function approved(of: AdminSubject, changes: readonly string[] = ['pq_mode=and']) {
  const { kms, world } = of;
  const proposed = await world.propose({ changes });
  await of.soon(kms.governance.submit({ files: inboxFiles(world) }, asOperator()));
  for (const signer of ['alice', 'bob']) await world.vote('approve', signer, proposed);
  await of.soon(kms.governance.submit({ files: inboxFiles(world) }, asOperator()));
  return proposed;
}

export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const one of stream) out.push(one);
  return out;
}

export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** Each of the calls is refused with this code for this caller, whatever it names. */
export async function eachRefused(
  code: string,
  caller: Caller,
  asked: Readonly<Record<string, (call: Call) => Promise<unknown>>>,
): Promise<void> {
  for (const [name, ask] of Object.entries(asked))
    expect([name, (await refused(ask(call(caller)))).code]).toEqual([name, code]);
}
