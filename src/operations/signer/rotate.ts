// `signer rotate`: a new key pair and a bundle signed by the old and the new one (store page 7). The old pair goes on signing
// until a signer-set change that names the new one is executed.

import { readSignerBundle } from '../../storage/signer-bundle-file.ts';
import { openSigner } from '../../storage/signer-store.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { type SignerSummary, signerSummary } from './summary.ts';

export interface SignerRotateResult {
  readonly id: string;
  readonly dry_run: boolean;
  /** Digest of the bundle that was in force before. */
  readonly previous: string;
  /** Key pairs that the store holds now. */
  readonly pairs: number;
  /** Null in a dry run. */
  readonly signer: SignerSummary | null;
}

export async function signerRotate(request: { readonly id: string }, deps: OperationDeps): Promise<SignerRotateResult> {
  const { id } = request;
  const previous = readSignerBundle(await storeContext(deps), id).digest;
  const signer = await openSigner(deps, id, { dryRun: deps.dryRun });
  try {
    const bundle = deps.dryRun ? null : await signer.rotate();
    return {
      id,
      dry_run: deps.dryRun,
      previous,
      pairs: signer.pairs.length,
      signer: bundle === null ? null : signerSummary(bundle),
    };
  } finally {
    signer.close();
  }
}
