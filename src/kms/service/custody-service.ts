// The custody service of a server (service page 1): every port over one unsealed store that it holds for life. It recovers,
// checks log and ledger whole (R-45 g), ingests on every submit and every second, signs checkpoints, opens the backend again
// after a storage error, and ends with `stop` and a final checkpoint. What a client sends is verified here, whoever sent it.

import type { ServerConfig } from '../../config/server-config.ts';
import type { LedgerPolicy } from '../../config/server-ledger.ts';
import type { LocalPolicy } from '../../policy/local.ts';
import type { Judged } from '../../policy/overlay.ts';
import type { CustodyStore } from '../../storage/custody-port.ts';
import type { StoreDeps } from '../../storage/store-deps.ts';
import type { Authenticator, Kms, ServiceEvent, ServiceState, TlogFiles } from '../admin-ports.ts';
import type { Telemetry } from '../telemetry.ts';
import type { OpenCapabilities } from './capabilities.ts';
import { keptLock } from './kept-lock.ts';
import { keptPassphrase } from './kept-passphrase.ts';
import { type MemoryHomeRequest, memoryHome } from './memory-home.ts';
import type { RefusedOutcome } from './outcomes.ts';
import { LongLivedService } from './service-life.ts';
import { openParts } from './service-parts.ts';
import type { OpenSink } from './sinks/sink.ts';

export interface CustodyServiceOptions {
  readonly config: ServerConfig;
  readonly telemetry: Telemetry;
  /** As records and attestations name it, e.g. `0.2.0` and `release`. */
  readonly version: string;
  readonly build: string;
  readonly provider: string;
  /** With backend inmem: what governs this life, and its ledger (I-29). */
  readonly memory?: Omit<MemoryHomeRequest, 'profile' | 'version'>;
  /**
   * With backend inmem: gets the newest checkpoint and the ledger lines since the last time, at every checkpoint interval and at
   * the end.
   */
  readonly spool?: (part: SpoolPart) => Promise<void>;
  /** Makes the sinks of `audit.sinks`; without it none is served. */
  readonly sinks?: OpenSink;
  /** The clock is right although it is far beyond the newest entry. */
  readonly confirmTime?: boolean;
  /** Judges the configuration against the ledger before anything is served; throws RefusedConfig (C-74). */
  readonly judge?: (ledger: LedgerPolicy, judged: Judged) => Judgement;
  /** Known answers of the post-quantum stack, asked for once a minute; rejects when one is wrong (`pq_ok`). */
  readonly pqTest?: () => Promise<void>;
  /** The ring of events behind `tail`. */
  readonly events: (request: {
    readonly topic: string | null;
    readonly sinceMs: number | null;
    readonly signal: AbortSignal;
  }) => AsyncIterable<ServiceEvent>;
}

/** What survives a life in memory. */
export interface SpoolPart {
  /** The signed note. */
  readonly checkpoint: Uint8Array;
  /** Exact lines without LF. */
  readonly ledger: readonly Uint8Array[];
}

/** What came out of judging a configuration. */
export interface Judgement {
  readonly config: ServerConfig;
  /** What this process holds beside the ledger. */
  readonly local: LocalPolicy;
}

export interface CustodyService {
  readonly kms: Kms;
  /** For the tlog listener. */
  readonly tlog: TlogFiles;
  readonly authenticator: Authenticator;
  /** For what the process itself mints: `operator.cap`. */
  readonly capabilities: OpenCapabilities;
  /** The store that stands now, for what the process itself records. */
  readonly store: CustodyStore;
  /** The store was rolled back, and an executed restore-accept goes on from it in this process. */
  readonly awaitsRestore: boolean;
  /** What a configuration is judged against. */
  policy(): { readonly ledger: LedgerPolicy; readonly judged: Judged };
  /** Takes a configuration that was judged; keys that need a restart are not looked at. Records the change. */
  reload(judged: Judgement, changed: readonly string[]): Promise<void>;
  state(): ServiceState;
  /** An answer is an internal error (API-41): recorded with others of its second. `of` names the route. */
  internalError(of: RefusedOutcome): void;
  /** Records `start` and runs the timers. */
  start(): Promise<void>;
  /** From now on nothing new begins; what is under way goes on. */
  drain(): void;
  /** Ends the timers, records `stop`, signs the final checkpoint, releases everything. Idempotent. False: no checkpoint. */
  close(reason: string): Promise<boolean>;
}

export async function openCustodyService(deps: StoreDeps, options: CustodyServiceOptions): Promise<CustodyService> {
  const { config, memory, version } = options;
  const nothing = { genesis: null, genesisDigest: null, ledger: null, expectHead: null, headProof: null };
  const made =
    config.service.backend === 'inmem'
      ? await memoryHome(deps, { profile: config.profile, version, ...nothing, ...memory })
      : null;
  const own = made?.deps ?? deps;
  const lock = keptLock(own.host);
  const secret = keptPassphrase(own.passphrases);
  const release = (): void => {
    secret.close();
    lock.release();
    made?.files.clear();
  };
  try {
    const kept = { ...own, host: lock.host, passphrases: secret.passphrases, askYes: undefined };
    const verifyOnly = config.service.verify_only
      ? 'this server is configured to verify only'
      : (made?.verifyOnly ?? null);
    return new LongLivedService(
      await openParts({ deps: kept, options, verifyOnly, governedBy: made?.governedBy ?? null, release }),
    );
  } catch (error) {
    release();
    throw error;
  }
}
