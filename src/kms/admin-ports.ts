// The ports of the custody service beside the key ports of ports.ts (service page 1): governance, policy, audit,
// capabilities, health. Signed objects cross as their bytes and are never re-serialised; whoever receives them verifies.

import type { ErrorCode } from '../errors.ts';
import type { FileInfo, Millis } from '../host.ts';
import type { Attestation, Call, Caller, Keys, Signing, Trust, Uuid, Wrapping } from './ports.ts';

/** A checkpoint as results name it. */
export interface CheckpointPlace {
  readonly origin: string;
  readonly size: number;
  /** Lower hex. */
  readonly root: string;
}

/** A file of the inbox as an ingest judged it. */
export interface InboxEntry {
  /** `<64 hex>.json` */
  readonly name: string;
  readonly type: 'proposal' | 'statement' | 'possession' | 'dispute' | 'unknown';
  readonly id: string | null;
  readonly by: string | null;
  readonly purpose: string | null;
}

export interface RefusedEntry extends InboxEntry {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface IngestAnswer {
  readonly ingested: readonly InboxEntry[];
  readonly known: readonly InboxEntry[];
  readonly waiting: readonly InboxEntry[];
  /** Their signers have seen more than this ledger: they stay, and nothing executes. */
  readonly behind: readonly RefusedEntry[];
  readonly refused: readonly RefusedEntry[];
  readonly ledger_seq: number;
  /** Null in a dry run. */
  readonly checkpoint: CheckpointPlace | null;
  /** The execution that a crash had left and this open finished. */
  readonly recovered: string | null;
}

export interface SubmitAnswer {
  /** Inbox names in the order of the files. */
  readonly names: readonly string[];
  /** Null when nothing could be ingested now (sealed, behind); the files wait. */
  readonly ingest: IngestAnswer | null;
}

/** A receipt and how it came about; `envelope` is null in a dry run. */
export interface ExecuteAnswer {
  readonly id: string;
  /** Bytes of the DSSE envelope of the receipt, as in the ledger. */
  readonly envelope: Uint8Array | null;
  readonly replayed: boolean;
  /** Number of files ingested before. */
  readonly ingested: number;
  readonly refused: readonly RefusedEntry[];
  readonly checkpoint: CheckpointPlace | null;
}

export interface TuneAnswer {
  readonly scope: string;
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly baseline: number;
  readonly min: number;
  readonly max: number;
  readonly checkpoint: CheckpointPlace | null;
}

export interface RollbackAnswer {
  readonly scope: string;
  readonly proposal_id: string;
  readonly proposal_digest: string;
  readonly duration_s: number;
  readonly until: string;
  readonly checkpoint: CheckpointPlace | null;
}

/** The operator says that the clock is right although it is far beyond the newest entry. */
export interface TimeConfirmation {
  readonly confirmTime?: boolean;
}

/** A proposal as lists show it. */
export interface ProposalSummary {
  readonly id: string;
  /** `sha256:<hex>` */
  readonly digest: string;
  readonly kind: string;
  readonly scope: string;
  readonly author: string;
  /** As judged now. */
  readonly status: string;
  readonly approvals: number;
  readonly rejects: number;
  readonly threshold: number;
  readonly decide_by: string;
  readonly expires_at: string;
}

export interface Governance {
  /** Every proposal of the ledger, oldest first; `status` narrows. */
  list(request: { readonly status?: string }, call: Call): Promise<readonly ProposalSummary[]>;
  /** The summary and the bytes of the signed proposal. NotFound. */
  get(
    request: { readonly id: string },
    call: Call,
  ): Promise<{ readonly proposal: ProposalSummary; readonly envelope: Uint8Array }>;
  /** The bytes of every ingested statement about a proposal, in the order of the ledger. NotFound. */
  statements(request: { readonly id: string }, call: Call): Promise<readonly Uint8Array[]>;
  /** Files as they are, at most 8 of 64 KiB: put into the inbox, then ingested. */
  submit(request: { readonly files: readonly Uint8Array[] } & TimeConfirmation, call: Call): Promise<SubmitAnswer>;
  ingest(request: TimeConfirmation, call: Call): Promise<IngestAnswer>;
  execute(request: { readonly id: string } & TimeConfirmation, call: Call): Promise<ExecuteAnswer>;
  tune(
    request: { readonly scope: string; readonly key: string; readonly to: number } & TimeConfirmation,
    call: Call,
  ): Promise<TuneAnswer>;
  rollback(
    request: {
      readonly scope: string;
      readonly durationS: number | null;
      readonly proposalDigest: string | null;
    } & TimeConfirmation,
    call: Call,
  ): Promise<RollbackAnswer>;
  /** Bytes of the `.request.json` of a proposal, for a signer elsewhere. */
  request(request: { readonly id: string }, call: Call): Promise<Uint8Array>;
  /** Exact ledger lines without LF from a seq on. */
  ledger(request: { readonly fromSeq: number }, call: Call): AsyncIterable<Uint8Array>;
}

export interface EffectivePolicyAnswer {
  /** `global` or `tenant:<id>`. */
  readonly scope: string;
  readonly governed: boolean;
  readonly phase: number;
  readonly verify_mode: string;
  readonly produce_hybrid: boolean;
  readonly rollout_percent: number;
  readonly base_phase: number;
  /** Every registry key that counts for the scope, as text. */
  readonly values: Readonly<Record<string, string>>;
  readonly ledger_seq: number | null;
  readonly trust: Trust;
}

export interface Policy {
  effective(request: { readonly tenant: string | null }, call: Call): Promise<EffectivePolicyAnswer>;
}

export interface Audit {
  /** Signs the log as it stands. */
  checkpoint(request: TimeConfirmation, call: Call): Promise<CheckpointPlace & { readonly note: string }>;
  head(
    request: object,
    call: Call,
  ): Promise<{
    readonly origin: string;
    readonly epoch: number;
    readonly size: number;
    readonly checkpoint: string | null;
  }>;
  /** Exact lines without LF, from..to-1, at most 10,000. */
  records(request: { readonly from: number; readonly to: number }, call: Call): AsyncIterable<Uint8Array>;
  /** Tile bytes (C2SP tlog-tiles): level, index, width 1..256. NotFound. */
  tile(
    request: { readonly level: number; readonly n: number; readonly width: number },
    call: Call,
  ): Promise<Uint8Array>;
  /** C2SP tlog-proof of one record under the newest checkpoint. */
  inclusion(request: { readonly index: number }, call: Call): Promise<Uint8Array>;
  /** RFC 6962 consistency proof between two sizes, base64 hashes. */
  consistency(request: { readonly from: number; readonly to: number }, call: Call): Promise<readonly string[]>;
}

/** What a tlog listener publishes: the newest epoch in the layout of C2SP tlog-tiles. Null for what is not there. */
export interface TlogFiles {
  /** The newest note. */
  checkpoint(): Promise<Uint8Array | null>;
  tile(of: { readonly level: number; readonly index: number; readonly width: number }): Promise<Uint8Array | null>;
  /** A bundle of record lines. */
  entries(of: { readonly index: number; readonly width: number }): Promise<Uint8Array | null>;
}

/**
 * The public files of the home by their path below it: store/public.json, store/keys/, ledger/, audit/ (not inbox, trust, run
 * nor anything sealed). A reader elsewhere judges them as it judges its own. Others are NotFound, whether they exist or not.
 */
export interface PublicFiles {
  info(request: { readonly path: string }, call: Call): Promise<FileInfo | null>;
  list(request: { readonly path: string }, call: Call): Promise<readonly string[]>;
  /** At most 512 KiB at once; shorter at the end of the file. */
  read(
    request: { readonly path: string; readonly offset: number; readonly length: number },
    call: Call,
  ): Promise<Uint8Array | null>;
}

export interface MintRequest {
  /** Caveat texts `name = value`, the required ones included. */
  readonly caveats: readonly string[];
  readonly once: boolean;
  readonly sub?: string;
  /** A tenant that has no key, policy or capability yet may be named. */
  readonly newTenant?: boolean;
}

export interface MintAnswer {
  readonly id: Uuid;
  readonly root: number;
  /** base64url without padding. A secret: shown to its bearer only. Null in a dry run. */
  readonly token: string | null;
  readonly expires_at: string;
}

export interface ListedCapability {
  readonly root: number;
  readonly id: Uuid;
  readonly sub: string | null;
  readonly minted_by: string;
  readonly minted_at: string;
  readonly expires_at: string;
  readonly tenants: readonly string[];
  readonly scopes: readonly string[];
  readonly once: boolean;
  readonly state: 'active' | 'spent' | 'revoked' | 'expired';
}

export interface Capabilities {
  /** The minter's own chain restated: subsets only. */
  mint(request: MintRequest, call: Call): Promise<MintAnswer>;
  /** A token whose MAC is right and whose mint record is not in the log yet. The MAC is the authority. */
  register(request: { readonly token: string }, call: Call): Promise<{ readonly id: Uuid; readonly root: number }>;
  revoke(request: { readonly id: Uuid }, call: Call): Promise<{ readonly id: Uuid; readonly revoked_at: string }>;
  /** A new capability root; `now` drops the older ones at once. */
  rotate(request: { readonly now: boolean }, call: Call): Promise<{ readonly root: number; readonly previous: number }>;
  list(request: object, call: Call): Promise<readonly ListedCapability[]>;
}

export interface AttestAnswer {
  /** `<kid>#v<N>` */
  readonly kid: string;
  readonly attestation: Attestation;
  /** RFC 3339 UTC, or null when the backend does not say. */
  readonly issued_at: string | null;
  readonly op_id: Uuid;
  readonly audit: { readonly origin: string; readonly index: number } | null;
}

export interface Attesting {
  /** Asks the backend for fresh evidence and records it (GAP-45). */
  attest(request: { readonly kid: string }, call: Call): Promise<AttestAnswer>;
}

/** What the transport asks before it reads a body. */
export interface Authenticator {
  /**
   * Form, MAC, times, revocation, mint record, one-time use: NoCapability (401). Caveats that allow nothing, of a name or value
   * outside the grammar, or for a third party: Denied (403). No message has anything of the token.
   */
  authenticate(bearer: string): Extract<Caller, { kind: 'capability' }>;
}

/** What `/readyz`, `/version`, metrics and `kms status` are made of; no I/O to make it. */
export interface ServiceState {
  readonly backend: 'file' | 'inmem';
  readonly backendReady: boolean;
  /** Since when the backend is lost (monotonic ms), null while it is there. */
  readonly backendLostAtMs: Millis | null;
  readonly amnesia: boolean;
  readonly verifyOnly: string | null;
  readonly governed: boolean;
  readonly profile: string;
  readonly ledgerSeq: number | null;
  readonly ledgerId: string | null;
  /** `or`, `and` or `pq_only`: the mode in force for the instance. */
  readonly pqMode: string;
  readonly rolloutPercent: number;
  /** The approved phase of the instance (tenant `_instance`) and of every tenant with one of its own. */
  readonly phases: readonly { readonly tenant: string; readonly phase: 0 | 1 | 2 | 3 }[];
  /** The own stack does what the policy in force asks (C-45): self-test of the post-quantum algorithms, keys, TLS group. */
  readonly pqOk: boolean;
  readonly audit: {
    readonly origin: string;
    readonly size: number;
    readonly writable: boolean;
    /** Wall ms of the newest checkpoint, its size, and whether the last attempt succeeded. */
    readonly checkpointAtMs: Millis | null;
    readonly checkpointSize: number;
    readonly checkpointOk: boolean;
    readonly integrityFailures: number;
    readonly queueDepth: number;
    /** Monotonic ms of the last record that was not durable in time; null when there was none. */
    readonly lateAtMs: Millis | null;
  };
  /** Where the log is exported to, and how far each sink is behind. */
  readonly sinks: readonly {
    readonly name: string;
    readonly kind: 'file' | 'directory' | 'http';
    /** The next record that it gets. */
    readonly index: number;
    /** Synced records that it does not have yet, and the age of the oldest. */
    readonly behind: number;
    readonly lagMs: Millis;
    /** What hinders it; null while it takes what it gets. */
    readonly error: string | null;
  }[];
  readonly attestation: { readonly required: boolean; readonly ready: boolean; readonly class: string | null };
  readonly rngOk: boolean;
  readonly clockOk: boolean;
  readonly verifyCache: { readonly entries: number; readonly ageMs: Millis };
  readonly capRootAgeDays: number;
  /** Capabilities that are neither spent, revoked nor expired, by tenant. */
  readonly capabilities: readonly { readonly tenant: string; readonly active: number }[];
  /** Of the volume of the log; both 0 where nothing is on disk. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  readonly draining: boolean;
  readonly keys: readonly {
    readonly tenant: string;
    readonly purpose: string;
    readonly alg: string;
    readonly count: number;
  }[];
  /** The newest version of each key, at most 2,000; the kid is hashed before it leaves (C-48). */
  readonly keyHeads: readonly { readonly kid: string; readonly version: number }[];
  /** For gauges: wall ms when the oldest open proposal was ingested. */
  readonly oldestPendingAtMs: Millis | null;
}

export interface ServiceEvent {
  readonly seq: number;
  /** RFC 3339 UTC. */
  readonly ts: string;
  /** e.g. `kms.audit.checkpoint`, `governance.executed`. */
  readonly topic: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Health {
  status(request: object, call: Call): Promise<ServiceState>;
  /** From a wall time on, then live until the signal; a `lagged` event where some were dropped. */
  events(
    request: { readonly topic: string | null; readonly sinceMs: Millis | null },
    call: Call,
  ): AsyncIterable<ServiceEvent>;
}

/** All ports of one custody service. */
export interface Kms {
  readonly keys: Keys;
  readonly signing: Signing;
  readonly wrapping: Wrapping;
  readonly attesting: Attesting;
  readonly governance: Governance;
  readonly policy: Policy;
  readonly audit: Audit;
  readonly files: PublicFiles;
  readonly capabilities: Capabilities;
  readonly health: Health;
}
