// Which slot of `head` the records fit, before anything is unsealed (store page 5): its tag cannot be checked yet, so the
// slot counts whose root the records have. The log is checked against the authenticated head after unsealing.

import { parseBody } from '../audit/checkpoint.ts';
import { HEAD_FILE_BYTES, type HeadSlot, readSlots } from '../audit/head.ts';
import { leafHash } from '../audit/leaf.ts';
import { frontierFromTiles } from '../audit/tile.ts';
import { Frontier, foldRoot } from '../audit/tree.ts';
import { equalBytes } from '../bytes/equal.ts';
import { parseNote } from '../envelope/note.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { wholeLines } from './audit-lines.ts';
import { readNewestNote } from './audit-notes.ts';
import type { EpochPaths } from './audit-paths.ts';
import { tileReader } from './audit-tiles.ts';

/** The larger slot whose root the records have; null when none fits. */
export function keylessHead(files: Files, paths: EpochPaths): HeadSlot | null {
  const file = files.read(paths.head, HEAD_FILE_BYTES);
  const slots = file === null ? [] : readSlots(file).filter((slot) => slot !== null);
  const candidates = slots.sort((a, b) => b.size - a.size);
  for (const slot of candidates) {
    try {
      if (equalBytes(rootAt(files, paths, slot.size), slot.root)) return slot;
    } catch (error) {
      if (!(error instanceof RonError) || error.code !== 'Tampered') throw error;
    }
  }
  return null;
}

/** Root of the first `size` records: from the tiles of the newest note when they fit, else from all records. */
function rootAt(files: Files, paths: EpochPaths, size: number): Uint8Array {
  const base = unverifiedBase(files, paths, size);
  const frontier = base ?? new Frontier();
  for (const { line } of wholeLines(files, paths, frontier.size, size)) frontier.append(leafHash(line));
  return frontier.root();
}

function unverifiedBase(files: Files, paths: EpochPaths, size: number): Frontier | null {
  const note = readNewestNote(files, paths);
  if (note === null) return null;
  try {
    const body = parseBody(parseNote(note, paths.checkpoint).text);
    if (body === null || body.size > size) return null;
    const hashes = frontierFromTiles(tileReader(files, paths), body.size);
    return hashes !== null && equalBytes(foldRoot(hashes), body.root) ? Frontier.restore(body.size, hashes) : null;
  } catch (error) {
    if (error instanceof RonError && error.code === 'Malformed') return null;
    throw error;
  }
}
