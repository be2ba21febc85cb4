// Scans the lines of one segment (log page 4.8): hashes every leaf, links every `prev`, and, unless told to be fast, runs
// the semantic pass. Chunks come with one byte free before the first line; each LF is overwritten by the leaf prefix 0x00,
// so that `0x00 ‖ line` is a view without a copy. Stops for nothing: what is wrong is reported and the scan goes on.

import { toHex } from '../bytes/hex.ts';
import { sha256Latin1 } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type ChainEnds, type ChainProblem, RecordChain } from './chain.ts';
import { type ChainRecord, chainRecord } from './chain-record.ts';
import { NO_PREVIOUS } from './leaf.ts';
import { LineReader } from './line.ts';
import { parseRecord } from './record.ts';
import { SegmentTree } from './segment-tree.ts';

const LF = 0x0a;
const LEAF_PREFIX = 0x00;
const PROBLEMS_KEPT = 100;
const NONE: ReadonlySet<number> = new Set();

export interface ScanOptions {
  /** False = hashes and links only. */
  readonly semantic: boolean;
  /** Nothing comes before seq 0 of epoch 0: kids start at 1. */
  readonly complete: boolean;
}

/** What one segment says; plain data. */
export interface ScanResult {
  readonly first: number;
  /** Whole lines. */
  readonly count: number;
  readonly bytes: number;
  /** Bytes behind the last LF. */
  readonly torn: number;
  /** `prev` of the first line, or null. */
  readonly firstPrev: string | null;
  /** Hex leaf hash of the last line, or null. */
  readonly lastLeaf: string | null;
  readonly problems: readonly ChainProblem[];
  readonly problemCount: number;
  readonly ends: ChainEnds | null;
  /** Ok `sign` records; 0 without the semantic pass. */
  readonly signs: number;
}

export interface TileFault {
  readonly level: number;
  readonly index: number;
  /** Null: the tile is missing. Else the first leaf that it does not fit. */
  readonly seq: number | null;
}

/** A scanned segment with its place in the tree; plain data. */
export interface SegmentReport {
  readonly number: number;
  readonly scan: ScanResult;
  readonly tiles: readonly TileFault[];
  /** At each wanted size inside this segment: its own part of the root, to be folded with the segments before. */
  readonly roots: readonly { readonly size: number; readonly hash: Uint8Array }[];
  /** Frontier hashes of all its leaves. */
  readonly all: readonly Uint8Array[];
  /** Of every byte that it was made from, when that was asked for. */
  readonly digest?: string;
  /** Taken over from an earlier run, after the digest was compared. */
  readonly resumed?: boolean;
  /** Its records lie in an archive: hashes are those of the tiles. */
  readonly archived?: true;
}

export class SegmentScan {
  readonly tree = new SegmentTree();
  readonly #options: ScanOptions;
  readonly #reader = new LineReader();
  readonly #problems: ChainProblem[] = [];
  #problemCount = 0;
  #chain: RecordChain;
  #first = 0;
  #bytes = 0;
  #signs = 0;
  #firstPrev: string | null = null;
  #prevGuess = 0;
  #manifests: ReadonlySet<number> = NONE;

  constructor(options: ScanOptions) {
    this.#options = options;
    this.#chain = new RecordChain(options.complete, this.#report);
  }

  readonly #report = (problem: ChainProblem): void => {
    this.#problemCount++;
    if (this.#problems.length < PROBLEMS_KEPT) this.#problems.push(problem);
  };

  /**
   * Begins a segment whose first record is `first`; the records in `manifests` end a checkpoint. `leaves`: hashes of records
   * that are not read, from a verified tree.
   */
  begin(first: number, manifests: ReadonlySet<number> = NONE, leaves: Uint8Array | null = null): void {
    this.#manifests = manifests;
    this.tree.reset();
    this.#problems.length = 0;
    this.#problemCount = 0;
    this.#chain = new RecordChain(this.#options.complete && first === 0 && leaves === null, this.#report);
    this.#first = first;
    this.#bytes = 0;
    this.#signs = 0;
    this.#firstPrev = null;
    if (leaves !== null) this.tree.appendAll(leaves);
  }

  /**
   * Takes whole lines of `chunk` from `from` on (`from` >= 1); returns the offset behind the last LF. The chunk is
   * overwritten.
   */
  push(chunk: Buffer, from: number): number {
    let start = from;
    for (let end = chunk.indexOf(LF, start); end >= 0; end = chunk.indexOf(LF, start)) {
      chunk[start - 1] = LEAF_PREFIX;
      this.#line(chunk, start, end);
      this.#bytes += end + 1 - start;
      start = end + 1;
    }
    return start;
  }

  #line(chunk: Buffer, start: number, end: number): void {
    const tree = this.tree;
    const seq = this.#first + tree.count;
    if (tree.full) {
      this.#report({ code: 'record-invalid', seq, message: 'a segment has more than 65,536 lines' });
      return;
    }
    const prev = this.#options.semantic ? this.#semantic(chunk, start, end, seq) : this.#prevAt(chunk, start, end);
    const isThere = prev >= 0 && prev + HEX_LENGTH <= end;
    if (tree.count === 0) this.#firstPrev = isThere ? chunk.toString('latin1', prev, prev + HEX_LENGTH) : null;
    else if (!isThere || !tree.lastIs(chunk, prev)) {
      this.#report({ code: 'prev-mismatch', seq, message: `prev is not the leaf hash of record ${seq - 1}` });
    }
    tree.append(sha256Latin1(new Uint8Array(chunk.buffer, chunk.byteOffset + start - 1, end - start + 1)));
  }

  /** Judges a line; returns where the value of its `prev` begins, or -1. */
  #semantic(chunk: Buffer, start: number, end: number, seq: number): number {
    const record = end - start <= LIMITS.auditLineBytes ? this.#reader.readLine(chunk, start, end) : null;
    if (record !== null) {
      this.#next(record, seq);
      return this.#reader.prevAt;
    }
    try {
      const parsed = parseRecord(chunk.subarray(start, end), `record ${seq}`);
      if ('newer' in parsed) {
        const what = parsed.v > 1 ? `version ${parsed.v}` : `operation ${parsed.op}`;
        this.#report({ code: 'newer-format', seq, message: `${what} is not known to this ronctl` });
      } else {
        this.#next(chainRecord(parsed), seq);
      }
      return prevAt(chunk, start, end, `${NEEDLE}${parsed.prev}`);
    } catch (error) {
      if (!(error instanceof RonError)) throw error;
      this.#report({ code: 'record-invalid', seq, message: error.message });
      return prevAt(chunk, start, end, NEEDLE);
    }
  }

  #next(record: ChainRecord, seq: number): void {
    if (record.op !== 'manifest' && this.#manifests.has(seq)) {
      this.#report({
        code: 'checkpoint-record',
        seq,
        message: `a checkpoint ends with ${record.op}, not with manifest`,
      });
    }
    if (record.op === 'sign' && record.ok) this.#signs++;
    this.#chain.next(record, seq);
  }

  /** `prev` by its place in the line, which is nearly always that of the line before, counted from the end. */
  #prevAt(chunk: Buffer, start: number, end: number): number {
    const guess = end - this.#prevGuess;
    if (guess - NEEDLE.length >= start && hasNeedle(chunk, guess - NEEDLE.length)) return guess;
    const found = prevAt(chunk, start, end, NEEDLE);
    if (found >= 0) this.#prevGuess = end - found;
    return found;
  }

  /** Ends the segment; `torn` bytes follow its last LF. */
  end(torn: number): ScanResult {
    const { count } = this.tree;
    return {
      first: this.#first,
      count,
      bytes: this.#bytes,
      torn,
      firstPrev: this.#firstPrev,
      lastLeaf: count === 0 ? null : toHex(this.tree.hash(0, count - 1)),
      problems: [...this.#problems],
      problemCount: this.#problemCount,
      ends: this.#options.semantic ? this.#chain.ends() : null,
      signs: this.#signs,
    };
  }
}

const NEEDLE = '"prev":"';
const NEEDLE_BYTES = Buffer.from(NEEDLE, 'latin1');
const HEX_LENGTH = NO_PREVIOUS.length;

function hasNeedle(chunk: Buffer, at: number): boolean {
  for (let i = 0; i < NEEDLE_BYTES.length; i++) if (chunk[at + i] !== NEEDLE_BYTES[i]) return false;
  return true;
}

/** Where the value of the last member of the line that begins with `needle` stands, or -1. */
function prevAt(chunk: Buffer, start: number, end: number, needle: string): number {
  const found = chunk.lastIndexOf(needle, end - needle.length, 'latin1');
  return found < start ? -1 : found + NEEDLE.length;
}
