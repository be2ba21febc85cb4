// Scans whole segments of an epoch for `audit verify`: leaves, links, semantics, tiles of levels 0 and 1, and the frontier
// at every checkpoint size. It runs in worker threads too, so input and result are plain data.

import { HASH_BYTES } from '../audit/leaf.ts';
import { type SegmentReport, SegmentScan, type TileFault } from '../audit/scan.ts';
import { TILE_WIDTH, type Tile, type TileReader, tileWidth } from '../audit/tile.ts';
import { foldRoot } from '../audit/tree.ts';
import { sha256Stream } from '../crypto/hash.ts';
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
  /** In the order in which they are scanned. */
  readonly segments: readonly number[];
  /** One shared word, how many of them were begun: whoever is free takes the next. */
  readonly begun: Int32Array;
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
  /** Reports carry the digest of what was read. */
  readonly digests?: boolean;
  /** Of segments that an earlier run has reported: those that are the same still, byte for byte, are not scanned. */
  readonly kept?: ReadonlyMap<number, string>;
  /** Segments that lie in an archive, and the directory that they are in. */
  readonly archive?: { readonly directory: string; readonly numbers: readonly number[] };
}

const CHUNK_BYTES = 1024 * 1024;
const N = LIMITS.auditSegmentRecords;

/** In the place of a report: the digest is that of the kept one. */
export interface Unchanged {
  readonly number: number;
  readonly unchanged: true;
}

/** One segment at a time, of those that nobody else has begun; missing files are passed over. */
export function* scanSegments(files: Files, request: ScanRequest): Generator<SegmentReport | Unchanged> {
  const paths = epochPathsOf(request.directory);
  const scan = new SegmentScan({ semantic: request.semantic, complete: request.complete });
  const memory = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (const number of unbegun(request)) {
    const first = number * N;
    const within = (all: readonly number[]): number[] => all.filter((size) => size > first && size <= first + N);
    const sizes = within(request.sizes);
    const manifests = new Set(within(request.checkpoints).map((size) => size - 1));
    const { archive } = request;
    const isThere = archive?.numbers.includes(number) === true;
    const path = isThere ? `${archive.directory}/${segmentName(number)}` : paths.segment(number);
    const known = request.kept?.get(number);
    if (known !== undefined && digestNow(files, paths, path, number, request.tiledSize) === known) {
      yield { number, unchanged: true };
      continue;
    }
    const digest = request.digests === true ? sha256Stream() : null;
    const entry = request.start > first ? enter(files, paths, path, number, request) : null;
    scan.begin(first, manifests, entry?.leaves ?? null);
    const torn = readAll(files, path, scan, entry?.offset ?? 0, digest, memory);
    if (torn === null) continue;
    const result = scan.end(torn);
    const read = digestedTiles(tileReader(files, paths), digest);
    yield {
      number,
      scan: result,
      tiles: request.tiledSize === 0 ? [] : checkTiles(read, scan, number, request.tiledSize),
      ...(digest === null ? {} : { digest: digest.hex() }),
      roots: sizes
        .filter((size) => size - first <= result.count)
        .map((size) => ({ size, hash: foldRoot(scan.tree.frontier(size - first)) })),
      all: scan.tree.frontier(result.count),
    };
  }
}

function* unbegun({ segments, begun }: ScanRequest): Generator<number> {
  for (let at = Atomics.add(begun, 0, 1); at < segments.length; at = Atomics.add(begun, 0, 1)) yield segments[at]!;
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
function readAll(
  files: Files,
  path: string,
  scan: SegmentScan,
  offset: number,
  digest: Digest | null,
  memory: Buffer,
): number | null {
  if (files.info(path) === null) return null;
  let chunk = memory;
  const file = files.open(path, 'read');
  try {
    const size = file.info().sizeBytes;
    let digested = offset;
    for (let at = offset; at < size; ) {
      const wanted = Math.min(chunk.length - 1, size - at);
      // One byte stays free: it becomes the leaf prefix of the first line.
      const bytes = file.read(at, wanted, chunk.subarray(1));
      if (bytes.buffer !== chunk.buffer) chunk.set(bytes, 1);
      const read = 1 + bytes.length;
      // The scan writes into the chunk: what is new in it is digested first.
      if (digest !== null && at + bytes.length > digested) {
        digest.update(chunk.subarray(1 + digested - at, read));
        digested = at + bytes.length;
      }
      const end = scan.push(chunk.subarray(0, read), 1);
      if (end === 1 && (wanted === size - at || bytes.length < wanted)) return size - at;
      // A line longer than the chunk: read more of it at once.
      if (end === 1) chunk = Buffer.allocUnsafeSlow(chunk.length * 4);
      at += end - 1;
    }
    return 0;
  } finally {
    file.close();
  }
}

type Digest = ReturnType<typeof sha256Stream>;

const NO_TILE = Uint8Array.of(0);

/** Every tile that is read, or that it is missing, goes into the digest. */
function digestedTiles(read: TileReader, digest: Digest | null): TileReader {
  if (digest === null) return read;
  return (tile) => {
    const bytes = read(tile);
    digest.update(bytes ?? NO_TILE);
    return bytes;
  };
}

/** The digest that a scan of the segment as it is now would give; null when the file is gone. */
function digestNow(files: Files, paths: EpochPaths, path: string, number: number, tiledSize: number): string | null {
  const digest = sha256Stream();
  const isThere = withFile(files, path, (file) => {
    if (file === null) return false;
    const size = file.info().sizeBytes;
    for (let at = 0; at < size; ) {
      const bytes = file.read(at, Math.min(CHUNK_BYTES, size - at));
      if (bytes.length === 0) return false;
      digest.update(bytes);
      at += bytes.length;
    }
    return true;
  });
  if (!isThere) return null;
  const read = digestedTiles(tileReader(files, paths), digest);
  for (const tile of tilesOf(number, tiledSize)) read(tile);
  return digest.hex();
}

/** The tiles of levels 0 and 1 of one segment, in the order in which they are checked. */
function* tilesOf(number: number, tiledSize: number): Generator<Tile> {
  for (let at = 0; at < N; at += TILE_WIDTH) {
    const index = (number * N + at) / TILE_WIDTH;
    const width = tileWidth(tiledSize, 0, index);
    if (width === 0) break;
    yield { level: 0, index, width };
  }
  const width = tileWidth(tiledSize, 1, number);
  if (width > 0) yield { level: 1, index: number, width };
}

function checkTiles(read: TileReader, scan: SegmentScan, number: number, tiledSize: number): readonly TileFault[] {
  const faults: TileFault[] = [];
  const { count } = scan.tree;
  for (const { level, index, width } of tilesOf(number, tiledSize)) {
    const bytes = read({ level, index, width });
    if (bytes === null) {
      faults.push({ level, index, seq: null });
      continue;
    }
    const each = level === 0 ? 1 : TILE_WIDTH;
    const first = level === 0 ? index * TILE_WIDTH - number * N : 0;
    const available = Math.max(0, Math.floor(count / each) - first);
    const at = scan.tree.firstDifference(level === 0 ? 0 : 8, first, Math.min(width, available), bytes);
    if (at !== null) faults.push({ level, index, seq: number * N + at * each });
  }
  return faults;
}

/** The worker task `audit.scan`: gives out every report as it is made. */
export function scanTask(files: Files, input: unknown, emit: (part: unknown) => void): void {
  const request = input as ScanRequest;
  const source = request.bundles === true ? tlogFiles(files, request.directory) : files;
  for (const report of scanSegments(source, request)) emit(report);
}
