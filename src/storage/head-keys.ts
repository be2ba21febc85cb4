// The head keys of a sealed custody store for `audit verify --unseal`: opens the root records alone, so that it also works
// when store and log contradict each other. Takes no lock, writes nothing.

import { wipe } from '../bytes/wipe.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { splitRecord } from '../sealed/header.ts';
import { openRoot } from '../sealed/open.ts';
import { headKey } from './custody-keys.ts';
import { noCustodyStore } from './custody-recovery.ts';
import { custodyPaths } from './custody-state.ts';
import { type StoreDeps, storeContext } from './store-deps.ts';

/** Keys of root.ronk and, during a root rotation, root.next. WrongPassphrase when neither opens; the caller wipes them. */
export async function unsealHeadKeys(
  deps: Pick<StoreDeps, 'host' | 'home' | 'crypto' | 'passphrases'>,
): Promise<readonly Uint8Array[]> {
  const ctx = await storeContext(deps);
  const paths = custodyPaths(ctx);
  const found = [paths.root, paths.rootNext].flatMap((path) => {
    const bytes = ctx.files.read(path, LIMITS.sealedRecordBytes);
    return bytes === null ? [] : [{ path, bytes }];
  });
  if (found.length === 0) {
    throw noCustodyStore(ctx.files, ctx.paths);
  }
  const passphrase = await deps.passphrases.existing({ store: 'custody' });
  const keys: Uint8Array[] = [];
  let refused: unknown = null;
  try {
    for (const { path, bytes } of found) {
      const storeId = splitRecord(bytes, path).header.store_id;
      try {
        const { secret } = await openRoot(ctx.crypto, passphrase, bytes, { storeId, id: 'root', type: 'root' }, path);
        keys.push(headKey(secret));
        wipe(secret);
      } catch (error) {
        if (!(error instanceof RonError)) throw error;
        refused ??= error;
      }
    }
  } finally {
    wipe(passphrase);
  }
  if (keys.length === 0) throw refused;
  return keys;
}
