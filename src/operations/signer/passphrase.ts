// `signer passphrase`: wraps the root of a signer store under a new passphrase, with a new salt (store page 8). Old copies
// still open with the old passphrase.

import { wipe } from '../../bytes/wipe.ts';
import { openSigner } from '../../storage/signer-store.ts';
import type { OperationDeps } from '../deps.ts';

export interface SignerPassphraseResult {
  readonly id: string;
  readonly dry_run: boolean;
  readonly changed: boolean;
}

export async function signerPassphrase(
  request: { readonly id: string },
  deps: OperationDeps,
): Promise<SignerPassphraseResult> {
  const { id } = request;
  const signer = await openSigner(deps, id, { dryRun: deps.dryRun });
  try {
    const passphrase = await deps.passphrases.fresh({ store: 'signer', id });
    if (deps.dryRun) wipe(passphrase);
    else await signer.changePassphrase(passphrase);
    return { id, dry_run: deps.dryRun, changed: !deps.dryRun };
  } finally {
    signer.close();
  }
}
