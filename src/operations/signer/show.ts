// `signer show`: one identity of this home, from its public bundle; no passphrase.

import { bundlePath, readSignerBundle } from '../../storage/signer-bundle-file.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { type SignerSummary, signerSummary } from './summary.ts';

export type SignerShowResult = SignerSummary & { readonly file: string };

export async function signerShow(
  request: { readonly id: string },
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>,
): Promise<SignerShowResult> {
  const ctx = await storeContext(deps);
  const bundle = readSignerBundle(ctx, request.id);
  return { ...signerSummary(bundle), file: bundlePath(ctx.paths.signer(request.id)) };
}
