// The messages of the log in the order in which a sink gets them (log page 4.11): records as soon as they are synced, each
// checkpoint after the last record that it covers, epoch after epoch. Read from the segments, never kept: a sink that is away
// for a month costs no memory. Under amnesia only checkpoints leave (C-55). Refuses (Conflict) to go on from a place that the
// log does not have (any more): the store was rolled back, or the records were archived first.

import { canonicalText } from '../../../bytes/canonical-json.ts';
import { fromUtf8, utf8 } from '../../../bytes/text.ts';
import { sha256Hex } from '../../../crypto/hash.ts';
import { fail } from '../../../errors.ts';
import type { Files } from '../../../host.ts';
import { LIMITS } from '../../../limits.ts';
import { requireLogFile } from '../../../storage/audit-log-file.ts';
import { parseCheckpointLine } from '../../../storage/audit-notes.ts';
import { type EpochPaths, epochPaths, segmentOf } from '../../../storage/audit-paths.ts';
import { findLine, segmentLines, withFile } from '../../../storage/audit-segment.ts';
import type { Cursor } from './cursor.ts';
import { SINK_BATCH_BYTES, type SinkBatch } from './sink.ts';

const N = LIMITS.auditSegmentRecords;

/** The log of the newest epoch, as far as it is synced. */
export interface LogTip {
  readonly epoch: number;
  readonly size: number;
  readonly checkpoint: { readonly size: number; readonly note: Uint8Array };
}

export interface ReadBatch extends SinkBatch {
  /** Where the next one begins. */
  readonly next: Cursor;
}

export interface SourceDeps {
  readonly files: Files;
  readonly auditDir: string;
  readonly tip: () => LogTip;
  /** Records do not leave, only checkpoints. */
  readonly checkpointsOnly: boolean;
}

interface Collecting {
  readonly lines: string[];
  bytes: number;
  cursor: Cursor;
}

export class ExportSource {
  readonly #deps: SourceDeps;
  /** Where the next record begins in its segment; found by counting when it is another one. */
  #place = { epoch: -1, index: -1, offset: 0 };

  constructor(deps: SourceDeps) {
    this.#deps = deps;
  }

  /** Null when the sink has everything. */
  next(cursor: Cursor): ReadBatch | null {
    const tip = this.#deps.tip();
    if (cursor.epoch > tip.epoch || (cursor.epoch === tip.epoch && cursor.index > tip.size)) {
      fail('Conflict', `it has record ${cursor.index} of epoch ${cursor.epoch}; the log ends before it`, {
        hint: 'The store was rolled back: `ronctl audit verify` says more.',
      });
    }
    const into: Collecting = { lines: [], bytes: 0, cursor };
    const paths = epochPaths(this.#deps.auditDir, cursor.epoch);
    const live = cursor.epoch === tip.epoch;
    const size = live ? tip.size : Number.MAX_SAFE_INTEGER;
    for (;;) {
      const note = this.#listedNote(paths, into, live ? tip.checkpoint.size : Number.MAX_SAFE_INTEGER);
      const before = into.cursor;
      if (note !== null && (note.size <= before.index || this.#deps.checkpointsOnly)) {
        if (!this.#addNote(into, note.note, { index: Math.max(before.index, note.size), notes: note.next })) break;
      } else if (this.#deps.checkpointsOnly || !this.#addRecords(paths, into, note === null ? size : note.size, live)) {
        if (live && note === null) this.#addAgain(into, tip);
        break;
      }
    }
    if (into.lines.length > 0) return this.#batch(into);
    return live ? null : this.next({ ...cursor, epoch: cursor.epoch + 1, index: 0, notes: 0 });
  }

  #batch({ lines, cursor }: Collecting): ReadBatch {
    const { epochs } = requireLogFile(this.#deps.files, this.#deps.auditDir);
    const { origin } = epochs[cursor.epoch]!;
    return { epoch: cursor.epoch, origin, bytes: utf8(lines.join('')), next: cursor };
  }

  /** False when there is no room for it. */
  #add(into: Collecting, line: string, change: Partial<Cursor>): boolean {
    const bytes = Buffer.byteLength(line);
    if (into.lines.length > 0 && into.bytes + bytes > SINK_BATCH_BYTES) return false;
    into.lines.push(line);
    into.bytes += bytes;
    into.cursor = { ...into.cursor, ...change };
    return true;
  }

  #addNote(into: Collecting, note: Uint8Array, change: Partial<Cursor>): boolean {
    const line = `${canonicalText({ checkpoint: fromUtf8(note) ?? '' })}\n`;
    return this.#add(into, line, { ...change, note: sha256Hex(note) });
  }

  /** The newest note when it was signed again, or cosigned, since it was sent. */
  #addAgain(into: Collecting, { checkpoint }: LogTip): void {
    if (checkpoint.size > into.cursor.index && !this.#deps.checkpointsOnly) return;
    if (checkpoint.size === 0 || sha256Hex(checkpoint.note) === into.cursor.note) return;
    this.#addNote(into, checkpoint.note, { index: Math.max(into.cursor.index, checkpoint.size) });
  }

  /** The next whole line of checkpoints.jsonl. */
  #listedNote(
    paths: EpochPaths,
    { cursor }: Collecting,
    most: number,
  ): { readonly size: number; readonly note: Uint8Array; readonly next: number } | null {
    return withFile(this.#deps.files, paths.checkpoints, (file) => {
      if (file === null || file.info().sizeBytes <= cursor.notes) return null;
      const [line] = segmentLines(file, cursor.notes);
      if (line?.complete !== true) return null;
      const stored = parseCheckpointLine(line.line, paths.checkpoints);
      return stored.size > most ? null : { ...stored, next: cursor.notes + line.line.length + 1 };
    });
  }

  /** Records up to `end`; false when none was added. */
  #addRecords(paths: EpochPaths, into: Collecting, end: number, live: boolean): boolean {
    const first = into.cursor.index;
    if (first >= end) return false;
    const path = paths.segment(segmentOf(first));
    return withFile(this.#deps.files, path, (file) => {
      if (file === null) {
        if (!live && first % N === 0) return false;
        return fail('Conflict', `record ${first} is not in the log any more; it was archived or removed`, {
          hint: 'Put the segment back, or give the sink another name to begin anew.',
        });
      }
      for (const { line, complete } of segmentLines(file, this.#offset(file, into.cursor))) {
        const { index, epoch } = into.cursor;
        if (!complete || index >= end || (index > first && index % N === 0)) break;
        const text = `${canonicalText({ index, line: fromUtf8(line) ?? '' })}\n`;
        const offset = this.#place.offset + line.length + 1;
        if (!this.#add(into, text, { index: index + 1 })) break;
        this.#place = { epoch, index: index + 1, offset: (index + 1) % N === 0 ? 0 : offset };
      }
      return into.cursor.index > first;
    });
  }

  #offset(file: Parameters<typeof findLine>[0], { epoch, index }: Cursor): number {
    if (this.#place.epoch !== epoch || this.#place.index !== index) {
      const found = findLine(file, index % N);
      const offset = 'offset' in found ? found.offset : file.info().sizeBytes;
      this.#place = { epoch, index, offset };
    }
    return this.#place.offset;
  }
}
