// Finding a line in a file whose lines rise by a number (log page 4.2): a record by `seq` in its segment, a note by `size` in
// checkpoints.jsonl. Reads O(log n) blocks instead of the whole file. What it finds is a guess at the place: lines say of
// themselves where they are, so a caller proves what it gets, or counts.

import type { OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';

/** Holds at least one whole line of a record or a checkpoint, wherever it begins. */
const BLOCK_BYTES = 40 * 1024;
const STEPS_MAX = 64;
const LF = 0x0a;

export interface SoughtLine {
  /** Without LF; a copy. */
  readonly line: Uint8Array;
  readonly offset: number;
}

export interface Sought {
  readonly found: SoughtLine | null;
  /** The nearest numbers beside the one that is not there, where they were seen. */
  readonly below: number | null;
  readonly above: number | null;
}

/** Number of a line, or null when it has none. `view` is the line without LF. */
export type LineNumber = (view: Buffer) => number | null;

interface Bound {
  /** Of the first byte of a line, or the end of the file. */
  readonly offset: number;
  readonly number: number | null;
}

/** The line with number `wanted` among rising ones. A file that is not in order yields no line. */
export function seekLine(file: OpenFile, wanted: number, numberOf: LineNumber): Sought {
  const size = file.info().sizeBytes;
  let low: Bound = { offset: 0, number: null };
  let high: Bound = { offset: size, number: null };
  let first: number | null = null;
  const none = (): Sought => ({ found: null, below: low.number, above: high.number });
  for (let step = 0; step < STEPS_MAX && low.offset < high.offset; step++) {
    const at = guess(low, high, wanted, first, step);
    const bytes = file.read(at, Math.min(BLOCK_BYTES, size - at));
    const block = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // A block that begins elsewhere than at a line starts behind the first LF.
    let from = at === low.offset ? 0 : block.indexOf(LF) + 1;
    if (at !== low.offset && from === 0) return none();
    let seen: Bound | null = null;
    for (let end = block.indexOf(LF, from); end >= 0 && at + from < high.offset; end = block.indexOf(LF, from)) {
      const number = numberOf(block.subarray(from, end));
      if (number === null) return none();
      if (at + from === 0) first = number;
      if (number === wanted) {
        return {
          found: { line: new Uint8Array(block.subarray(from, end)), offset: at + from },
          below: null,
          above: null,
        };
      }
      if (number > wanted) {
        high = { offset: at + from, number };
        break;
      }
      seen = { offset: at + end + 1, number };
      from = end + 1;
    }
    if (seen !== null) low = seen;
    // Neither a smaller nor a larger whole line: the block begins behind the last one that counts.
    else if (high.offset > at + from) high = { offset: at === low.offset ? low.offset : at, number: high.number };
  }
  return none();
}

/** Where to read next: the start, then by the numbers seen so far; every third time the middle, for lines of odd lengths. */
function guess(low: Bound, high: Bound, wanted: number, first: number | null, step: number): number {
  const span = high.offset - low.offset;
  if (span <= BLOCK_BYTES || low.number === null || first === null) return low.offset;
  const bytesEach =
    high.number === null ? low.offset / (low.number - first + 1) : span / Math.max(1, high.number - low.number);
  const ahead = step % 3 === 2 ? span / 2 : (wanted - low.number - 1) * bytesEach;
  const place = low.offset + Math.floor(ahead) - BLOCK_BYTES / 2;
  return Math.min(Math.max(place, low.offset), high.offset - BLOCK_BYTES);
}

const SEQ = ',"seq":';

/** `seq` of a record line: the last member of that name, because `detail` may have one too. */
export const seqOfLine: LineNumber = (view) => numberBehind(view, view.lastIndexOf(SEQ), SEQ.length);

const SIZE = '","size":';

/** `size` of a line of checkpoints.jsonl. */
export const sizeOfLine: LineNumber = (view) => numberBehind(view, view.lastIndexOf(SIZE), SIZE.length);

function numberBehind(view: Buffer, at: number, length: number): number | null {
  if (at < 0 || view.length > 2 * LIMITS.auditLineBytes) return null;
  const digits = /^(?:0|[1-9][0-9]{0,14})(?=[,}])/.exec(view.toString('latin1', at + length, at + length + 16))?.[0];
  return digits === undefined ? null : Number(digits);
}
