// What an opened custody store knows, between custody-open.ts, which finds it out, and custody-store.ts, which changes it.

import type { PublicView } from '../keys/public-view.ts';
import type { KdfCost } from '../sealed/kdf-parameters.ts';
import type { Manifest } from '../sealed/manifest.ts';
import type { AuditAppender } from './audit-appender.ts';
import type { EpochPaths } from './audit-paths.ts';
import type { LogKeySet } from './custody-keys.ts';
import type { CheckpointInfo, VerifyOnly } from './custody-port.ts';
import type { HomeHold } from './holder.ts';
import type { LedgerEnd } from './ledger-segments.ts';
import { type SealedPaths, sealedPaths } from './sealed-store.ts';
import type { StoreContext } from './store-deps.ts';

/** Paths of store/ and of what it commits with. */
export interface CustodyPaths extends SealedPaths {
  readonly publicView: string;
  readonly publicNext: string;
  readonly keys: string;
  readonly audit: string;
  readonly ledger: string;
  readonly ledgerState: string;
  readonly ledgerStateNext: string;
}

export function custodyPaths(ctx: Pick<StoreContext, 'paths'>): CustodyPaths {
  const { store, audit, ledger } = ctx.paths;
  return {
    ...sealedPaths(store),
    publicView: `${store}/public.json`,
    publicNext: `${store}/public.next`,
    keys: `${store}/keys`,
    audit,
    ledger,
    ledgerState: `${ledger}/state.json`,
    ledgerStateNext: `${ledger}/state.next`,
  };
}

export interface CustodyState {
  readonly storeId: string;
  readonly profile: string;
  readonly hold: HomeHold;
  readonly epoch: EpochPaths;
  readonly origin: string;
  /** Null in a dry run, which writes nothing. */
  readonly appender: AuditAppender | null;
  /** Of the log, where there is no appender to ask. */
  readonly scannedSize: number;
  readonly checkpoint: CheckpointInfo | null;
  /** Needed again when the root record changes; wiped at close. */
  readonly passphrase: Uint8Array;
  /** Cost of the root record in force, kept when the root changes without a new passphrase. */
  readonly kdf: KdfCost;
  /** Cost under a new passphrase; only tests give another than the default. */
  readonly freshKdf: KdfCost | null;
  readonly rootKey: Uint8Array;
  readonly genesisDigest: string | null;
  readonly manifest: Manifest;
  readonly view: PublicView;
  readonly publicSha256: string;
  readonly ledgerEnd: LedgerEnd;
  readonly logKeys: LogKeySet;
  readonly verifyOnly: VerifyOnly | null;
}
