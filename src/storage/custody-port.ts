// The unsealed, locked and recovered custody store, as the service sees it: the only writer of store, ledger and audit log
// (store page 4-6, R-02). storage/custody-store.ts implements it on files; a memory backend will implement it too.

import type { AuditDraft, AuditRecord } from '../audit/draft.ts';
import type { JsonObject } from '../bytes/canonical-json.ts';
import type { SigningKey } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { Millis } from '../host.ts';
import type { PublicView } from '../keys/public-view.ts';
import type { LogHead } from '../sealed/manifest.ts';

export type RecordType = 'service-keys' | 'log-keys' | 'cap-root' | 'key-version' | 'revocations';

/** An opened sealed record. The caller wipes `secret`. */
export interface SealedItem {
  readonly meta: JsonObject;
  /** Secret bytes in the order that `meta` names. */
  readonly secret: Uint8Array;
}

export interface SealedPut {
  /** Record id (store page 3), e.g. `<kid>#v<N>`, `service-keys`. */
  readonly id: string;
  readonly type: RecordType;
  readonly meta: JsonObject;
  /** Wiped by the store after sealing. */
  readonly secret: Uint8Array;
}

/** What the commit record of a mutation will be; known before it is written, because there is one writer. */
export interface CommitPlace {
  readonly epoch: number;
  readonly seq: number;
  readonly generation: number;
  readonly ts: string;
}

/** One R-02 mutation: all of it or nothing, committed by its audit record. */
export interface Mutation {
  readonly puts?: readonly SealedPut[];
  /** Record ids that leave the manifest and are unlinked after the commit. */
  readonly drops?: readonly string[];
  /** Files under store/keys/, e.g. `<hash>.pub.json`. */
  readonly keyFiles?: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** The next clear view; `generation` and unchanged members are filled in by the store. Default: unchanged. */
  readonly publicView?: (current: PublicView, place: CommitPlace) => PublicView;
  /** Adoption: the digest that goes into the root record, and the ledger whose line 0 it is. */
  readonly adopt?: { readonly genesisDigest: string; readonly ledgerId: string };
  /** A new root key: every record is re-sealed in this mutation. */
  readonly rotateRoot?: boolean;
  /** A new passphrase for the root record; wiped by the store. */
  readonly passphrase?: Uint8Array;
  /** Ledger lines that this mutation commits too (adoption only). */
  readonly ledger?: LedgerBatch;
  /** `generation`, `manifest_sha256`, `public_sha256` are added by the store. A function when `detail` needs the place. */
  readonly audit: AuditDraft | ((place: CommitPlace) => AuditDraft);
}

/** Ledger lines to append, with the head they lead to. The format of a line is governance/ledger.ts. */
export interface LedgerBatch {
  readonly ledgerId: string;
  /** Exact lines without LF, in order. */
  readonly lines: readonly Uint8Array[];
  /** Seq and hash of the last line. */
  readonly head: { readonly seq: number; readonly hash: string };
  /** Canonical bytes of ledger/state.json after these lines. */
  readonly state: Uint8Array;
  readonly actor: string;
}

export interface CheckpointInfo {
  readonly origin: string;
  readonly size: number;
  /** Lower hex. */
  readonly root: string;
  readonly note: Uint8Array;
  /** Timestamp that its signers gave it; never falls from one to the next. */
  readonly signedAtMs: Millis;
}

/** Why mutations are refused, with the code that says so. */
export interface VerifyOnly {
  readonly code: 'RolledBack' | 'PinMismatch' | 'Internal';
  readonly reason: string;
  readonly hint?: string;
  /** RolledBack: this home has verified a newer log, so that what the store says of its keys is old. */
  readonly behind?: true;
}

/** The next epoch of the log of a restored store (log page 4.7). */
export interface EpochOpening {
  readonly actor: string;
  /** Of the plan; a fresh one while ungoverned. */
  readonly opId?: string;
  /** The newest checkpoint of the log before that is known to anyone. */
  readonly prevCheckpoint: LogHead;
  /** The quorum that accepted it, and the ledger lines up to the intent; null while ungoverned. */
  readonly accepted: {
    readonly proposalDigest: string;
    readonly statements: readonly string[];
    readonly ledger: LedgerBatch;
    /** The last execution that changed V, by these lines. */
    readonly policy: PublicView['policy'];
    /** `service-keys`, `log-keys`: accepted new pairs, which from now on are those of the store. */
    readonly newKeys: readonly SealedPut[];
  } | null;
}

export function verifyOnlyError({ code, reason, hint }: VerifyOnly): RonError {
  return new RonError(code, `nothing is written: ${reason}`, hint === undefined ? {} : { hint });
}

export interface CustodyStore {
  readonly storeId: string;
  readonly profile: string;
  /** Origin of the current epoch's log. */
  readonly origin: string;
  /** H of the adopted genesis, from the root record. */
  readonly genesisDigest: string | null;
  /** Set while mutations are refused (rolled back, restored, pin mismatch): why. */
  readonly verifyOnly: VerifyOnly | null;
  readonly view: PublicView;
  /** The error after which nothing is written any more; only a new open goes on. */
  readonly broken: RonError | null;
  /** Records in the log; the next seq. */
  readonly logSize: number;

  read(id: string): Promise<SealedItem>;
  /** Ids of the records in the manifest. */
  recordIds(): readonly string[];
  /** A file of store/keys/ by name, as it is; null when absent. Judged by its signatures, never by its place. */
  keyFile(name: string): Uint8Array | null;
  /** Writes files of store/keys/ again that are missing or behind; no record, because they count by their signatures. */
  writeKeyFiles(files: NonNullable<Mutation['keyFiles']>): Promise<void>;
  /** Service keys (Ed25519, ML-DSA-65), kept for the life of the store. */
  serviceKeys(): Promise<{ readonly ed25519: SigningKey; readonly mlDsa: SigningKey }>;
  logVkeys(): { readonly ed25519: string; readonly mlDsa44: string };

  /** HMAC-SHA256 over the canonical request under HKDF(root key, `ron-kms/idempotency/v1`): 64 hex. */
  requestDigest(canonicalRequest: Uint8Array): Promise<string>;

  mutate(mutation: Mutation): Promise<AuditRecord>;
  /** Records that change no sealed state; durable when resolved. */
  append(drafts: readonly AuditDraft[]): Promise<readonly AuditRecord[]>;
  appendLedger(batch: LedgerBatch): Promise<AuditRecord>;
  /** Writes `state`, `manifest` and signs a checkpoint over the current size; the last one again when idle. */
  checkpoint(): Promise<CheckpointInfo>;
  newestCheckpoint(): CheckpointInfo;
  /**
   * The one mutation of a store that is RolledBack: opens the next epoch and signs it; from then on the store is written
   * again. Nothing is signed under the origin before. Conflict for any other store.
   */
  openEpoch(opening: EpochOpening): Promise<AuditRecord>;
  /** New keys that such a store holds ready for its next epoch; null when there are none. The caller wipes the secret. */
  stagedKeys(which: 'service-keys' | 'log-keys'): Promise<SealedItem | null>;
  /** Keeps them, in the place of earlier ones; nothing that counts changes. Wiped by the store. Conflict for any other store. */
  stageKeys(which: 'service-keys' | 'log-keys', keys: SealedItem): Promise<void>;

  /** The record at a seq of the current epoch. */
  record(seq: number): AuditRecord;
  /** Records from `fromSeq` on, in order. */
  records(fromSeq: number): Iterable<AuditRecord>;
  /**
   * The newest record with this op_id that is accepted, looking back to `fromSeq`; without one, through every epoch. Null
   * when there is none.
   */
  findOperation(opId: string, fromSeq?: number, accept?: (record: AuditRecord) => boolean): AuditRecord | null;
  /** Origin of the log that a record given out by this store stands in. */
  originOf(record: AuditRecord): string;

  /** All committed ledger lines from `fromSeq`, exact bytes without LF. */
  ledgerLines(fromSeq: number): Iterable<Uint8Array>;
  /** ledger/state.json if its digest is the authenticated one, else null (replay everything). */
  ledgerState(): Uint8Array | null;

  /** Closes files and releases the lock. Does not checkpoint. */
  close(): Promise<void>;
}
