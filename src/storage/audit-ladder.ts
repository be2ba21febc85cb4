// The checkpoints of an epoch as `audit verify` reads them (log page 4.6, 4.8): every note of checkpoints.jsonl, then
// `checkpoint`, each under both log signatures, sizes rising, timestamps never falling. What does not hold is a finding.

import type { LogVerifier, VerifiedCheckpoint } from '../audit/checkpoint.ts';
import type { Finding, Findings } from '../audit/findings.ts';
import { equalBytes } from '../bytes/equal.ts';
import { RonError } from '../errors.ts';
import type { Clock, Files } from '../host.ts';
import { parseCheckpointLine, readNewestNote } from './audit-notes.ts';
import type { EpochPaths } from './audit-paths.ts';
import { seekLine, sizeOfLine } from './audit-seek.ts';
import { segmentLines, withFile } from './audit-segment.ts';

/** A log whose checkpoint is dated further ahead of this machine's clock cannot be judged. */
const FUTURE_SECONDS = 300;

const NO_NOTE = new Uint8Array();

class Ladder {
  readonly steps: VerifiedCheckpoint[] = [];
  readonly #verifier: LogVerifier;
  readonly #findings: Findings;
  /** What the first note is compared with. */
  readonly #before: VerifiedCheckpoint | null;

  constructor(verifier: LogVerifier, findings: Findings, before: VerifiedCheckpoint | null) {
    this.#verifier = verifier;
    this.#findings = findings;
    this.#before = before;
  }

  /** `size`: what the line says, or null for `checkpoint`, which may sign the last size again. */
  take(note: Uint8Array, size: number | null, where: Pick<Finding, 'file' | 'offset'>): void {
    const answer = this.#verifier.check(note);
    if (!answer.ok) {
      this.#findings.add(answer.code, answer.message, where);
      return;
    }
    const { checkpoint } = answer;
    if (size !== null && size !== checkpoint.size) {
      const message = `the line names size ${size}, its note ${checkpoint.size}`;
      this.#findings.add('checkpoint-malformed', message, where);
      return;
    }
    const last = this.steps.at(-1);
    const previous = last ?? this.#before;
    if (previous !== null) this.#compare(previous, checkpoint, size !== null, where);
    // Only the note of the largest size is used again: a log may have a hundred thousand of them.
    if (last !== undefined && checkpoint.size >= last.size) {
      this.steps[this.steps.length - 1] = { ...last, note: NO_NOTE };
    }
    this.steps.push(checkpoint);
  }

  #compare(
    last: VerifiedCheckpoint,
    next: VerifiedCheckpoint,
    listed: boolean,
    where: Pick<Finding, 'file' | 'offset'>,
  ): void {
    if (listed && next.size <= last.size) {
      this.#findings.add('checkpoint-size', `size ${next.size} follows ${last.size}`, where);
    }
    // A writer that stopped between the two files leaves `checkpoint` one step behind.
    if (next.timestamp < last.timestamp && (listed || next.size >= last.size)) {
      this.#findings.add('checkpoint-timestamp', `the timestamp falls at size ${next.size}`, where);
    }
    if (next.size === last.size && !equalBytes(next.root, last.root)) {
      this.#findings.add('fork', `two roots are signed at size ${next.size}`, where);
    }
  }
}

export interface LadderRequest {
  readonly paths: EpochPaths;
  readonly verifier: LogVerifier;
  readonly bundles?: boolean;
  /** Listed notes up to this verified one are not read again. */
  readonly from: VerifiedCheckpoint | null;
}

/** Verified checkpoints by rising size, one per size; only the last one keeps its note. */
export function readLadder(
  request: LadderRequest,
  files: Files,
  clock: Clock,
  findings: Findings,
): VerifiedCheckpoint[] {
  const { paths, from } = request;
  const ladder = new Ladder(request.verifier, findings, from);
  // First: a writer at work adds to checkpoints.jsonl before it replaces `checkpoint`.
  const newestNote = readNewestNote(files, paths);
  const lines = readListed(files, paths, ladder, findings, from?.size ?? 0);
  const listed = ladder.steps.at(-1)?.size ?? from?.size ?? 0;
  if (newestNote === null) {
    if (lines > 0) findings.add('checkpoint-missing', '`checkpoint` is gone, and checkpoints.jsonl has notes');
  } else {
    ladder.take(newestNote, null, { file: 'checkpoint' });
    const newest = ladder.steps.at(-1);
    // An export in the layout of tlog-tiles has one note.
    if (request.bundles !== true && newest !== undefined && newest.size > listed) {
      const message = `checkpoints.jsonl lacks the checkpoint of size ${newest.size}`;
      findings.add('checkpoint-missing', message, { file: 'checkpoints.jsonl' });
    }
  }
  const latest = Math.floor(clock.now() / 1000) + FUTURE_SECONDS;
  const ahead = ladder.steps.find((one) => one.timestamp > latest);
  if (ahead !== undefined) {
    findings.add('checkpoint-in-future', `the checkpoint of size ${ahead.size} is dated ahead of this machine's clock`);
  }
  const bySize = new Map(ladder.steps.map((one) => [one.size, one]));
  return [...bySize.values()].sort((a, b) => a.size - b.size);
}

/** How many whole lines checkpoints.jsonl has, from the first size above `from` on. */
function readListed(files: Files, paths: EpochPaths, ladder: Ladder, findings: Findings, from: number): number {
  let lines = 0;
  withFile(files, paths.checkpoints, (file) => {
    if (file === null) return;
    const known = from === 0 ? null : seekLine(file, from, sizeOfLine).found;
    const start = known === null ? 0 : known.offset + known.line.length + 1;
    for (const { line, offset, complete } of segmentLines(file, start)) {
      const where = { file: 'checkpoints.jsonl', offset };
      if (!complete) {
        findings.add('torn-checkpoint', 'checkpoints.jsonl ends in an unfinished line', where);
        break;
      }
      lines++;
      try {
        const stored = parseCheckpointLine(line, `checkpoints.jsonl, line ${lines}`);
        if (stored.size > from) ladder.take(stored.note, stored.size, where);
      } catch (error) {
        if (!(error instanceof RonError)) throw error;
        findings.add('checkpoint-malformed', error.message, where);
      }
    }
  });
  return lines;
}
