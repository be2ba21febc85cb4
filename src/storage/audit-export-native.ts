// `audit export --out DIR` (log page 4.9): segments, hash tiles, notes and key chain of one epoch, manifest.json last. Every line
// is proved under the checkpoint; tiles are built anew from those of level 0, whose root must be the signed one. A segment of
// which only a part was asked for holds that part.

import type { VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { type ExportManifest, formatManifest, presentRanges, type RecordRange } from '../audit/export-manifest.ts';
import type { HashReader } from '../audit/proof.ts';
import { TILE_WIDTH, type TileReader, tileHash, tilePath, tileWidth } from '../audit/tile.ts';
import { Frontier } from '../audit/tree.ts';
import { equalBytes } from '../bytes/equal.ts';
import { sha256Hex, sha256Stream } from '../crypto/hash.ts';
import { fail } from '../errors.ts';
import type { Files, OnProgress } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { parseCheckpointLine } from './audit-notes.ts';
import { type EpochPaths, segmentName } from './audit-paths.ts';
import { provenLines } from './audit-proven-lines.ts';
import { segmentLines, withFile } from './audit-segment.ts';
import { TileBuilder } from './audit-tiles.ts';
import { type DurableDeps, directoryOf, ensureDirectory, writeFile, writeFiles, writeStream } from './durable-file.ts';

const N = LIMITS.auditSegmentRecords;
const LF = Uint8Array.of(0x0a);
const PIECE_BYTES = 1024 * 1024;
const TILES_AT_ONCE = 64;

export interface NativeSource {
  readonly files: Files;
  readonly paths: EpochPaths;
  readonly checkpoint: VerifiedCheckpoint;
  /** Keeps nothing. */
  readonly tiles: TileReader;
  readonly hashes: HashReader;
  readonly origin: string;
  /** Canonical file, or null while nothing governs the log. */
  readonly keyChain: Uint8Array | null;
  /** The newest note that met the witness policy of the log, not newer than the checkpoint; null when there is none. */
  readonly cosigned: Uint8Array | null;
}

export interface NativeExported {
  readonly manifest: ExportManifest;
  readonly bytes: number;
}

type Deps = DurableDeps & { readonly onProgress: OnProgress };

/** What is before and behind `range` in a log of `size`, and what is not at hand, as ranges that do not touch. */
function gapsOf(range: RecordRange, size: number, absent: readonly RecordRange[]): RecordRange[] {
  const all = [{ from: 0, to: range.from }, ...absent, { from: range.to, to: size }]
    .filter((gap) => gap.to > gap.from)
    .sort((a, b) => a.from - b.from);
  const gaps: RecordRange[] = [];
  for (const gap of all) {
    const last = gaps.at(-1);
    if (last === undefined || gap.from > last.to) gaps.push(gap);
    else gaps[gaps.length - 1] = { from: last.from, to: Math.max(last.to, gap.to) };
  }
  return gaps;
}

export async function exportNative(
  deps: Deps,
  source: NativeSource,
  directory: string,
  range: RecordRange,
  absent: readonly RecordRange[],
): Promise<NativeExported> {
  const { checkpoint } = source;
  const { size } = checkpoint;
  const files = new Map<string, string>();
  let bytes = 0;
  const put = async (name: string, content: Uint8Array): Promise<void> => {
    ensureBelow(deps.files, directory, directoryOf(`${directory}/${name}`));
    await writeFile(deps, `${directory}/${name}`, content);
    files.set(name, sha256Hex(content));
    bytes += content.length;
  };
  const stream = async (name: string, pieces: Iterable<Uint8Array>): Promise<void> => {
    const digest = sha256Stream();
    ensureBelow(deps.files, directory, directoryOf(`${directory}/${name}`));
    bytes += await writeStream(
      deps,
      `${directory}/${name}`,
      told(joined(pieces), (piece) => digest.update(piece)),
    );
    files.set(name, digest.hex());
  };
  ensureDirectory(deps.files, directory);
  const gaps = gapsOf(range, size, absent);
  for (let n = 0; n * N < size; n++) {
    const part = presentRanges(gaps, size)
      .map(({ from, to }) => ({ from: Math.max(from, n * N), to: Math.min(to, (n + 1) * N) }))
      .filter(({ from, to }) => to > from);
    if (part.length > 0) await stream(`segments/${segmentName(n)}`, lines(source, part));
    deps.onProgress({ phase: 'export', done: Math.min(size, (n + 1) * N), total: size, unit: 'records' });
  }
  await exportTiles(source, async (tiles) => {
    for (const { tile } of tiles) ensureBelow(deps.files, directory, directoryOf(`${directory}/${tilePath(tile)}`));
    const writes = tiles.map(({ tile, bytes: content }) => ({
      path: `${directory}/${tilePath(tile)}`,
      bytes: content,
    }));
    await writeFiles(deps, writes);
    for (const one of tiles) {
      files.set(tilePath(one.tile), sha256Hex(one.bytes));
      bytes += one.bytes.length;
    }
  });
  await stream('checkpoints.jsonl', notes(source));
  if (gaps.length === 0) {
    const counters = source.files.read(source.paths.counters, LIMITS.stateFileBytes);
    if (counters !== null) await put('counters.json', counters);
  }
  if (source.keyChain !== null) await put('key-chain.json', source.keyChain);
  if (source.cosigned !== null) await put('cosigned', source.cosigned);
  await put('checkpoint', checkpoint.note);
  const manifest: ExportManifest = { origin: source.origin, ...range, gaps, files };
  const content = formatManifest(manifest);
  await writeFile(deps, `${directory}/manifest.json`, content);
  return { manifest, bytes: bytes + content.length };
}

function ensureBelow(files: Files, root: string, directory: string): void {
  if (files.info(directory) !== null) return;
  if (directory !== root) ensureBelow(files, root, directoryOf(directory));
  ensureDirectory(files, directory);
}

function* told(pieces: Iterable<Uint8Array>, tell: (piece: Uint8Array) => void): Generator<Uint8Array> {
  for (const piece of pieces) {
    tell(piece);
    yield piece;
  }
}

/** Joins small pieces in one buffer: what comes is used up before the next is asked for. */
export function* joined(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  const buffer = Buffer.alloc(PIECE_BYTES);
  let size = 0;
  for (const piece of pieces) {
    if (size > 0 && size + piece.length > buffer.length) {
      yield buffer.subarray(0, size);
      size = 0;
    }
    if (piece.length > buffer.length) {
      yield piece;
      continue;
    }
    buffer.set(piece, size);
    size += piece.length;
  }
  if (size > 0) yield buffer.subarray(0, size);
}

function* lines(source: NativeSource, ranges: readonly RecordRange[]): Generator<Uint8Array> {
  for (const { from, to } of ranges) {
    for (const { line } of provenLines(source, from, to)) {
      yield line;
      yield LF;
    }
  }
}

/** The listed notes up to the newest checkpoint, as they stand. */
function* notes({ files, paths, checkpoint }: NativeSource): Generator<Uint8Array> {
  const open = files.info(paths.checkpoints) === null ? null : files.open(paths.checkpoints, 'read');
  try {
    for (const { line, complete } of open === null ? [] : segmentLines(open)) {
      if (!complete || parseCheckpointLine(line, paths.checkpoints).size > checkpoint.size) break;
      yield line;
      yield LF;
    }
  } finally {
    open?.close();
  }
}

type Tiles = ReturnType<TileBuilder['take']>;

async function exportTiles(source: NativeSource, write: (tiles: Tiles) => Promise<void>): Promise<void> {
  const { size, root } = source.checkpoint;
  const builder = TileBuilder.empty();
  const frontier = new Frontier();
  for (let index = 0; index * TILE_WIDTH < size; index++) {
    const width = tileWidth(size, 0, index);
    const bytes = source.tiles({ level: 0, index, width });
    if (bytes === null) fail('Tampered', `hash tile 0/${index} is missing`, { field: 'tile-missing' });
    for (let at = 0; at < width; at++) {
      const leaf = tileHash(bytes, at).slice();
      builder.append(leaf);
      frontier.append(leaf);
    }
    if (index % TILES_AT_ONCE === TILES_AT_ONCE - 1) {
      await write(builder.take().filter(({ tile }) => tile.width === TILE_WIDTH));
    }
  }
  if (!equalBytes(frontier.root(), root)) {
    fail('Tampered', 'the hash tiles do not have the root of the checkpoint', {
      field: 'tile-mismatch',
      hint: 'Run `ronctl audit verify`.',
    });
  }
  await write(builder.take());
}

/** Digest of a file of an export, or null when it is not there. */
export function digestOf(files: Files, path: string): string | null {
  return withFile(files, path, (file) => {
    if (file === null) return null;
    const { sizeBytes } = file.info();
    const digest = sha256Stream();
    for (let at = 0; at < sizeBytes; ) {
      const chunk = file.read(at, Math.min(PIECE_BYTES, sizeBytes - at));
      if (chunk.length === 0) return null;
      digest.update(chunk);
      at += chunk.length;
    }
    return digest.hex();
  });
}
