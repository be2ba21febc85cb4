// Hash tiles on disk (log page 4.3): written and synced before the checkpoint that needs them. Only the newest partial
// widths stay; an older width is cut from a wider tile. Nothing here is trusted: the root decides.

import { HASH_BYTES } from '../audit/leaf.ts';
import {
  TILE_WIDTH,
  type Tile,
  type TileReader,
  tileIndexPath,
  tilePath,
  tileSubtree,
  tilesBetween,
  tileWidth,
} from '../audit/tile.ts';
import { concat } from '../bytes/framing.ts';
import type { Files } from '../host.ts';
import { type EpochPaths, partialTilesDirectory } from './audit-paths.ts';
import {
  type DurableDeps,
  directoryOf,
  ensureDirectory,
  type FileWrite,
  removeFiles,
  writeFiles,
} from './durable-file.ts';

const TILE_BYTES = TILE_WIDTH * HASH_BYTES;

/** Widths of a tile on disk, from the widest down. */
function widths(files: Files, paths: EpochPaths, tile: Pick<Tile, 'level' | 'index'>): number[] {
  const partial = files
    .list(partialTilesDirectory(paths, tile))
    .filter((name) => /^[1-9][0-9]{0,2}$/.test(name) && Number(name) < TILE_WIDTH)
    .map(Number);
  return [TILE_WIDTH, ...partial.sort((a, b) => b - a)];
}

/** Reads tiles of one epoch; a tile of the width asked for, or cut from a wider one; null when there is none. */
export function tileReader(files: Files, paths: EpochPaths): TileReader {
  const read = (tile: Tile): Uint8Array | null => {
    const bytes = files.read(`${paths.directory}/${tilePath(tile)}`, TILE_BYTES);
    return bytes?.length === tile.width * HASH_BYTES ? bytes : null;
  };
  return (tile) => {
    const exact = read(tile);
    if (exact !== null || tile.width === TILE_WIDTH) return exact;
    for (const width of widths(files, paths, tile)) {
      const wider = width > tile.width ? read({ ...tile, width }) : null;
      if (wider !== null) return wider.subarray(0, tile.width * HASH_BYTES);
    }
    return null;
  };
}

/** A reader that keeps the tiles it has read. */
export function cachedTileReader(read: TileReader): TileReader {
  const cache = new Map<string, Uint8Array>();
  return (tile) => {
    const key = tilePath(tile);
    const known = cache.get(key);
    if (known !== undefined) return known;
    const bytes = read(tile);
    if (bytes !== null) cache.set(key, bytes);
    return bytes;
  };
}

/** Builds the tiles of a growing log: full ones as they fill, and the partial ones of any moment. */
export class TileBuilder {
  #size: number;
  /** Hashes of the unfinished tile of each level. */
  readonly #open: Uint8Array[][];
  #full: { readonly tile: Tile; readonly bytes: Uint8Array }[] = [];

  private constructor(size: number, open: Uint8Array[][]) {
    this.#size = size;
    this.#open = open;
  }

  static empty(): TileBuilder {
    return new TileBuilder(0, []);
  }

  /** From the tiles of a log of `size`; null when one is missing. */
  static restore(size: number, read: TileReader): TileBuilder | null {
    const open: Uint8Array[][] = [];
    for (let level = 0; tileWidth(size, level, 0) > 0; level++) {
      const count = Math.floor(size / TILE_WIDTH ** level);
      const width = count % TILE_WIDTH;
      const bytes = width === 0 ? new Uint8Array() : read({ level, index: Math.floor(count / TILE_WIDTH), width });
      if (bytes === null) return null;
      open.push(Array.from({ length: width }, (_, at) => bytes.slice(at * HASH_BYTES, (at + 1) * HASH_BYTES)));
    }
    return new TileBuilder(size, open);
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Uint8Array): void {
    this.#size++;
    let hash = leaf;
    for (let level = 0; ; level++) {
      this.#open[level] ??= [];
      const hashes = this.#open[level]!;
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH) return;
      const bytes = concat(...hashes);
      const index = Math.floor(this.#size / TILE_WIDTH ** (level + 1)) - 1;
      this.#full.push({ tile: { level, index, width: TILE_WIDTH }, bytes });
      this.#open[level] = [];
      hash = tileSubtree(bytes, 0, 8);
    }
  }

  /** Tiles filled since the last call, and the partial ones of this size. */
  take(): { readonly tile: Tile; readonly bytes: Uint8Array }[] {
    const full = this.#full;
    this.#full = [];
    const partial = this.#open.flatMap((hashes, level) => {
      if (hashes.length === 0) return [];
      const index = Math.floor(this.#size / TILE_WIDTH ** (level + 1));
      return [{ tile: { level, index, width: hashes.length }, bytes: concat(...hashes) }];
    });
    return [...full, ...partial];
  }
}

/** Writes tiles durably; a partial one that is already there is left alone. */
export async function writeTiles(
  deps: DurableDeps,
  paths: EpochPaths,
  tiles: readonly { readonly tile: Tile; readonly bytes: Uint8Array }[],
): Promise<void> {
  const writes: FileWrite[] = tiles.map(({ tile, bytes }) => ({ path: `${paths.directory}/${tilePath(tile)}`, bytes }));
  for (const directory of new Set(writes.map((write) => directoryOf(write.path)))) {
    const missing: string[] = [];
    for (let at = directory; at !== paths.directory; at = directoryOf(at)) missing.unshift(at);
    for (const one of missing) ensureDirectory(deps.files, one);
  }
  await writeFiles(
    deps,
    writes.filter((write) => deps.files.info(write.path) === null || !write.path.includes('.p/')),
  );
}

/** Removes the partial widths that a log of `size` no longer needs; called after its checkpoint is in place. */
export async function dropOldTiles(files: Files, paths: EpochPaths, from: number, size: number): Promise<void> {
  const stale: string[] = [];
  const directories: string[] = [];
  for (const { level, index, width } of tilesBetween(from, size)) {
    const directory = partialTilesDirectory(paths, { level, index });
    for (const name of files.list(directory)) {
      if (/^[0-9]{1,3}$/.test(name) && Number(name) < width) stale.push(`${directory}/${name}`);
    }
    if (width === TILE_WIDTH && files.info(directory) !== null) directories.push(directory);
  }
  await removeFiles(files, stale);
  for (const directory of directories) if (files.list(directory).length === 0) files.removeDirectory(directory);
}

/** Where a tile lies below the epoch directory, for messages. */
export const tileName = (level: number, index: number): string => `tile/${level}/${tileIndexPath(index)}`;
