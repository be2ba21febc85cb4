// `signer create`: one sealed identity with an Ed25519 and an ML-DSA-65 key, and its public bundle (store page 7).

import { bundlePath } from '../../storage/signer-bundle-file.ts';
import { createSigner, refuseExistingSigner } from '../../storage/signer-creation.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { type SignerSummary, signerSummary } from './summary.ts';

export interface SignerCreateResult {
  readonly id: string;
  readonly dry_run: boolean;
  /** Null in a dry run. */
  readonly signer: (SignerSummary & { readonly file: string }) | null;
}

export async function signerCreate(request: { readonly id: string }, deps: OperationDeps): Promise<SignerCreateResult> {
  const { id } = request;
  const ctx = await storeContext(deps);
  refuseExistingSigner(ctx, id);
  if (deps.dryRun) return { id, dry_run: true, signer: null };
  const bundle = await createSigner(deps, id);
  return { id, dry_run: false, signer: { ...signerSummary(bundle), file: bundlePath(ctx.paths.signer(id)) } };
}
