// `store reseal`: writes every sealed record again with fresh salts and nonces (store page 9): in a governed store under the
// same root key, because a new one is the governed action root-rotate; in an ungoverned one under a new root key.

import { withSession } from '../../kms/service/session.ts';
import { CUSTODY_KDF, kdfCostJson } from '../../sealed/kdf-parameters.ts';
import type { CustodyStore, SealedPut } from '../../storage/custody-port.ts';
import { recordTypeOf } from '../../storage/custody-records.ts';
import type { OperationDeps } from '../deps.ts';

export interface StoreResealResult {
  readonly dry_run: boolean;
  readonly records: number;
  /** True when every record is under a new root key. */
  readonly new_root: boolean;
  readonly audit: { readonly origin: string; readonly index: number } | null;
}

async function everyRecord(store: CustodyStore): Promise<SealedPut[]> {
  const puts: SealedPut[] = [];
  for (const id of store.recordIds()) puts.push({ id, type: recordTypeOf(id), ...(await store.read(id)) });
  return puts;
}

export async function storeReseal(
  request: { /** The clock is right although far beyond the newest entry. */ readonly confirmTime: boolean },
  deps: OperationDeps,
): Promise<StoreResealResult> {
  const { dryRun, host } = deps;
  const { result } = await withSession(
    deps,
    { dryRun, confirmTime: request.confirmTime, onNotice: (line) => host.log.notice(line) },
    async ({ store, actor }) => {
      const newRoot = store.genesisDigest === null;
      const common = { dry_run: dryRun, records: store.recordIds().length, new_root: newRoot };
      if (dryRun) return { ...common, audit: null };
      const detail = { kdf: kdfCostJson(CUSTODY_KDF) };
      const audit = { op: 'store.reseal', actor, result: 'ok', detail } as const;
      const record = await store.mutate(
        newRoot ? { rotateRoot: true, audit } : { puts: await everyRecord(store), audit },
      );
      return { ...common, audit: { origin: store.origin, index: record.seq } };
    },
  );
  return result;
}
