// Who may call what (service page 1, 2). `local` is whoever could unseal the store: every scope. A capability needs the scope,
// the tenant, and everything its caveats narrow; `_instance` is the tenant of what belongs to none. `system` acts for resumed
// intents, timers and checkpoints and never asks for a key operation.
// Asked before any look-up of a key, with what the request itself names, so that known and unknown keys of a foreign tenant
// get the same answer (GAP-78). Refuses: Denied (21); NoCapability when the capability has ended since the transport took it.

import { type CapabilityScope, INSTANCE } from '../../capability/caveats.ts';
import { covers } from '../../capability/effective.ts';
import { fail } from '../../errors.ts';
import { type KeyId, parseKeyId } from '../../keys/key-id.ts';
import type { Call, Caller, Work } from '../ports.ts';

export type KeyScope = 'kms:read' | 'kms:rotate' | 'kms:sign' | 'kms:unwrap' | 'kms:verify' | 'kms:wrap';

/** What a request is about: a key, or a key that is to be made, or a tenant. */
export type Target = KeyId | { readonly tenant: string; readonly purpose?: string; readonly alg?: string };

export type Bearer = Extract<Caller, { kind: 'capability' }>;

/** Operations that leave no record of their own: a one-time capability would never be spent by them. */
export const UNRECORDED_SCOPES: readonly string[] = ['kms:audit', 'kms:read', 'kms:verify'];

function scopeRefusal({ scopes, narrowed }: Bearer, scope: CapabilityScope, leavesRecord: boolean): string | null {
  if (!scopes.includes(scope)) return `does not carry the scope ${scope}`;
  const isSpent = leavesRecord && !UNRECORDED_SCOPES.includes(scope);
  return narrowed?.once === true && !isSpent ? 'is for one use, and this leaves no record that would spend it' : null;
}

/** Why a capability is not for the target; null when it is. */
function targetRefusal({ tenants, narrowed }: Bearer, target: Target): string | null {
  if (!tenants.includes(target.tenant)) return `is not for tenant ${target.tenant}`;
  const { algs, purposes, kid } = narrowed ?? {};
  if (purposes !== undefined && (target.purpose === undefined || !purposes.includes(target.purpose))) {
    return 'is not for keys of this purpose';
  }
  if (algs !== undefined && (target.alg === undefined || !algs.includes(target.alg))) {
    return 'is not for keys of this algorithm';
  }
  if (kid === undefined) return null;
  const named = parseKeyId(kid);
  return named !== null && 'kid' in target && covers(named, target) ? null : 'is for another key';
}

function nonceRefusal({ narrowed }: Bearer, call: Call): string | null {
  const { nonce } = narrowed ?? {};
  return nonce === undefined || nonce === call.opId ? null : 'is for another operation id';
}

/** The next command for whoever can unseal the store, with the tenant that the request is about. */
export const mintHint = (scope: CapabilityScope, tenant: string): string =>
  `Who holds the store: \`ronctl cap mint --scope ${scope.slice('kms:'.length)} --tenant ${tenant} --out FILE\`; then give --token-file FILE.`;

const deny = (why: string, hint: string): never => fail('Denied', `the capability ${why}`, { hint });

function refuse(call: Call, caller: Bearer, scope: CapabilityScope, target: Target | null, leavesRecord = true): void {
  const why =
    scopeRefusal(caller, scope, leavesRecord) ??
    (target === null ? instanceRefusal(caller) : targetRefusal(caller, target)) ??
    nonceRefusal(caller, call);
  if (why !== null) deny(why, mintHint(scope, target?.tenant ?? INSTANCE));
  caller.live?.check(call.opId);
}

function instanceRefusal({ tenants, narrowed }: Bearer): string | null {
  if (!tenants.includes(INSTANCE)) return `is for tenants, and this is of the instance: tenant ${INSTANCE}`;
  return narrowed?.kid === undefined ? null : 'is for one key';
}

/** Throws Denied. */
export function authorise(call: Call, scope: KeyScope, target: Target): void {
  const { caller } = call;
  if (caller.kind === 'local') return;
  if (caller.kind === 'system') fail('Denied', `the system itself never asks for ${scope}`);
  refuse(call, caller, scope, target);
}

/**
 * For what belongs to no tenant: governance, policy of the instance, audit, status. `leavesRecord`: the operation is recorded
 * with its caller as actor. Throws Denied.
 */
export function authoriseInstance(call: Call, scope: CapabilityScope, leavesRecord = true): void {
  const { caller } = call;
  if (caller.kind === 'capability') refuse(call, caller, scope, null, leavesRecord);
}

/** Minting and what belongs to it, before the tenants are looked at. Null: not a bearer. Throws Denied. */
export function authoriseAdmin(call: Call, leavesRecord = true): Bearer | null {
  const { caller } = call;
  if (caller.kind !== 'capability') return null;
  const why = scopeRefusal(caller, 'kms:admin', leavesRecord) ?? nonceRefusal(caller, call);
  if (why !== null) deny(why, mintHint('kms:admin', INSTANCE));
  caller.live?.check(call.opId);
  return caller;
}

/** A list shows what the caller may read, and nothing of the rest. */
export function mayRead(call: Call, target: Target): boolean {
  const { caller } = call;
  if (caller.kind !== 'capability') return caller.kind === 'local';
  return (
    scopeRefusal(caller, 'kms:read', false) === null &&
    targetRefusal(caller, target) === null &&
    nonceRefusal(caller, call) === null
  );
}

/** For streams: throws NoCapability once the capability of the caller, as minted, has expired or was revoked. */
export function refuseEnded(call: Call): void {
  if (call.caller.kind === 'capability') call.caller.live?.stands();
}

/** A stream that ends when the capability of its caller does. */
export async function* whileItStands<T>(call: Call, source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  for await (const one of source) {
    refuseEnded(call);
    yield one;
  }
}

/** What rate and use are counted under: every copy of a capability, however attenuated, shares it. */
export function capabilityKey({ root, id }: { readonly root: number; readonly id: string }): string {
  return `${root}:${id}`;
}

/**
 * The `actor` of an audit record (log page 4.3). Asking for it spends a one-time capability, because the record is its use:
 * ask right before the record is appended. Throws NoCapability when another operation spent it first.
 */
export function actorOf(call: Call): string {
  const { caller } = call;
  switch (caller.kind) {
    case 'local':
      return `local:${caller.uid}:${caller.login}`;
    case 'capability':
      if (call.dryRun !== true) caller.live?.use(call.opId);
      return `cap:${caller.root}:${caller.id}`;
    case 'system':
      return 'system';
    default:
      return caller satisfies never;
  }
}

/** Throws Interrupted when the caller has gone. */
export function refuseAborted(call: Call): void {
  if (call.signal.aborted) fail('Interrupted', 'interrupted before anything was released');
}

/** Runs the work of a call in the place that fairness and queues give it, and gives the place back. */
export async function admitted<T>(call: Call, work: Work, tenant: string, act: () => Promise<T>): Promise<T> {
  const release = await call.admit?.(work, tenant);
  try {
    return await act();
  } finally {
    release?.();
  }
}
