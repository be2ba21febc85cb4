// `store status`: what the store is, how far its head is authenticated, how large it is, how fast it grows and how
// many days of that the disk still takes. No passphrase, no lock.

import { fromTime, toTime } from '../../bytes/time.ts';
import type { Files } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import { epochPaths, segmentNumber } from '../../storage/audit-paths.ts';
import { recordAt, unsignedTail } from '../../storage/custody-log.ts';
import { refuseMissingFiles } from '../../storage/custody-recovery.ts';
import { custodyPaths } from '../../storage/custody-state.ts';
import { filesBelow } from '../../storage/file-copy.ts';
import { type HolderFile, readHolder } from '../../storage/holder.ts';
import { readHome } from '../../storage/home.ts';
import { readPublicView, readStoreAge } from '../../storage/public-reader.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';

export interface StoreStatusResult {
  readonly home: string;
  readonly store_id: string;
  readonly trust: 'authenticated' | 'local' | 'not-authenticated';
  readonly generation: number;
  readonly ledger_id: string | null;
  readonly ledger_lines: number;
  readonly keys: number;
  readonly key_versions: number;
  readonly log: {
    readonly origin: string;
    /** Records under the newest checkpoint. */
    readonly size: number;
    /** Whole records behind it. */
    readonly behind: number;
    readonly checkpoint_at: string | null;
  };
  /** Who wrote holder.json last; a leftover when nothing runs. */
  readonly holder: HolderFile | null;
  /** Set after `store restore`: the store only verifies. */
  readonly restored_at: string | null;
  /** What newer this home knows than the store shows: it was rolled back. */
  readonly rolled_back: string | null;
  readonly disk: {
    readonly bytes: { readonly store: number; readonly ledger: number; readonly audit: number };
    /** Mean since the first record of this epoch; null in its first hour. */
    readonly audit_bytes_per_day: number | null;
    /** The same of ledger and store since their beginning. */
    readonly ledger_bytes_per_day: number | null;
    readonly store_bytes_per_day: number | null;
    readonly free_bytes: number;
    /** Days until the disk is full at these rates together; null when nothing grows. */
    readonly days_left: number | null;
  };
}

const DAY_MS = 24 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;

function bytesBelow(files: Files, directory: string): number {
  return filesBelow(files, directory).reduce(
    (sum, name) => sum + (files.info(`${directory}/${name}`)?.sizeBytes ?? 0),
    0,
  );
}

export async function storeStatus(deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>): Promise<StoreStatusResult> {
  const ctx = await storeContext(deps);
  const { files, paths } = ctx;
  const { view, trust, home, checkpoint } = readPublicView(ctx, { mayBeOld: true });
  const { restored, behind } = readStoreAge(ctx);
  refuseMissingFiles(files, custodyPaths(ctx));
  const epoch = epochPaths(paths.audit, home.epoch);
  const size = checkpoint?.size ?? 0;
  const tail = unsignedTail(files, epoch, size);
  const bytes = {
    store: bytesBelow(files, paths.store),
    ledger: bytesBelow(files, paths.ledger),
    audit: bytesBelow(files, paths.audit),
  };
  // What was archived no longer counts.
  const segments = files.list(epoch.segments).flatMap((name) => segmentNumber(name) ?? []);
  const firstSeq = Math.min(...segments) * LIMITS.auditSegmentRecords;
  const first = firstSeq >= size ? tail[0] : recordAt(files, epoch, firstSeq, size);
  const ageMs = first === undefined ? 0 : ctx.clock.now() - fromTime(first.ts);
  const epochBytes = bytesBelow(files, epoch.directory);
  const rate = (size: number, forMs: number): number | null =>
    forMs < HOUR_MS ? null : Math.ceil((size * DAY_MS) / forMs);
  const created = readHome(files, paths)?.created_at;
  const homeMs = created === undefined ? ageMs : ctx.clock.now() - fromTime(created);
  const rates = {
    audit: rate(epochBytes, ageMs),
    ledger: rate(bytes.ledger, homeMs),
    store: rate(bytes.store, homeMs),
  };
  const perDay = rates.audit === null ? null : rates.audit + (rates.ledger ?? 0) + (rates.store ?? 0);
  const { freeBytes } = files.fileSystem(paths.audit);
  return {
    home: paths.home,
    store_id: view.store_id,
    trust,
    generation: view.generation,
    ledger_id: view.ledger_id,
    ledger_lines: view.ledger === null ? 0 : view.ledger.seq + 1,
    keys: view.keys.length,
    key_versions: view.keys.reduce((sum, key) => sum + key.versions.length, 0),
    log: {
      origin: home.log.origin,
      size,
      behind: tail.length,
      checkpoint_at: checkpoint === null ? null : toTime(checkpoint.timestamp * 1000),
    },
    holder: readHolder(files, paths.holder),
    restored_at: restored,
    rolled_back: behind,
    disk: {
      bytes,
      audit_bytes_per_day: rates.audit,
      ledger_bytes_per_day: rates.ledger,
      store_bytes_per_day: rates.store,
      free_bytes: freeBytes,
      days_left: perDay === null || perDay === 0 ? null : Math.floor(freeBytes / perDay),
    },
  };
}
