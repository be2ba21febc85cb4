// Who may call what (service page 1). `local` is whoever could unseal the store: every scope. A capability needs the scope
// and the tenant of the key. `system` acts for resumed intents, timers and checkpoints and never asks for a key operation.
// Refuses: NoCapability never here (the transport did), Denied (21) for a call outside the capability.

import { fail } from '../../errors.ts';
import type { Call } from '../ports.ts';

export type KeyScope = 'kms:read' | 'kms:rotate' | 'kms:sign' | 'kms:unwrap' | 'kms:verify' | 'kms:wrap';

/** Throws Denied. */
export function authorise(call: Call, scope: KeyScope, tenant: string): void {
  const { caller } = call;
  if (caller.kind === 'local') return;
  if (caller.kind === 'system') fail('Denied', `the system itself never asks for ${scope}`);
  if (!caller.scopes.includes(scope)) fail('Denied', `the capability does not carry the scope ${scope}`);
  if (!caller.tenants.includes(tenant)) fail('Denied', `the capability is not for tenant ${tenant}`);
}

/** The `actor` of an audit record (log page 4.3). */
export function actorOf(call: Call): string {
  const { caller } = call;
  switch (caller.kind) {
    case 'local':
      return `local:${caller.uid}:${caller.login}`;
    case 'capability':
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
