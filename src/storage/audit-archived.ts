// Archived segments as `audit verify` sees them (log page 4.8, 4.9; I-44): with the archive at hand their records are read
// there, after the digest in the `archive` record was compared; without it their hashes are taken from the tiles, so that
// every root is still checked, and the answer is `archived` (11). A segment that no record names is missing.

import type { VerifiedCheckpoint } from '../audit/checkpoint.ts';
import type { Findings } from '../audit/findings.ts';
import type { SegmentReport } from '../audit/scan.ts';
import { subtreeFromTiles } from '../audit/tile.ts';
import { foldRoot, frontierShape } from '../audit/tree.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, segmentName } from './audit-paths.ts';
import { type ArchivedSegment, archivedSegments } from './audit-store.ts';
import { cachedTileReader, tileReader } from './audit-tiles.ts';
import { hashFile } from './file-copy.ts';

const N = LIMITS.auditSegmentRecords;
/** log2 of the records of a segment. */
const SEGMENT_LEVEL = 16;

export interface ArchivedElsewhere {
  /** Found in the archive, with the right digest. */
  readonly readable: readonly { readonly number: number; readonly bytes: number }[];
  /** Their records are not read. */
  readonly unread: readonly number[];
}

/** Segments from number `first` on that are not here and were archived. Adds `archived` and `archive-mismatch`. */
export function archivedElsewhere(
  files: Files,
  { paths, archive }: { readonly paths: EpochPaths; readonly archive: string | null },
  newest: VerifiedCheckpoint | null,
  findings: Findings,
  first = 0,
): ArchivedElsewhere {
  const readable: { number: number; bytes: number }[] = [];
  const unread: number[] = [];
  for (const { n, sha256, bytes, by } of missingArchived(files, paths, newest)) {
    if (n < first) continue;
    const index = n * N;
    const path = `${archive}/${segmentName(n)}`;
    if (archive === null || files.info(path)?.type !== 'file') {
      const message = `records ${index} to ${index + N - 1} were archived, as record ${by} says${archive === null ? '' : `; ${path} is not there`}`;
      findings.add('archived', message, { index });
      unread.push(n);
    } else if (hashFile(files, path) === sha256) readable.push({ number: n, bytes });
    else {
      findings.add('archive-mismatch', `${path} is not the segment that record ${by} archived`, { index });
      unread.push(n);
    }
  }
  return { readable, unread };
}

function missingArchived(files: Files, paths: EpochPaths, newest: VerifiedCheckpoint | null): ArchivedSegment[] {
  if (newest === null) return [];
  let isMissing = false;
  for (let n = 0; (n + 1) * N <= newest.size; n++) isMissing ||= files.info(paths.segment(n)) === null;
  if (!isMissing) return [];
  try {
    const archived = [...archivedSegments(files, paths, newest).values()];
    return archived.filter(({ n }) => files.info(paths.segment(n)) === null).sort((a, b) => a.n - b.n);
  } catch (error) {
    // Records that do not prove name nothing; what is wrong with them is found by the scan.
    if (error instanceof RonError) return [];
    throw error;
  }
}

/** A segment by its tiles; null when they are not all there. */
export function archivedReport(
  files: Files,
  paths: EpochPaths,
  covered: number,
  number: number,
  sizes: readonly number[],
): SegmentReport | null {
  const read = cachedTileReader(tileReader(files, paths));
  const first = number * N;
  const whole = subtreeFromTiles(read, covered, { level: SEGMENT_LEVEL, index: number });
  if (whole === null) return null;
  const roots = sizes
    .filter((size) => size > first && size <= first + N)
    .flatMap((size) => {
      const hashes = frontierShape(size - first).map(({ level, index }) =>
        subtreeFromTiles(read, covered, { level, index: index + first / 2 ** level }),
      );
      return hashes.some((hash) => hash === null)
        ? []
        : [{ size, hash: foldRoot(hashes.flatMap((hash) => hash ?? [])) }];
    });
  const scan = {
    first,
    count: N,
    bytes: 0,
    torn: 0,
    firstPrev: null,
    lastLeaf: null,
    problems: [],
    problemCount: 0,
    ends: null,
    signs: 0,
  };
  return { number, scan, tiles: [], roots, all: [whole], archived: true };
}
