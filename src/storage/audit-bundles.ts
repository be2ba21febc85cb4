// Entry bundles cut from the segments of a log (log page 4.9): the lines of up to 256 records, found by where every 256th line
// of its segment begins. Those places are kept for the newest few segments; a segment that grew is read on from there. Nothing
// here judges a line: whoever gets the bundle hashes it.

import { bundleEntry } from '../audit/entry-bundle.ts';
import { TILE_WIDTH } from '../audit/tile.ts';
import { concat } from '../bytes/framing.ts';
import type { Files, OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, segmentOf } from './audit-paths.ts';
import { segmentLines, withFile } from './audit-segment.ts';

const SEGMENTS_KEPT = 16;
const CHUNK_BYTES = 1024 * 1024;
const LF = 0x0a;

interface Places {
  /** Offset of line 256 * n, as far as the segment was read. */
  readonly starts: number[];
  /** Up to here it was read: so many whole lines end there. */
  lines: number;
  end: number;
}

export class BundleReader {
  readonly #files: Files;
  readonly #paths: EpochPaths;
  readonly #segments = new Map<number, Places>();

  constructor(files: Files, paths: EpochPaths) {
    this.#files = files;
    this.#paths = paths;
  }

  /** `width` records from `index * 256` on; null when the log does not have them all. */
  read(index: number, width: number): Uint8Array | null {
    const first = index * TILE_WIDTH;
    const number = segmentOf(first);
    return withFile(this.#files, this.#paths.segment(number), (file) => {
      if (file === null) return null;
      const start = this.#start(file, number, (first % LIMITS.auditSegmentRecords) / TILE_WIDTH);
      if (start === null) return null;
      const entries: Uint8Array[] = [];
      for (const { line, complete } of segmentLines(file, start)) {
        if (!complete || line.length > LIMITS.auditLineBytes) return null;
        entries.push(bundleEntry(line));
        if (entries.length === width) return concat(...entries);
      }
      return null;
    });
  }

  #start(file: OpenFile, number: number, bundle: number): number | null {
    const { sizeBytes } = file.info();
    let places = this.#segments.get(number);
    this.#segments.delete(number);
    // A segment that is shorter than it was has been recovered.
    if (places === undefined || places.end > sizeBytes) places = { starts: [0], lines: 0, end: 0 };
    this.#segments.set(number, places);
    if (this.#segments.size > SEGMENTS_KEPT) this.#segments.delete(this.#segments.keys().next().value!);
    for (let at = places.end; places.starts.length <= bundle && at < sizeBytes; ) {
      const chunk = file.read(at, Math.min(CHUNK_BYTES, sizeBytes - at));
      if (chunk.length === 0) break;
      for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, end + 1)) {
        places.lines++;
        places.end = at + end + 1;
        if (places.lines % TILE_WIDTH === 0) places.starts.push(places.end);
      }
      at += chunk.length;
    }
    return places.starts[bundle] ?? null;
  }
}
