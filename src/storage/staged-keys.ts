// New service or log keys that a restored store holds ready (governance page 6, log page 4.7): store/service-keys.next and
// store/log-keys.next, sealed records outside the manifest, made when a restore-accept is proposed and taken into the store by
// the mutation that opens its new epoch. Nothing counts by lying there: the quorum approves the public halves. Refuses a file
// that does not open under the root key of this store (Tampered).

import { toTime } from '../bytes/time.ts';
import { wipe } from '../bytes/wipe.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { openRecord } from '../sealed/open.ts';
import { sealRecord } from '../sealed/seal.ts';
import type { SealedItem, SealedPut } from './custody-port.ts';
import type { CustodyPaths, CustodyState } from './custody-state.ts';
import { removeFilesNow, writeFile } from './durable-file.ts';
import type { StoreContext } from './store-deps.ts';

export type StagedKeys = 'service-keys' | 'log-keys';

const STAGED: readonly StagedKeys[] = ['service-keys', 'log-keys'];

const pathOf = (paths: Pick<CustodyPaths, 'directory'>, which: StagedKeys): string =>
  `${paths.directory}/${which}.next`;

/** Null when none are staged. The caller wipes the secret. */
export function readStaged(
  ctx: StoreContext,
  paths: CustodyPaths,
  { storeId, rootKey }: Pick<CustodyState, 'storeId' | 'rootKey'>,
  which: StagedKeys,
): SealedItem | null {
  const path = pathOf(paths, which);
  const bytes = ctx.files.read(path, LIMITS.sealedRecordBytes);
  if (bytes === null) return null;
  const { meta, secret } = openRecord(ctx.crypto, rootKey, bytes, { storeId, id: which, type: which }, path);
  return { meta, secret };
}

/** Durable when resolved; wipes the secret of `put`. */
export async function writeStaged(
  ctx: StoreContext,
  paths: CustodyPaths,
  { storeId, rootKey, manifest }: Pick<CustodyState, 'storeId' | 'rootKey' | 'manifest'>,
  put: SealedPut & { readonly id: StagedKeys },
): Promise<void> {
  const of = { storeId, generation: manifest.generation + 1, createdAt: toTime(ctx.clock.now()), ...put };
  const bytes = sealRecord(ctx.crypto, (length) => ctx.random.bytes(length), rootKey, of);
  wipe(put.secret);
  await writeFile(ctx, pathOf(paths, put.id), bytes);
}

/** Once they are in the store, or no restore waits for them any more. */
export function dropStaged(files: Files, paths: Pick<CustodyPaths, 'directory'>): void {
  const left = STAGED.map((which) => pathOf(paths, which)).filter((path) => files.info(path) !== null);
  if (left.length > 0) removeFilesNow(files, left);
}
