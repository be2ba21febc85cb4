// Hash tiles as in C2SP tlog-tiles: tile/<L>/<N>[.p/<W>] holds up to 256 hashes of the perfect subtrees of level 8*L, from
// index N*256 on. A full tile is 8,192 bytes; a partial one has W hashes, W = floor(size / 256^L) mod 256.

import { HASH_BYTES, nodeHash } from './leaf.ts';
import { frontierShape, type Subtree, shiftRight } from './tree.ts';

export const TILE_WIDTH = 256;
export const TILE_HEIGHT = 8;

export interface Tile {
  readonly level: number;
  readonly index: number;
  /** 1..256 */
  readonly width: number;
}

/** `x001/x234/067` for 1234067. */
export function tileIndexPath(index: number): string {
  const groups: string[] = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  return groups.join('/');
}

/** Path below the epoch directory. */
export function tilePath(tile: Tile): string {
  const partial = tile.width === TILE_WIDTH ? '' : `.p/${tile.width}`;
  return `tile/${tile.level}/${tileIndexPath(tile.index)}${partial}`;
}

/** How many hashes tile level L holds in a log of `size`. */
export const tileLevelCount = (size: number, level: number): number => shiftRight(size, TILE_HEIGHT * level);

/** The width of tile (level, index) in a log of `size`; 0 when it does not exist. */
export function tileWidth(size: number, level: number, index: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, tileLevelCount(size, level) - index * TILE_WIDTH));
}

/** All tiles of a log of `size`, level by level, that have hashes beyond those of a log of `from`. */
export function* tilesBetween(from: number, size: number): Generator<Tile> {
  for (let level = 0; tileLevelCount(size, level) > 0; level++) {
    const first = Math.floor(tileLevelCount(from, level) / TILE_WIDTH);
    const count = tileLevelCount(size, level);
    if (count === tileLevelCount(from, level)) continue;
    for (let index = first; index * TILE_WIDTH < count; index++) {
      yield { level, index, width: tileWidth(size, level, index) };
    }
  }
}

/** The hash at a place of a tile. */
export function tileHash(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
}

/** Root of the hashes [from, from + 2^height) of one tile. */
export function tileSubtree(bytes: Uint8Array, from: number, height: number): Uint8Array {
  if (height === 0) return tileHash(bytes, from);
  const half = 2 ** (height - 1);
  return nodeHash(tileSubtree(bytes, from, height - 1), tileSubtree(bytes, from + half, height - 1));
}

/** Reads a tile of a log, or null when it is missing or has another length. */
export type TileReader = (tile: Tile) => Uint8Array | null;

/** Reads the hash of a perfect subtree of a log of `size` from its tiles; null when the tile is missing. */
export function subtreeFromTiles(read: TileReader, size: number, subtree: Subtree): Uint8Array | null {
  const level = Math.floor(subtree.level / TILE_HEIGHT);
  const height = subtree.level % TILE_HEIGHT;
  const first = subtree.index * 2 ** height;
  const index = Math.floor(first / TILE_WIDTH);
  const width = tileWidth(size, level, index);
  const at = first % TILE_WIDTH;
  if (at + 2 ** height > width) return null;
  const bytes = read({ level, index, width });
  return bytes === null ? null : tileSubtree(bytes, at, height);
}

/** Frontier hashes of a log of `size` from its tiles; null when a tile is missing. */
export function frontierFromTiles(read: TileReader, size: number): Uint8Array[] | null {
  const out: Uint8Array[] = [];
  for (const subtree of frontierShape(size)) {
    const hash = subtreeFromTiles(read, size, subtree);
    if (hash === null) return null;
    out.push(hash);
  }
  return out;
}
