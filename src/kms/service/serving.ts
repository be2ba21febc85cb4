// What the key ports have in a server and not in a command: shared executions, cached verdicts, recorded outcomes, evidence.

import type { Millis } from '../../host.ts';
import type { Attestations } from './attestations.ts';
import type { Once } from './once.ts';
import type { Outcomes } from './outcomes.ts';
import type { VerifyCache } from './verify-cache.ts';

export interface Serving {
  readonly once: Once;
  readonly verdicts: VerifyCache;
  readonly outcomes: Outcomes;
  readonly attestations: Attestations;
  /** Since when the backend is away; 0 while it is there. */
  materialAgeMs(): Millis;
  /** The newest ledger line; null while ungoverned. */
  policySeq(): number | null;
  /** Outcomes can be recorded now. */
  recording(): boolean;
}
