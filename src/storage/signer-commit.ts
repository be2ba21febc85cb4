// How a signer store changes (store page 5): under its own lock, without a log. The rename of manifest.next is the commit;
// root.next is renamed after it.

import type { Lock } from '../host.ts';
import type { Manifest } from '../sealed/manifest.ts';
import { renameFilesNow, writeFiles } from './durable-file.ts';
import { type ChangeInput, prepareChange, type SealedPaths, sweep } from './sealed-store.ts';
import { acquireLock, type StoreContext, type StoreDeps } from './store-deps.ts';

export const SIGNER_HEADS = { genesisDigest: null, ledger: null, policy: null, audit: null } as const;

export function lockSigner(deps: StoreDeps, directory: string, id: string): Promise<Lock> {
  return acquireLock(deps, directory, () => ({
    message: `another process is using the signer ${id}`,
    hint: 'Wait for it to finish, or raise --lock-timeout.',
  }));
}

/** Writes, syncs and renames manifest.next: the commit of a store without a log. Then the root, then the remains. */
export async function commitSigner(ctx: StoreContext, paths: SealedPaths, input: ChangeInput): Promise<Manifest> {
  const change = await prepareChange(ctx, paths, input);
  await writeFiles(ctx, change.writes);
  renameFilesNow(ctx.files, [{ from: paths.manifestNext, to: paths.manifest }]);
  if (change.newRoot) renameFilesNow(ctx.files, [{ from: paths.rootNext, to: paths.root }]);
  sweep(ctx.files, paths, change.manifest, []);
  return change.manifest;
}
