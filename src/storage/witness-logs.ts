// Which logs a witness knows, and by which keys (log page 4.11): those whose genesis this home pins, in every epoch, and
// those that the log lines of a witness policy name with both keys. A pin comes first: a policy cannot give the log of a
// pinned store other keys.

import { createLogVerifier, type LogVerifier, type TrustedLog } from '../audit/checkpoint.ts';
import type { WitnessPolicy } from '../audit/policy.ts';
import { policyLog } from './policy-log.ts';
import { listPins, type ReadDeps, readAuthority } from './trust-pin.ts';
import { pinnedLog } from './trusted-log.ts';

const ORIGIN = /\/([0-9a-f]{32})\/e(?:0|[1-9][0-9]{0,8})$/;

/** The log of a pinned store; null when no pin is of that store. */
function pinned(deps: ReadDeps, origin: string): TrustedLog | null {
  const storeId = ORIGIN.exec(origin)?.[1];
  if (storeId === undefined) return null;
  const found = listPins(deps)
    .map((pin) => readAuthority(deps, pin.ledger_id))
    .find((one) => one.genesis.genesis.store_id === storeId);
  return found === undefined ? null : pinnedLog(found.authority, origin);
}

/** Null for a log that is not known. Throws Tampered for a pin that is, Malformed for keys that are none. */
export function witnessedLog(deps: ReadDeps, policy: WitnessPolicy | null, origin: string): LogVerifier | null {
  const log = pinned(deps, origin) ?? (policy === null ? null : policyLog(policy, origin));
  return log === null ? null : createLogVerifier(log, deps.crypto);
}
