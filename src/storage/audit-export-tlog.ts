// `audit export --tlog` (log page 4.9): the records and tiles of one epoch as a C2SP tlog-tiles directory, `checkpoint` last.
// Every line is hashed again; nothing is signed off by a checkpoint whose root the written entries do not have. A file that
// is there already is left alone when it has the same bytes, so that an interrupted export is completed by the next one, and
// refused (Conflict) when it has others. Narrower tiles go once the full one stands, as tlog-tiles allows.

import type { CheckpointBody } from '../audit/checkpoint.ts';
import { BUNDLE_BYTES_MAX, bundleEntry, bundlePath } from '../audit/entry-bundle.ts';
import { leafHash } from '../audit/leaf.ts';
import {
  frontierFromTiles,
  TILE_WIDTH,
  type TileReader,
  tileHash,
  tileIndexPath,
  tilePath,
  tilesBetween,
  tileWidth,
} from '../audit/tile.ts';
import { Frontier, foldRoot } from '../audit/tree.ts';
import { equalBytes } from '../bytes/equal.ts';
import { concat } from '../bytes/framing.ts';
import { fail } from '../errors.ts';
import type { Files, OnProgress } from '../host.ts';
import { wholeLines } from './audit-lines.ts';
import { NOTE_BYTES_MAX } from './audit-notes.ts';
import type { EpochPaths } from './audit-paths.ts';
import { TileBuilder } from './audit-tiles.ts';
import {
  type DurableDeps,
  directoryOf,
  ensureDirectory,
  type FileWrite,
  removeFilesNow,
  writeFiles,
} from './durable-file.ts';

/** Files are written and synced in groups of at most these. */
const GROUP_FILES = 64;
const GROUP_BYTES = 16 * 1024 * 1024;
const AT_ONCE = 4;

export interface TlogSource {
  readonly files: Files;
  readonly paths: EpochPaths;
  readonly tiles: TileReader;
  readonly checkpoint: CheckpointBody & { readonly note: Uint8Array };
}

export interface TlogExported {
  readonly filesWritten: number;
  readonly bytesWritten: number;
}

/** Root of the first `size` records from stored tiles; null when a tile is missing. */
export function rootFromTiles(read: TileReader, size: number): Uint8Array | null {
  const frontier = frontierFromTiles(read, size);
  return frontier === null ? null : foldRoot(frontier);
}

/** Several syncs at a time; the first error is thrown when nothing is being written any more. */
async function allWritten(deps: DurableDeps, group: readonly FileWrite[]): Promise<void> {
  const each = Math.ceil(group.length / AT_ONCE);
  const parts = Array.from({ length: AT_ONCE }, (_, at) => group.slice(at * each, (at + 1) * each));
  const done = await Promise.allSettled(parts.map((part) => writeFiles(deps, part)));
  for (const one of done) if (one.status === 'rejected') throw one.reason;
}

class Writer {
  readonly #deps: DurableDeps;
  readonly #directory: string;
  readonly #made = new Set<string>();
  #group: FileWrite[] = [];
  #groupBytes = 0;
  filesWritten = 0;
  bytesWritten = 0;

  constructor(deps: DurableDeps, directory: string) {
    this.#deps = deps;
    this.#directory = directory;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const path = `${this.#directory}/${name}`;
    const info = this.#deps.files.info(path);
    if (info !== null) {
      const there = info.type === 'file' ? this.#deps.files.read(path, BUNDLE_BYTES_MAX) : null;
      if (there !== null && equalBytes(there, bytes)) return;
      fail('Conflict', `${path} is there with other bytes than this log has`, {
        field: '--tlog',
        hint: 'Name a directory that does not exist; keep this one if nobody changed it by mistake.',
      });
    }
    this.#group.push({ path, bytes });
    this.#groupBytes += bytes.length;
    if (this.#group.length >= GROUP_FILES || this.#groupBytes >= GROUP_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    const group = this.#group;
    this.#group = [];
    this.#groupBytes = 0;
    for (const { path } of group) this.#parents(directoryOf(path));
    await allWritten(this.#deps, group);
    this.filesWritten += group.length;
    this.bytesWritten += group.reduce((sum, one) => sum + one.bytes.length, 0);
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const path = `${this.#directory}/${name}`;
    const there = this.#deps.files.info(path) === null ? null : this.#deps.files.read(path, NOTE_BYTES_MAX);
    if (there !== null && equalBytes(there, bytes)) return;
    await writeFiles(this.#deps, [{ path, bytes }]);
    this.filesWritten++;
    this.bytesWritten += bytes.length;
  }

  #parents(directory: string): void {
    if (this.#made.has(directory)) return;
    if (directory !== this.#directory) this.#parents(directoryOf(directory));
    ensureDirectory(this.#deps.files, directory);
    this.#made.add(directory);
  }
}

/**
 * Brings `directory`, which holds the log up to `from` (0 = nothing), up to the checkpoint. The caller has verified that the
 * root at `from` is that of the checkpoint there. Throws Tampered for records that are not those signed; Conflict.
 */
export async function exportTlog(
  deps: DurableDeps & { readonly onProgress: OnProgress },
  source: TlogSource,
  directory: string,
  from: number,
): Promise<TlogExported> {
  const { files, paths, tiles, checkpoint } = source;
  const { size } = checkpoint;
  const tampered = (field: string, message: string): never =>
    fail('Tampered', message, { field, hint: 'Run `ronctl audit verify`; nothing was signed off in the export.' });
  const writer = new Writer(deps, directory);
  ensureDirectory(deps.files, directory);
  const builder = TileBuilder.restore(from, tiles);
  const frontierHashes = frontierFromTiles(tiles, from);
  if (builder === null || frontierHashes === null)
    return tampered('tile-missing', `a hash tile below ${from} is missing`);
  const frontier = Frontier.restore(from, frontierHashes);
  const begin = from - (from % TILE_WIDTH);
  const known = from > begin ? tiles({ level: 0, index: begin / TILE_WIDTH, width: from - begin }) : null;

  let entries: Uint8Array[] = [];
  for (const { seq, line } of size > from ? wholeLines(files, paths, begin, size) : []) {
    const leaf = leafHash(line);
    if (seq >= from) {
      frontier.append(leaf);
      builder.append(leaf);
    } else if (known === null || !equalBytes(leaf, tileHash(known, seq - begin))) {
      tampered('leaf-mismatch', `record ${seq} is not the one that its tile was built from`);
    }
    entries.push(bundleEntry(line));
    const index = Math.floor(seq / TILE_WIDTH);
    if (entries.length < TILE_WIDTH && seq + 1 < size) continue;
    await writer.put(bundlePath(index, entries.length), concat(...entries));
    entries = [];
    // The partial tiles of this moment are not those of the checkpoint.
    if (index % 64 === 63) for (const one of builder.take()) if (one.tile.width === TILE_WIDTH) await put(one);
    deps.onProgress({ phase: 'export', done: seq + 1 - from, total: size - from, unit: 'records' });
  }
  async function put(one: {
    readonly tile: Parameters<typeof tilePath>[0];
    readonly bytes: Uint8Array;
  }): Promise<void> {
    await writer.put(tilePath(one.tile), one.bytes);
  }
  if (!equalBytes(frontier.root(), checkpoint.root)) {
    tampered('root-mismatch', `the ${size} records do not have the root of the checkpoint`);
  }
  if (size > from) for (const one of builder.take()) await put(one);
  await writer.flush();
  await writer.replace('checkpoint', checkpoint.note);
  dropNarrower(deps.files, directory, from, size);
  return { filesWritten: writer.filesWritten, bytesWritten: writer.bytesWritten };
}

/** Partial tiles and bundles whose full one stands now. */
function dropNarrower(files: Files, directory: string, from: number, size: number): void {
  const full: string[] = [];
  for (const { level, index, width } of tilesBetween(from, size)) {
    if (width === TILE_WIDTH) full.push(`${directory}/tile/${level}/${tileIndexPath(index)}.p`);
  }
  for (let index = Math.floor(from / TILE_WIDTH); tileWidth(size, 0, index) === TILE_WIDTH; index++) {
    full.push(`${directory}/tile/entries/${tileIndexPath(index)}.p`);
  }
  for (const partial of full) {
    if (files.info(partial)?.type !== 'directory') continue;
    const names = files.list(partial).filter((name) => /^[1-9][0-9]{0,2}$/.test(name));
    removeFilesNow(
      files,
      names.map((name) => `${partial}/${name}`),
    );
    if (files.list(partial).length === 0) files.removeDirectory(partial);
  }
}
