// Where `audit verify --since-anchor` begins to read (log page 4.8): the tree before a verified checkpoint, from the stored
// tiles. They count only when they have the root of the checkpoint. What does not fit is a finding: a wrong tile, or, when
// the tiles have the root that the log itself signs, a fork.

import type { VerifiedCheckpoint } from '../audit/checkpoint.ts';
import type { Finding } from '../audit/findings.ts';
import { NO_PREVIOUS } from '../audit/leaf.ts';
import { SegmentTree } from '../audit/segment-tree.ts';
import { frontierFromTiles, subtreeFromTiles, type TileReader } from '../audit/tile.ts';
import { foldRoot } from '../audit/tree.ts';
import type { ScanBase } from '../audit/verify.ts';
import { equalBytes } from '../bytes/equal.ts';
import { toHex } from '../bytes/hex.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import type { EpochPaths } from './audit-paths.ts';
import { leavesFromTiles } from './audit-scan.ts';
import { cachedTileReader, tileReader } from './audit-tiles.ts';

const N = LIMITS.auditSegmentRecords;

export interface BaseRequest {
  readonly from: VerifiedCheckpoint;
  /** Newest own checkpoint: its tiles are those on disk. */
  readonly newest: VerifiedCheckpoint | null;
  /** Older ones among them are compared with the tiles too. */
  readonly known: readonly { readonly size: number }[];
}

const rootAt = (read: TileReader, size: number): Uint8Array | null => {
  const frontier = frontierFromTiles(read, size);
  return frontier === null ? null : foldRoot(frontier);
};

const missing = (size: number): { finding: Finding } => ({
  finding: { code: 'tile-missing', message: `a hash tile of the log of size ${size} is missing; verify all of it` },
});

export function scanBase(
  files: Files,
  paths: EpochPaths,
  request: BaseRequest,
): ScanBase | { readonly finding: Finding } {
  const { from, newest } = request;
  // What lies below the anchor and is not covered by an own checkpoint is judged by comparing sizes.
  const start = Math.min(from.size, newest?.size ?? 0);
  const tiles = cachedTileReader(tileReader(files, paths));
  const segment = Math.floor(start / N);
  const roots = new Map<number, Uint8Array>();
  if (start === from.size) {
    const root = rootAt(tiles, start);
    if (root === null) return missing(start);
    if (!equalBytes(root, from.root)) return { finding: differing(tiles, request) };
  }
  for (const size of new Set([start, ...request.known.map((one) => one.size)])) {
    const root = size > 0 && size <= start ? rootAt(tiles, size) : null;
    if (root !== null) roots.set(size, root);
  }
  const frontier = frontierFromTiles(tiles, segment * N);
  const leaves = leavesFromTiles(tiles, segment * N, start - segment * N, start);
  if (frontier === null || leaves === null) return missing(start);
  // Levels above the leaves have just been compared; the leaves themselves are what the scan goes on from.
  const tree = new SegmentTree();
  tree.appendAll(leaves);
  const whole = foldRoot([...frontier, ...tree.frontier(tree.count)]);
  const expected = roots.get(start);
  if (expected !== undefined && !equalBytes(whole, expected)) return { finding: wrongTiles(start) };
  return { start, frontier, lastLeaf: leafBefore(tiles, start, segment), roots };
}

/** Null when reading begins inside the segment: its first record is linked by the scan. */
function leafBefore(tiles: TileReader, start: number, segment: number): string | null {
  if (start === 0) return NO_PREVIOUS;
  if (start > segment * N) return null;
  const leaf = subtreeFromTiles(tiles, start, { level: 0, index: start - 1 });
  return leaf === null ? null : toHex(leaf);
}

const wrongTiles = (size: number): Finding => ({
  code: 'tile-mismatch',
  message: `the hash tiles do not have the root of the checkpoint of size ${size}; verify all of the log`,
});

/** Tiles that fit the newest own checkpoint and not the anchor: the log is another one. */
function differing(tiles: TileReader, { from, newest }: BaseRequest): Finding {
  const own = newest === null ? null : rootAt(tiles, newest.size);
  if (newest === null || own === null || !equalBytes(own, newest.root)) return wrongTiles(from.size);
  const message = `the log has another root at size ${from.size} than the checkpoint to begin at`;
  return { code: 'fork', index: Math.max(0, from.size - 1), message };
}
