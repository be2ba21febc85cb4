// `signer list`: the identities of this home, from their public bundles; no passphrase.

import { readSignerBundle, signerIds } from '../../storage/signer-bundle-file.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { type SignerSummary, signerSummary } from './summary.ts';

export interface SignerListResult {
  readonly signers: readonly SignerSummary[];
}

export async function signerList(deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>): Promise<SignerListResult> {
  const ctx = await storeContext(deps);
  return { signers: signerIds(ctx).map((id) => signerSummary(readSignerBundle(ctx, id))) };
}
