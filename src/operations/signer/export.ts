// `signer export`: the public bundle as a file for the others; no passphrase. Private parts never leave the store.

import { envelopeFile } from '../../envelope/dsse.ts';
import { readSignerBundle } from '../../storage/signer-bundle-file.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { type SignerSummary, signerSummary } from './summary.ts';

export type SignerExportResult = SignerSummary & { readonly out: string; readonly dry_run: boolean };

/** The bytes go to the output that the command names; the result says what they are. */
export async function signerExport(
  request: { readonly id: string; readonly out: string },
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'dryRun'>,
): Promise<{ readonly result: SignerExportResult; readonly bytes: Uint8Array }> {
  const bundle = readSignerBundle(await storeContext(deps), request.id);
  const result = { ...signerSummary(bundle), out: request.out, dry_run: deps.dryRun };
  return { result, bytes: envelopeFile(bundle.envelope) };
}
