// `store passphrase`: wraps the root of the custody store under a new passphrase, with a new salt and the current cost, in
// one audited commit (store page 8). Old copies still open with the old passphrase: after a person leaves, `root-rotate`
// and rotation of the keys follow.

import { wipe } from '../../bytes/wipe.ts';
import { withSession } from '../../kms/service/session.ts';
import { CUSTODY_KDF, kdfCostJson } from '../../sealed/kdf-parameters.ts';
import type { OperationDeps } from '../deps.ts';

export interface StorePassphraseResult {
  readonly dry_run: boolean;
  readonly changed: boolean;
  /** The record of the change; null in a dry run. */
  readonly audit: { readonly origin: string; readonly index: number } | null;
}

export async function storePassphrase(
  request: { /** The clock is right although far beyond the newest entry. */ readonly confirmTime: boolean },
  deps: OperationDeps,
): Promise<StorePassphraseResult> {
  const { dryRun, host } = deps;
  const { result } = await withSession(
    deps,
    { dryRun, confirmTime: request.confirmTime, onNotice: (line) => host.log.notice(line) },
    async ({ store, actor }) => {
      const passphrase = await deps.passphrases.fresh({ store: 'custody' });
      if (dryRun) {
        wipe(passphrase);
        return null;
      }
      const detail = { kdf: kdfCostJson(CUSTODY_KDF) };
      const record = await store.mutate({ passphrase, audit: { op: 'store.passphrase', actor, result: 'ok', detail } });
      return { origin: store.origin, index: record.seq };
    },
  );
  return { dry_run: dryRun, changed: result !== null, audit: result };
}
