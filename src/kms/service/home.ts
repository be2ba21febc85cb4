// What the in-process key service stands on: a home that is read without a passphrase, and unsealed when a private key or
// a record is really needed. Built where storage is composed; the service itself knows no file.

import type { Crypto } from '../../crypto/provider.ts';
import type { Random } from '../../host.ts';
import type { Judged } from '../../policy/overlay.ts';
import { type CustodyStore, verifyOnlyError } from '../../storage/custody-port.ts';
import { Turns } from '../../storage/turns.ts';
import { KeyCache } from './key-cache.ts';
import type { PolicyInForce } from './key-policy.ts';
import { repairKeyObjects } from './key-repair.ts';
import type { KeyReader, TrustedService } from './reader.ts';

/** The unsealed store with the policy in force. */
export interface UnsealedHome {
  readonly store: CustodyStore;
  /** A dry run, or a store that only verifies: nothing is written. */
  readonly readOnly: boolean;
  /** As it is now: an execution changes it at once. */
  policy(): PolicyInForce;
  judged(): Judged;
  /** Runs one mutation alone: nothing that it read before an await is changed by another. Absent in a command. */
  exclusive?<T>(act: () => Promise<T>): Promise<T>;
}

export interface KmsHome {
  readonly random: Random;
  crypto(): Promise<Crypto>;
  reader(): Promise<KeyReader>;
  /** To verify with: also of a store that was rolled back, as not authenticated. Absent where `reader` gives that. */
  oldReader?(): Promise<KeyReader>;
  /** Every service whose keys are trusted here, also without a store. */
  trusted(): Promise<readonly TrustedService[]>;
  /** Asks for the passphrase; recovers, ingests. In a dry run it changes nothing. */
  unsealed(): Promise<UnsealedHome>;
}

/** One unsealed home with its key cache; shared by the services of a process. */
export interface OpenHome extends UnsealedHome {
  exclusive<T>(act: () => Promise<T>): Promise<T>;
  readonly crypto: Crypto;
  readonly random: Random;
  readonly cache: KeyCache;
}

/** Opens at the first call and keeps it. `drop` destroys the cached keys; it does not close the store. */
export function openOnce(home: KmsHome): { open(): Promise<OpenHome>; drop(): Promise<void> } {
  let opened: Promise<OpenHome> | undefined;
  const open = async (): Promise<OpenHome> => {
    const crypto = await home.crypto();
    const unsealed = await home.unsealed();
    if (!unsealed.readOnly) await repairKeyObjects(crypto, unsealed.store);
    const cache = new KeyCache(crypto, unsealed.store);
    const turns = new Turns();
    return {
      store: unsealed.store,
      readOnly: unsealed.readOnly,
      exclusive: (act) => (unsealed.exclusive === undefined ? turns.exclusive(act) : unsealed.exclusive(act)),
      policy: () => unsealed.policy(),
      judged: () => unsealed.judged(),
      crypto,
      random: home.random,
      cache,
    };
  };
  return {
    open: () => {
      opened ??= open();
      return opened;
    },
    drop: async () => {
      if (opened !== undefined) (await opened).cache.close();
    },
  };
}

/** Throws what the store gives as the reason while it refuses every mutation; also in a dry run. */
export function refuseVerifyOnly(store: CustodyStore): void {
  if (store.verifyOnly !== null) throw verifyOnlyError(store.verifyOnly);
}
