// `audit archive` (log page 4.9, I-44): full segments of the newest epoch leave the home. Each is compared with its tiles,
// copied, synced and read again before the `archive` record names its digest; only under the checkpoint that follows is it
// removed here. Tiles and indexes stay, so that every root and proof path does. Run again after a crash, it goes on: copies
// that are there and right are kept, segments that a record names already are only removed.
// Layout of the archive: DIR/e<N>/segments/<six digits>.jsonl; a copy gets its name when it is whole. Refuses segments that do not fit their tiles (Tampered), and
// another file in the place of a copy (Exists).

import type { VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { leafHash } from '../audit/leaf.ts';
import { subtreeFromTiles } from '../audit/tile.ts';
import { Frontier } from '../audit/tree.ts';
import { equalBytes } from '../bytes/equal.ts';
import { fromTime } from '../bytes/time.ts';
import { fail, RonError } from '../errors.ts';
import type { Files, Millis, OnProgress } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, segmentName } from './audit-paths.ts';
import { segmentLines, withFile } from './audit-segment.ts';
import { archivedSegments, provenRecord } from './audit-store.ts';
import { cachedTileReader, tileReader } from './audit-tiles.ts';
import { directoryOf, ensureDirectory, renameFiles, TEMPORARY_SUFFIX } from './durable-file.ts';
import { copyFile, hashFile } from './file-copy.ts';

const N = LIMITS.auditSegmentRecords;
const SEGMENT_LEVEL = 16;

export const segmentsInArchive = (archive: string, epoch: number): string => `${archive}/e${epoch}/segments`;

type SignedTree = Pick<VerifiedCheckpoint, 'size' | 'root'>;

export interface ArchivePlan {
  /** Numbers of segments to copy and to record. */
  readonly fresh: readonly number[];
  /** Recorded by an earlier run, and still here. */
  readonly recorded: readonly number[];
}

/**
 * Full segments below `before` and the checkpoint whose last record is older than `keepSinceMs`: repeated requests are found
 * in the records of 24 hours (log page 4.10).
 */
export function planArchive(
  files: Files,
  paths: EpochPaths,
  checkpoint: SignedTree,
  request: { readonly before: number; readonly keepSinceMs: Millis },
): ArchivePlan {
  const archived = archivedSegments(files, paths, checkpoint);
  const end = Math.min(request.before, checkpoint.size);
  const fresh: number[] = [];
  const recorded: number[] = [];
  for (let n = 0; (n + 1) * N <= end; n++) {
    if (files.info(paths.segment(n)) === null) continue;
    if (archived.has(n)) {
      recorded.push(n);
      continue;
    }
    const { record } = provenRecord(files, paths, checkpoint, (n + 1) * N - 1);
    if (fromTime('newer' in record ? '' : record.ts) >= request.keepSinceMs) break;
    fresh.push(n);
  }
  return { fresh, recorded };
}

export interface CopiedSegment {
  readonly n: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** Copies one segment and reads the copy again. */
async function copySegment(
  files: Files,
  target: Files,
  paths: EpochPaths,
  checkpoint: SignedTree,
  n: number,
  to: string,
): Promise<CopiedSegment> {
  const from = paths.segment(n);
  demandFits(files, paths, checkpoint, n);
  const sha256 = hashFile(files, from);
  if (target.info(to) === null) {
    // What an interrupted run left is not gone on with: a copy is made in one go.
    const unnamed = `${to}${TEMPORARY_SUFFIX}`;
    if (target.info(unnamed) !== null) target.remove(unnamed);
    await copyFile(files, from, target, unnamed);
    await renameFiles(target, [{ from: unnamed, to }]);
  }
  if (hashFile(target, to) !== sha256) {
    throw new RonError('Exists', `${to} is there, and is not segment ${n}`, {
      field: '--to',
      hint: 'Name another directory.',
    });
  }
  return { n, bytes: files.info(from)!.sizeBytes, sha256 };
}

/** What is archived must be what was signed: afterwards only the digest says it. */
function demandFits(files: Files, paths: EpochPaths, checkpoint: SignedTree, n: number): void {
  const frontier = new Frontier();
  withFile(files, paths.segment(n), (file) => {
    for (const { line, complete } of file === null ? [] : segmentLines(file)) {
      if (complete) frontier.append(leafHash(line));
    }
  });
  const read = cachedTileReader(tileReader(files, paths));
  const stored = subtreeFromTiles(read, checkpoint.size, { level: SEGMENT_LEVEL, index: n });
  if (frontier.size === N && stored !== null && equalBytes(frontier.root(), stored)) return;
  fail('Tampered', `segment ${n} does not fit its tiles: it is not archived`, { field: 'leaf-mismatch' });
}

/** Every copy is durable, with its directories, when resolved. */
export async function copySegments(
  { files, target, onProgress }: { readonly files: Files; readonly target: Files; readonly onProgress: OnProgress },
  paths: EpochPaths,
  checkpoint: SignedTree,
  numbers: readonly number[],
  directory: string,
): Promise<CopiedSegment[]> {
  const copied: CopiedSegment[] = [];
  for (const path of [directoryOf(directoryOf(directory)), directoryOf(directory), directory]) {
    ensureDirectory(target, path);
  }
  for (const n of numbers) {
    copied.push(await copySegment(files, target, paths, checkpoint, n, `${directory}/${segmentName(n)}`));
    onProgress({ phase: 'archive', done: copied.length, total: numbers.length, unit: 'files' });
  }
  for (const path of [directory, directoryOf(directory), directoryOf(directoryOf(directory))]) {
    target.syncDirectoryNow(path);
  }
  return copied;
}

/** Removes segments that are recorded under a checkpoint, when the archive holds them. */
export function removeArchived(
  { files, target }: { readonly files: Files; readonly target: Files },
  paths: EpochPaths,
  checkpoint: SignedTree,
  numbers: readonly number[],
  directory: string,
): void {
  const archived = archivedSegments(files, paths, checkpoint);
  for (const n of numbers) {
    const path = `${directory}/${segmentName(n)}`;
    const named = archived.get(n) ?? fail('Internal', `segment ${n} is in no archive record`);
    if (target.info(path) === null || hashFile(target, path) !== named.sha256) {
      fail('NotFound', `${path} is not the segment that record ${named.by} archived; segment ${n} stays here`, {
        field: '--to',
        hint: 'Name the directory that it was archived to.',
      });
    }
  }
  for (const n of numbers) files.remove(paths.segment(n));
  files.syncDirectoryNow(paths.segments);
}
