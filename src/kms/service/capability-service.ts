// What the in-process capability service stands on, and what its parts share.

import type { CapabilityIdentifier } from '../../capability/identifier.ts';
import type { Clock, Millis, Random } from '../../host.ts';
import type { Judged } from '../../policy/overlay.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { Call } from '../ports.ts';
import type { Telemetry } from '../telemetry.ts';
import type { CapabilityCaps } from './capability-limits.ts';
import type { CapabilityRegister } from './capability-register.ts';
import type { CapabilityRoots } from './capability-roots.ts';
import type { PolicyInForce } from './key-policy.ts';

export interface CapabilityHome {
  readonly store: CustodyStore;
  readonly random: Random;
  readonly clock: Pick<Clock, 'now'>;
  /** As they are now. */
  readonly policy: () => PolicyInForce;
  readonly judged: () => Judged;
  /** `caps.*` of a server's configuration; where it is looser than the policy, the policy counts. */
  readonly caps?: CapabilityCaps;
  readonly telemetry?: Telemetry;
}

export interface Unrecorded {
  readonly identifier: CapabilityIdentifier;
  readonly caveats: readonly string[];
  readonly call: Call;
}

/** What mint and register work on. */
export interface CapabilityService {
  readonly home: CapabilityHome;
  readonly roots: CapabilityRoots;
  readonly register: CapabilityRegister;
  /** The later of the clock and what it has said before. */
  nowMs(): Millis;
  /** The operator's own, made while the log of a rolled-back store takes no record: recorded when it does. */
  readonly unrecorded: Unrecorded[];
  /** Told after each mint record. */
  minted(tenants: readonly string[]): void;
}
