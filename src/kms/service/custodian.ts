// What the ports of governance and audit stand on: the unsealed custody of one home, held for a command or for the life of a
// server. One act at a time touches ledger and view (CON-02): state that is read before an await is still true after it.
// Before each act an interrupted execution is finished and the inbox is taken in (store page 6).

import type { Crypto } from '../../crypto/provider.ts';
import type { CheckpointInfo, CustodyStore } from '../../storage/custody-port.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import type { CheckpointPlace } from '../admin-ports.ts';
import type { Call } from '../ports.ts';
import type { ExecutionResult } from './governance-execute.ts';
import type { IngestReport } from './governance-ingest.ts';
import type { LedgerWriter } from './governance-ledger.ts';

/** The unsealed custody during one act. */
export interface Held {
  readonly store: CustodyStore;
  readonly crypto: Crypto;
  readonly context: StoreContext;
  /** What was taken in before this act; null while ungoverned. */
  readonly ingested: IngestReport | null;
  /** The execution that a crash had left, finished before this act. */
  readonly recovered: ExecutionResult | null;
  /** A restore-accept that was judged before this act, in a dry run; null for every other act. */
  readonly judgedRestore: string | null;
  /** Ungoverned (4) when there is no genesis. */
  demandLedger(): LedgerWriter;
}

export interface ActOptions {
  readonly call: Call;
  /** The operator says that the clock is right although it is far beyond the newest entry. */
  readonly confirmTime: boolean;
  /** The proposal that this act executes: a restored store is opened for it alone. */
  readonly accepts?: string;
  /** Runs alone, before the inbox is taken in. */
  readonly before?: (context: StoreContext) => Promise<void>;
}

export interface Custodian {
  /** The service keys that sign receipts of this ledger are somewhere else: nothing executes here. */
  readonly keysElsewhere: boolean;
  /** Runs one act alone. Throws what unsealing throws; MissingAnswer when the clock is far ahead and not confirmed. */
  act<T>(options: ActOptions, use: (held: Held) => Promise<T>): Promise<T>;
  /** Signs the log as it stands after an act; null in a dry run. */
  checkpoint(call: Call): Promise<CheckpointInfo | null>;
}

export const placeOf = (checkpoint: CheckpointInfo | null): CheckpointPlace | null =>
  checkpoint === null ? null : { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root };
