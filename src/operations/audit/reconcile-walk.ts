// The records of one epoch in order, as `audit reconcile` reads them: once, with the leaf hashes that the signed root is
// compared with, and nothing kept. A segment that is not here is passed over and named; a log that grows meanwhile is read on.

import { kidWithoutVersion } from '../../audit/counters.ts';
import type { AuditRecord } from '../../audit/draft.ts';
import { leafHash } from '../../audit/leaf.ts';
import { LineReader } from '../../audit/line.ts';
import { type NewerRecord, parseRecord } from '../../audit/record.ts';
import { Frontier } from '../../audit/tree.ts';
import { RonError } from '../../errors.ts';
import type { Files } from '../../host.ts';
import { LIMITS } from '../../limits.ts';
import { type EpochPaths, segmentNumber, segmentOf } from '../../storage/audit-paths.ts';
import { segmentLines } from '../../storage/audit-segment.ts';

const N = LIMITS.auditSegmentRecords;

/** A record of the common kind, of which no member is needed but these. */
export interface PlainRecord {
  readonly op: string;
  readonly actor: string;
  /** Without version. */
  readonly kid: string | undefined;
}

export type WalkedRecord = { readonly seq: number } & (
  | { readonly plain: PlainRecord }
  | { readonly full: AuditRecord | NewerRecord }
  | { readonly error: string }
);

/** Of these nothing counts but that they are there. */
const PLAIN: ReadonlySet<string> = new Set(['sign', 'wrap', 'unwrap', 'verify', 'reject', 'attest', 'gap', 'state']);

export interface MissingRange {
  readonly from: number;
  readonly to: number;
}

export class RecordWalk {
  readonly missing: MissingRange[] = [];
  readonly #files: Files;
  readonly #paths: EpochPaths;
  readonly #archive: EpochPaths | null;
  readonly #reader = new LineReader();
  readonly #wanted: ReadonlySet<number>;
  readonly #roots = new Map<number, Uint8Array>();
  #frontier: Frontier | null = new Frontier();
  #seq = 0;
  #offset = 0;
  #bytes = 0;

  /** `sizes`: at which the root is wanted. `archive`: where a segment may lie instead. */
  constructor(files: Files, paths: EpochPaths, sizes: readonly number[], archive: EpochPaths | null = null) {
    this.#files = files;
    this.#paths = paths;
    this.#archive = archive;
    this.#wanted = new Set(sizes);
  }

  /** Whole records so far. */
  get records(): number {
    return this.#seq;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of the records up to a wanted size; undefined when some of them are not here. */
  root(size: number): Uint8Array | undefined {
    return this.#roots.get(size);
  }

  /** What has come since the last call, up to the last whole line. `size`: below it records are missing, not still to come. */
  *read(size: number): Generator<WalkedRecord> {
    for (;;) {
      const number = segmentOf(this.#seq);
      const path = this.#path(number);
      if (path === null) {
        if (!this.#skip(number, size)) return;
        continue;
      }
      const before = this.#seq;
      yield* this.#segment(path);
      if (this.#seq === before || this.#seq % N !== 0) {
        if (this.#seq < size) this.#skip(number, size);
        return;
      }
    }
  }

  #path(number: number): string | null {
    const places = [this.#paths, this.#archive].flatMap((one) => (one === null ? [] : [one.segment(number)]));
    return places.find((path) => this.#files.info(path) !== null) ?? null;
  }

  /** To the next segment that is here, or, without one, to `size`. False when nothing follows. */
  #skip(number: number, size: number): boolean {
    const later = this.#files
      .list(this.#paths.segments)
      .map(segmentNumber)
      .filter((one) => one !== null && one > number);
    const next = later.length === 0 ? null : Math.min(...(later as number[])) * N;
    const to = next ?? size;
    if (to <= this.#seq) return false;
    this.missing.push({ from: this.#seq, to });
    this.#frontier = null;
    this.#seq = to;
    this.#offset = 0;
    return next !== null;
  }

  *#segment(path: string): Generator<WalkedRecord> {
    const file = this.#files.open(path, 'read');
    try {
      for (const { line, complete } of segmentLines(file, this.#offset)) {
        if (!complete) return;
        const seq = this.#seq++;
        this.#offset = this.#seq % N === 0 ? 0 : this.#offset + line.length + 1;
        this.#bytes += line.length + 1;
        this.#frontier?.append(leafHash(line));
        if (this.#wanted.has(this.#seq) && this.#frontier !== null) this.#roots.set(this.#seq, this.#frontier.root());
        yield { seq, ...this.#record(line, seq) };
        if (this.#offset === 0) return;
      }
    } finally {
      file.close();
    }
  }

  #record(
    line: Uint8Array,
    seq: number,
  ): { plain: PlainRecord } | { full: AuditRecord | NewerRecord } | { error: string } {
    const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1');
    const quick = this.#reader.read(text);
    if (quick !== null && quick.seq === seq && PLAIN.has(quick.op) && !isPlanned(text)) {
      return { plain: { op: quick.op, actor: actorOf(text), kid: quick.kid } };
    }
    try {
      const full = parseRecord(line, `record ${seq}`);
      if (full.seq !== seq) return { error: `it says that it is record ${full.seq}` };
      return { full };
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      return { error: error.message };
    }
  }
}

/** Operation ids of version 8 follow from a plan, whatever the record says that it is. */
function isPlanned(text: string): boolean {
  // Behind `op` only members without a text of their own choice follow, so the last one is that of the record.
  const at = text.lastIndexOf('"op_id":"');
  return text.charAt(at + '"op_id":"'.length + 14) === '8';
}

/** Canonical order puts it first. */
function actorOf(text: string): string {
  const from = '{"actor":"'.length;
  return text.slice(from, text.indexOf('"', from));
}

/** What the rules look at of a full record. */
export const plainOf = (record: AuditRecord): PlainRecord => ({
  op: record.op,
  actor: record.actor,
  kid: record.kid === undefined ? undefined : kidWithoutVersion(record.kid),
});
