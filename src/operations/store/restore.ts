// `store restore`: a backup into a home without a store (store page 9). The store then only verifies, until a governed
// restore-accept opens a new epoch.

import { checkRestore, restoreBackup } from '../../storage/backup.ts';
import { holdHome } from '../../storage/holder.ts';
import { ensureHome } from '../../storage/home.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';

export interface StoreRestoreResult {
  readonly from: string;
  readonly home: string;
  readonly dry_run: boolean;
  readonly files: number;
  readonly head: { readonly origin: string; readonly size: number; readonly root: string } | null;
  readonly verify_only: true;
}

export async function storeRestore(
  request: { /** Absolute. */ readonly directory: string },
  deps: OperationDeps,
): Promise<StoreRestoreResult> {
  const { directory } = request;
  const { host, home, dryRun } = deps;
  const ctx = await storeContext(deps);
  const common = { from: directory, home, dry_run: dryRun, verify_only: true } as const;
  const checked = checkRestore(ctx, host.files, directory, deps.onProgress);
  if (dryRun) return { ...common, files: checked.files.size, head: checked.head };
  await ensureHome(ctx, ctx.paths);
  const hold = await holdHome(deps, ctx, 'cli');
  try {
    const { files, head } = await restoreBackup(ctx, host.files, directory, deps.onProgress);
    return { ...common, files: files.size, head };
  } finally {
    hold.release();
  }
}
