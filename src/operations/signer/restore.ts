// `signer restore`: a signer store from a backup file (store page 9). It signs nothing until `signer resync` has verified a
// current request. Refuses to overwrite.

import { bundlePath } from '../../storage/signer-bundle-file.ts';
import { backupSigner, refuseExistingSigner, restoreSigner } from '../../storage/signer-creation.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { type SignerSummary, signerSummary } from './summary.ts';

export interface SignerRestoreResult {
  readonly id: string;
  readonly dry_run: boolean;
  /** True: the memory has to be rebuilt before anything is signed. */
  readonly needs_resync: true;
  /** Null in a dry run. */
  readonly signer: (SignerSummary & { readonly file: string }) | null;
}

export async function signerRestore(
  request: { readonly bytes: Uint8Array; readonly what: string },
  deps: OperationDeps,
): Promise<SignerRestoreResult> {
  const id = backupSigner(request.bytes, request.what);
  const ctx = await storeContext(deps);
  refuseExistingSigner(ctx, id);
  const common = { id, dry_run: deps.dryRun, needs_resync: true } as const;
  const bundle = await restoreSigner(deps, request, { dryRun: deps.dryRun });
  if (deps.dryRun) return { ...common, signer: null };
  return { ...common, signer: { ...signerSummary(bundle), file: bundlePath(ctx.paths.signer(id)) } };
}
