// Reading sealed records of a custody store beside its writer (service page 2, rule 4): unsealed by the passphrase, without
// a lock, writing nothing. What a change between two reads tears apart is read again. It says what the store holds, not that
// this is its newest state: whoever writes judges that (store page 5).

import { equalBytes } from '../bytes/equal.ts';
import { wipe } from '../bytes/wipe.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { splitRecord } from '../sealed/header.ts';
import type { SealedItem } from './custody-port.ts';
import { recordIds, recordTypeOf } from './custody-records.ts';
import { noCustodyStore } from './custody-recovery.ts';
import { custodyPaths } from './custody-state.ts';
import { readSealed, unseal } from './sealed-store.ts';
import { type StoreContext, type StoreDeps, storeContext } from './store-deps.ts';

/** What the manifest names, as in CustodyStore. */
export interface SealedReading {
  recordIds(): readonly string[];
  read(id: string): Promise<SealedItem>;
}

const ATTEMPTS = 5;

/** Runs `use` on one state of the store. Throws NotInitialised, WrongPassphrase, Tampered, Changing. */
export async function withSealedReading<T>(
  deps: Pick<StoreDeps, 'host' | 'home' | 'crypto' | 'passphrases'>,
  use: (reading: SealedReading) => Promise<T>,
): Promise<T> {
  const ctx = await storeContext(deps);
  if (ctx.files.info(custodyPaths(ctx).manifest) === null) throw noCustodyStore(ctx.files, ctx.paths);
  const passphrase = await deps.passphrases.existing({ store: 'custody' });
  try {
    for (let attempt = 1; ; attempt++) {
      const before = manifestOf(ctx);
      try {
        return await readOnce(ctx, before, passphrase, use);
      } catch (error) {
        if (!(error instanceof RonError) || equalBytes(before, manifestOf(ctx))) throw error;
        if (attempt === ATTEMPTS) throw new RonError('Changing', 'the store changed at every attempt to read it');
      }
    }
  } finally {
    wipe(passphrase);
  }
}

function manifestOf(ctx: StoreContext): Uint8Array {
  const { manifest } = custodyPaths(ctx);
  const bytes = ctx.files.read(manifest, LIMITS.stateFileBytes);
  if (bytes === null) throw noCustodyStore(ctx.files, ctx.paths);
  return bytes;
}

async function readOnce<T>(
  ctx: StoreContext,
  bytes: Uint8Array,
  passphrase: Uint8Array,
  use: (reading: SealedReading) => Promise<T>,
): Promise<T> {
  const paths = custodyPaths(ctx);
  const file = { path: paths.manifest, bytes };
  const storeId = splitRecord(bytes, paths.manifest).header.store_id;
  const { root, manifest, previous } = await unseal(ctx, paths, storeId, file, passphrase);
  wipe(previous?.rootKey);
  try {
    return await use({
      recordIds: () => recordIds(ctx.files, paths, manifest),
      read: async (id) => {
        const { meta, secret } = readSealed(ctx, paths, { rootKey: root.rootKey, manifest }, id, recordTypeOf(id));
        return { meta, secret };
      },
    });
  } finally {
    wipe(root.rootKey);
  }
}
