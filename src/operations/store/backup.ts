// `store backup`: a consistent copy of the home without opening any key (store page 9). Takes the lock, appends nothing.

import { refuseUsedDirectory, writeBackup } from '../../storage/backup.ts';
import { holdHome } from '../../storage/holder.ts';
import { readPublicView } from '../../storage/public-reader.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';

export interface StoreBackupResult {
  readonly out: string;
  readonly dry_run: boolean;
  /** 0 in a dry run. */
  readonly files: number;
  /** The newest checkpoint that is in it. */
  readonly head: { readonly origin: string; readonly size: number; readonly root: string } | null;
}

export async function storeBackup(
  request: { /** Absolute. */ readonly out: string },
  deps: OperationDeps,
): Promise<StoreBackupResult> {
  const { out } = request;
  const ctx = await storeContext(deps);
  readPublicView(ctx, { mayBeOld: true });
  refuseUsedDirectory(deps.host.files, out);
  const hold = await holdHome(deps, ctx, 'cli', deps.dryRun);
  try {
    if (deps.dryRun) return { out, dry_run: true, files: 0, head: null };
    const { files, head } = await writeBackup(ctx, deps.host.files, out, deps.onProgress);
    return { out, dry_run: false, files: files.size, head };
  } finally {
    hold.release();
  }
}
