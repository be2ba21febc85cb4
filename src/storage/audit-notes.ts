// Checkpoint files of an epoch (log page 4.2): `checkpoint` (newest note) and checkpoints.jsonl, one canonical line
// {"note_b64":"<standard base64>","size":N} per signed size. A last line without LF is an unfinished write.

import type { CheckpointAnswer, LogVerifier, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { canonicalFile } from '../bytes/canonical-json.ts';
import { decodeCanonical, integer, malformed, object, string } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';
import type { Clock, Files, OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';
import type { EpochPaths } from './audit-paths.ts';
import { seekLine, sizeOfLine } from './audit-seek.ts';
import { segmentLines, withFile } from './audit-segment.ts';

/** Notes with cosignatures of witnesses included. */
export const NOTE_BYTES_MAX = 256 * 1024;

const shape = object({ note_b64: string(), size: integer(0) });

export function checkpointLine(size: number, note: Uint8Array): Uint8Array {
  return canonicalFile({ note_b64: toBase64(note), size });
}

export interface StoredNote {
  readonly size: number;
  readonly note: Uint8Array;
}

/** Throws Malformed. */
export function parseCheckpointLine(line: Uint8Array, what: string): StoredNote {
  const raw = decodeCanonical(shape, line, what);
  const note = fromBase64(raw.note_b64) ?? malformed('note_b64', `${what}: standard padded base64 is expected`);
  return { size: raw.size, note };
}

/** The notes of checkpoints.jsonl in their order, not verified; what is no line of it is left out. */
export function* listedNotes(files: Files, paths: EpochPaths): Generator<Uint8Array> {
  if (files.info(paths.checkpoints)?.type !== 'file') return;
  const file = files.open(paths.checkpoints, 'read');
  try {
    for (const { line, complete } of segmentLines(file)) {
      const note = complete ? noteIn(line, paths.checkpoints) : null;
      if (note !== null) yield note;
    }
  } finally {
    file.close();
  }
}

function noteIn(line: Uint8Array, what: string): Uint8Array | null {
  try {
    return parseCheckpointLine(line, what).note;
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}

/** The newest note of `checkpoint`, or null when the file is missing. */
export function readNewestNote(files: Files, paths: EpochPaths): Uint8Array | null {
  return files.read(paths.checkpoint, NOTE_BYTES_MAX);
}

const TAIL_BYTES = 64 * 1024;

/** The last whole line of checkpoints.jsonl, where it ends, and whether torn bytes follow. */
export function lastCheckpointLine(file: OpenFile): { readonly line: Uint8Array | null; readonly end: number } {
  const size = file.info().sizeBytes;
  for (let back = TAIL_BYTES; ; back *= 4) {
    const start = Math.max(0, size - back);
    const lines = [...segmentLines(file, start)].filter((one) => one.complete);
    // The first one may have begun before `start`.
    const whole = start === 0 ? lines : lines.slice(1);
    const last = whole.at(-1);
    if (last !== undefined) return { line: last.line.slice(), end: last.offset + last.line.length + 1 };
    if (start === 0) return { line: null, end: 0 };
  }
}

/** Verifies a note or throws Tampered. */
export function requireCheckpoint(
  answer: CheckpointAnswer,
  what: string,
): Extract<CheckpointAnswer, { ok: true }>['checkpoint'] {
  if (answer.ok) return answer.checkpoint;
  throw new RonError('Tampered', `${what}: ${answer.code}: ${answer.message}`, { field: answer.code });
}

/**
 * The same for a reader that repairs nothing: a note that only checkpoints.jsonl has, because the writer stopped between
 * the two files, counts too. Else a full disk reads as a log that was rolled back. One there that does not verify is left to
 * `audit verify`.
 */
export function newestReadableNote(files: Files, paths: EpochPaths, verifier: LogVerifier) {
  const newest = newestNote(files, paths, verifier);
  if (newest === null || files.info(paths.checkpoints) === null) return newest;
  const file = files.open(paths.checkpoints, 'read');
  try {
    const { line } = lastCheckpointLine(file);
    const last = line === null ? null : parseCheckpointLine(line, paths.checkpoints);
    if (last === null || last.size <= newest.size) return newest;
    const answer = verifier.check(last.note);
    return answer.ok && answer.checkpoint.size === last.size ? answer.checkpoint : newest;
  } catch (error) {
    if (error instanceof RonError && error.code === 'Malformed') return newest;
    throw error;
  } finally {
    file.close();
  }
}

/** The newest verified note of an epoch; null when there is none at all. Throws Tampered for one that does not verify. */
export function newestNote(files: Files, paths: EpochPaths, verifier: LogVerifier) {
  const note = readNewestNote(files, paths);
  return note === null ? null : requireCheckpoint(verifier.check(note), paths.checkpoint);
}

/** Why the newest checkpoint of a server is too old to stand for its log now, or null. On this disk it may be of any age. */
export function staleness(
  files: Pick<Files, 'published'>,
  clock: Pick<Clock, 'now'>,
  checkpoint: VerifiedCheckpoint | null,
): string | null {
  if (files.published === undefined || checkpoint === null) return null;
  const ageMs = clock.now() - checkpoint.timestamp * 1000;
  if (ageMs <= LIMITS.servedCheckpointAgeMs) return null;
  const limit = LIMITS.servedCheckpointAgeMs / 1000;
  return `the newest checkpoint of ${files.published.by} is ${Math.floor(ageMs / 1000)} s old; at most ${limit} s are accepted`;
}

/** Inconclusive (11, `stale-checkpoint`). Attack: a server answers with the policy and keys of last week. */
export function demandFresh(
  files: Pick<Files, 'published'>,
  clock: Pick<Clock, 'now'>,
  checkpoint: VerifiedCheckpoint | null,
): void {
  const stale = staleness(files, clock, checkpoint);
  if (stale === null) return;
  throw new RonError('Inconclusive', stale, {
    field: 'stale-checkpoint',
    hint: 'See `ronctl kms status`: its server signs every 60 s while it is sound. Compare the clocks too.',
  });
}

export interface NoteOfSize {
  /** Unverified. */
  readonly note: Uint8Array | null;
  /** Signed sizes beside it. */
  readonly below: number | null;
  readonly above: number | null;
}

/** The listed note of one size, in O(log n) reads; null with its neighbours when none was signed at that size. */
export function noteOfSize(files: Files, paths: EpochPaths, size: number): NoteOfSize {
  return withFile(files, paths.checkpoints, (file) => {
    if (file === null) return { note: null, below: null, above: null };
    const { found, below, above } = seekLine(file, size, sizeOfLine);
    if (found === null) return { note: null, below, above };
    const stored = parseCheckpointLine(found.line, paths.checkpoints);
    return { note: stored.size === size ? stored.note : null, below, above };
  });
}
