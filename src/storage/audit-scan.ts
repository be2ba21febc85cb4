// Scans whole segments of an epoch for `audit verify`: leaves, links, semantics, tiles of levels 0 and 1, and the frontier
// at every checkpoint size. It runs in worker threads too, so input and result are plain data.

import { HASH_BYTES } from '../audit/leaf.ts';
import { type SegmentReport, SegmentScan, type TileFault } from '../audit/scan.ts';
import { TILE_WIDTH, type TileReader, tileWidth } from '../audit/tile.ts';
import { foldRoot } from '../audit/tree.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, epochPathsOf, segmentName } from './audit-paths.ts';
import { seekLine, seqOfLine } from './audit-seek.ts';
import { findLine, withFile } from './audit-segment.ts';
import { tileReader } from './audit-tiles.ts';
import { tlogFiles } from './tlog-files.ts';

export interface ScanRequest {
  /** Absolute, `…/e<N>`. */
  readonly directory: string;
  readonly segments: readonly number[];
  readonly semantic: boolean;
  /** Epoch 0: nothing comes before its first record. */
  readonly complete: boolean;
  /** Size that the tiles on disk belong to; 0 = no tiles are checked. */
  readonly tiledSize: number;
  /** Sizes at which the root is wanted, ascending. */
  readonly sizes: readonly number[];
  /** Records below are not read; their leaves come from the tiles, which the caller has verified. */
  readonly start: number;
  /** Sizes of checkpoints, whose last record must be `manifest`. */
  readonly checkpoints: readonly number[];
  /** The directory is one of tlog-tiles, with entry bundles in the place of segments. */
  readonly bundles?: boolean;
  /** Segments that lie in an archive, and the directory that they are in. */
  readonly archive?: { readonly directory: string; readonly numbers: readonly number[] };
}

const CHUNK_BYTES = 1024 * 1024;
const N = LIMITS.auditSegmentRecords;

/** One segment at a time; missing files are passed over. */
export function* scanSegments(files: Files, request: ScanRequest): Generator<SegmentReport> {
  const paths = epochPathsOf(request.directory);
  const scan = new SegmentScan({ semantic: request.semantic, complete: request.complete });
  for (const number of request.segments) {
    const first = number * N;
    const within = (all: readonly number[]): number[] => all.filter((size) => size > first && size <= first + N);
    const sizes = within(request.sizes);
    const manifests = new Set(within(request.checkpoints).map((size) => size - 1));
    const { archive } = request;
    const isThere = archive?.numbers.includes(number) === true;
    const path = isThere ? `${archive.directory}/${segmentName(number)}` : paths.segment(number);
    const entry = request.start > first ? enter(files, paths, path, number, request) : null;
    scan.begin(first, manifests, entry?.leaves ?? null);
    const torn = readAll(files, path, scan, entry?.offset ?? 0);
    if (torn === null) continue;
    const result = scan.end(torn);
    yield {
      number,
      scan: result,
      tiles: request.tiledSize === 0 ? [] : checkTiles(files, paths, scan, number, request.tiledSize),
      roots: sizes
        .filter((size) => size - first <= result.count)
        .map((size) => ({ size, hash: foldRoot(scan.tree.frontier(size - first)) })),
      all: scan.tree.frontier(result.count),
    };
  }
}

/** Where record `start` begins, and the leaves before it; null when the segment has not so many: then it is read whole. */
function enter(
  files: Files,
  paths: EpochPaths,
  path: string,
  number: number,
  request: ScanRequest,
): { readonly leaves: Uint8Array; readonly offset: number } | null {
  const count = request.start - number * N;
  const leaves = leavesFromTiles(tileReader(files, paths), number * N, count, request.tiledSize);
  const offset = withFile(files, path, (file) => {
    if (file === null) return null;
    const { found } = seekLine(file, request.start, seqOfLine);
    if (found !== null) return found.offset;
    const counted = findLine(file, count);
    return 'offset' in counted ? counted.offset : null;
  });
  return leaves === null || offset === null ? null : { leaves, offset };
}

/** Leaf hashes [first, first + count) of a log of `size`, where `first` begins a tile; null when a tile is missing. */
export function leavesFromTiles(read: TileReader, first: number, count: number, size: number): Uint8Array | null {
  const leaves = new Uint8Array(count * HASH_BYTES);
  for (let at = 0; at < count; at += TILE_WIDTH) {
    const index = (first + at) / TILE_WIDTH;
    const bytes = read({ level: 0, index, width: tileWidth(size, 0, index) });
    if (bytes === null) return null;
    leaves.set(bytes.subarray(0, Math.min(TILE_WIDTH, count - at) * HASH_BYTES), at * HASH_BYTES);
  }
  return leaves;
}

/** Feeds a file from a line on to the scan; returns the bytes behind the last LF, or null when the file is missing. */
function readAll(files: Files, path: string, scan: SegmentScan, offset: number): number | null {
  if (files.info(path) === null) return null;
  const file = files.open(path, 'read');
  try {
    const size = file.info().sizeBytes;
    let length = CHUNK_BYTES;
    for (let at = offset; at < size; ) {
      // One byte before the first line becomes its leaf prefix: the LF of the line before, or a spare byte.
      const lead = at === 0 ? 0 : 1;
      const bytes = file.read(at - lead, Math.min(length, size - at) + lead);
      const chunk =
        lead === 1
          ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
          : Buffer.concat([Buffer.alloc(1), bytes]);
      const end = scan.push(chunk, 1);
      if (end === 1 && at + bytes.length - lead >= size) return size - at;
      // A line longer than the chunk: read more of it at once.
      length = end === 1 ? length * 4 : CHUNK_BYTES;
      at += end - 1;
    }
    return 0;
  } finally {
    file.close();
  }
}

function checkTiles(
  files: Files,
  paths: EpochPaths,
  scan: SegmentScan,
  number: number,
  tiledSize: number,
): readonly TileFault[] {
  const read = tileReader(files, paths);
  const faults: TileFault[] = [];
  const check = (level: 0 | 1, index: number, firstInSegment: number, available: number, leavesEach: number): void => {
    const width = tileWidth(tiledSize, level, index);
    if (width === 0) return;
    const bytes = read({ level, index, width });
    if (bytes === null) {
      faults.push({ level, index, seq: null });
      return;
    }
    const height = level === 0 ? 0 : 8;
    const at = scan.tree.firstDifference(height, firstInSegment, Math.min(width, available), bytes);
    if (at !== null) faults.push({ level, index, seq: number * N + at * leavesEach });
  };
  const count = scan.tree.count;
  for (let at = 0; at < N; at += TILE_WIDTH) {
    const index = (number * N + at) / TILE_WIDTH;
    if (tileWidth(tiledSize, 0, index) === 0) break;
    check(0, index, at, Math.max(0, count - at), 1);
  }
  check(1, number, 0, Math.floor(count / TILE_WIDTH), TILE_WIDTH);
  return faults;
}

/** The worker task `audit.scan`. */
export function scanTask(files: Files, input: unknown): SegmentReport[] {
  const request = input as ScanRequest;
  return [...scanSegments(request.bundles === true ? tlogFiles(files, request.directory) : files, request)];
}
