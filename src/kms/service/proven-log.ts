// Records of the home's log for the acceptance of signatures (keys page 6, X-14): read, compared and proved by inclusion
// under the newest verified checkpoint. An index only says where to look.

import { createLogVerifier, type VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { AuditRecord } from '../../audit/draft.ts';
import { type EpochLink, epochLink } from '../../audit/epoch-link.ts';
import { RonError } from '../../errors.ts';
import type { LogPlace } from '../../keys/acceptance.ts';
import { firstKept, importedPaths, isImported, lostRange } from '../../storage/audit-imported.ts';
import { ownLogFile } from '../../storage/audit-log-file.ts';
import { type EpochPaths, epochPaths } from '../../storage/audit-paths.ts';
import {
  knownRecord,
  newestVerifiedCheckpoint,
  presentRecords,
  provenRecord,
  provenSignRecords,
  readSegmentLine,
} from '../../storage/audit-store.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import { homeLog } from '../../storage/trusted-log.ts';
import type { ProvenLog } from './reader.ts';

type SignedTree = Pick<VerifiedCheckpoint, 'size' | 'root'>;

/** An epoch as far as its newest verified checkpoint goes. */
export interface ProvenEpoch {
  readonly n: number;
  readonly paths: EpochPaths;
  readonly checkpoint: SignedTree;
  /** Every record that it ever had is under the checkpoint: nothing was lost behind it. */
  readonly isWhole: boolean;
  /** Records from here on are there; 0 but for a range that was lost and imported. */
  readonly from: number;
}

/** Every epoch, oldest first, each under its own keys and checkpoint; one without a checkpoint is left out. */
function everyEpoch(ctx: StoreContext, newest: Stretch): ProvenEpoch[] {
  const log = ownLogFile(ctx.files, ctx.paths.audit);
  const found = (log?.epochs ?? []).flatMap(({ n }) => {
    if (n >= newest.n) return [];
    const paths = epochPaths(ctx.paths.audit, n);
    const checkpoint = newestVerifiedCheckpoint(ctx.files, paths, createLogVerifier(homeLog(ctx, n).log, ctx.crypto));
    return checkpoint === null ? [] : [{ n, paths, checkpoint }];
  });
  const all = [...found, newest];
  return all.flatMap((one, at) => {
    const next = all[at + 1];
    if (next === undefined) return [{ ...one, isWhole: true, from: 0 }];
    const link = linkInto(ctx, one, next);
    const range = lostRange(link);
    const hasTail = readSegmentLine(ctx.files, one.paths, one.checkpoint.size) !== null;
    if (range === null) return [{ ...one, isWhole: link !== null && !hasTail, from: 0 }];
    if (!isImported(ctx.files, one.paths)) return [{ ...one, isWhole: false, from: 0 }];
    const paths = importedPaths(one.paths);
    const imported = { n: one.n, paths, checkpoint: range.tree, isWhole: true, from: firstKept(range) };
    return [{ ...one, isWhole: true, from: 0 }, imported];
  });
}

type Stretch = Omit<ProvenEpoch, 'isWhole' | 'from'>;

/** What the next epoch, whose first record is proved, says of the end of this one. */
function linkInto(ctx: StoreContext, { n }: Stretch, next: Stretch): EpochLink | null {
  if (next.n !== n + 1 || next.checkpoint.size === 0) return null;
  return epochLink(knownRecord(provenRecord(ctx.files, next.paths, next.checkpoint, 0).record));
}

/** Records of every epoch, each proved under the newest checkpoint of its own. */
export function provenLog(ctx: StoreContext, epoch: number, checkpoint: SignedTree): ProvenLog {
  const newest: ProvenEpoch = {
    n: epoch,
    paths: epochPaths(ctx.paths.audit, epoch),
    checkpoint,
    isWhole: true,
    from: 0,
  };
  let known: readonly ProvenEpoch[] | null = epoch === 0 ? [newest] : null;
  const epochs = (): readonly ProvenEpoch[] => {
    known ??= everyEpoch(ctx, newest);
    return known;
  };
  const proven = ({ paths, checkpoint: tree }: ProvenEpoch, seq: number): AuditRecord =>
    knownRecord(provenRecord(ctx.files, paths, tree, seq).record);
  return {
    epoch,
    record: (place) => {
      const isThere = (one: ProvenEpoch): boolean =>
        one.n === place.epoch && place.seq >= one.from && place.seq < one.checkpoint.size;
      const of = place.epoch === epoch ? newest : epochs().find(isThere);
      return of === undefined || !isThere(of) ? null : proven(of, place.seq);
    },
    signRecords: (kid, inputHash) => signPlaces(ctx, epoch, epochs(), kid, inputHash),
    find: function* (op) {
      for (const one of epochs().toReversed()) {
        const seqs: number[] = [];
        // A segment that is not here says nothing: what it could show stays open.
        for (const { record, seq } of presentRecords(ctx.files, one.paths, one.checkpoint.size))
          if (record.op === op) seqs.push(seq);
        for (const seq of seqs.reverse()) yield { place: { epoch: one.n, seq }, record: proven(one, seq) };
      }
    },
  };
}

function signPlaces(
  ctx: StoreContext,
  newest: number,
  epochs: readonly ProvenEpoch[],
  kid: string,
  inputHash: string,
): readonly LogPlace[] | 'unavailable' {
  const places: LogPlace[] = [];
  // An epoch whose checkpoint does not verify is not in the list; one whose end was lost may have held the record.
  let isWhole = new Set(epochs.map((one) => one.n)).size === newest + 1;
  for (const { n, paths, checkpoint, from, isWhole: own } of epochs) {
    isWhole &&= own;
    try {
      for (const { record } of provenSignRecords(ctx.files, paths, checkpoint, kid, inputHash, from)) {
        places.push({ epoch: n, seq: record.seq });
      }
    } catch (error) {
      // A segment that is not here (archived, or gone): the answer is open; `audit verify` says which of the two it is.
      if (!(error instanceof RonError) || (error.field !== 'missing-records' && error.field !== 'archived'))
        throw error;
      isWhole = false;
    }
  }
  return places.length === 0 && !isWhole ? 'unavailable' : places;
}
