// What readers of line formats share: they take whole lines one by one, list a bounded number of findings, and mention a torn
// last line (store page 6: an unacknowledged write, not damage).

import type { Artefact } from './artefact.ts';

/** Signatures and defects listed; all are counted. */
export const LISTED = 100;

/** Takes the lines of one segment in order, without their LF. */
export interface SegmentReader {
  push(line: Uint8Array): void;
  /** `tornBytes`: how many follow the last LF. */
  end(tornBytes: number): Artefact;
}

export const tornNote = (tornBytes: number): string[] =>
  tornBytes === 0 ? [] : [`the last ${tornBytes} bytes have no line feed: a write that was never acknowledged`];
