// Records of the home's log for the acceptance of signatures (keys page 6, X-14): read, compared and proved by inclusion
// under the newest verified checkpoint. An index only says where to look.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { AuditRecord } from '../../audit/draft.ts';
import { RonError } from '../../errors.ts';
import type { LogPlace } from '../../keys/acceptance.ts';
import { type EpochPaths, epochPaths } from '../../storage/audit-paths.ts';
import { knownRecord, provenRecord, provenSignRecords, storedRecords } from '../../storage/audit-store.ts';
import type { StoreContext } from '../../storage/store-deps.ts';
import type { ProvenLog } from './reader.ts';

type SignedTree = Pick<VerifiedCheckpoint, 'size' | 'root'>;

/** Records of earlier epochs are not proved here: what only they could show is `unavailable`. */
export function provenLog(ctx: StoreContext, epoch: number, checkpoint: SignedTree): ProvenLog {
  const paths = epochPaths(ctx.paths.audit, epoch);
  const proven = (seq: number): AuditRecord => knownRecord(provenRecord(ctx.files, paths, checkpoint, seq).record);
  return {
    epoch,
    record: (place) => (place.epoch === epoch && place.seq < checkpoint.size ? proven(place.seq) : null),
    signRecords: (kid, inputHash) => signPlaces(ctx, paths, epoch, checkpoint, kid, inputHash),
    find: function* (op) {
      const seqs: number[] = [];
      for (const { record, seq } of storedRecords(ctx.files, paths, 0, checkpoint.size))
        if (record.op === op) seqs.push(seq);
      for (const seq of seqs.reverse()) yield { place: { epoch, seq }, record: proven(seq) };
    },
  };
}

function signPlaces(
  ctx: StoreContext,
  paths: EpochPaths,
  epoch: number,
  checkpoint: SignedTree,
  kid: string,
  inputHash: string,
): readonly LogPlace[] | 'unavailable' {
  try {
    const places: LogPlace[] = [];
    for (const { record } of provenSignRecords(ctx.files, paths, checkpoint, kid, inputHash)) {
      places.push({ epoch, seq: record.seq });
    }
    return places.length === 0 && epoch > 0 ? 'unavailable' : places;
  } catch (error) {
    // A segment that is not here (archived, or gone): the answer is open; `audit verify` says which of the two it is.
    if (error instanceof RonError && error.code === 'Tampered' && error.field === 'missing-records')
      return 'unavailable';
    throw error;
  }
}
