// `signer backup`: the key pairs of a signer in one file under a passphrase of its own, without the memory (store page 9).
// Attack: a restored memory forgets a vote already given.

import { openSigner } from '../../storage/signer-store.ts';
import type { OperationDeps } from '../deps.ts';
import { type SignerSummary, signerSummary } from './summary.ts';

export interface SignerBackupResult {
  readonly signer: SignerSummary;
  readonly pairs: number;
  readonly out: string;
  readonly dry_run: boolean;
}

/** The bytes go to the output that the command names. */
export async function signerBackup(
  request: { readonly id: string; readonly out: string },
  deps: OperationDeps,
): Promise<{ readonly result: SignerBackupResult; readonly bytes: Uint8Array }> {
  const { id } = request;
  const signer = await openSigner(deps, id, { dryRun: deps.dryRun });
  try {
    const bytes = await signer.backup(await deps.passphrases.fresh({ store: 'signer', id }));
    const result = {
      signer: signerSummary(signer.bundle),
      pairs: signer.pairs.length,
      out: request.out,
      dry_run: deps.dryRun,
    };
    return { result, bytes };
  } finally {
    signer.close();
  }
}
