// Entry bundles of C2SP tlog-tiles: tile/entries/<N>[.p/<W>] holds up to 256 entries, each u16be length ‖ bytes; here the
// bytes are a record line without its LF, so that SHA-256(0x00 ‖ entry) is its leaf. Refused: another number of entries than
// the name says, bytes behind the last one, an entry with a line feed.

import { concat, readU16be, u16be } from '../bytes/framing.ts';
import { LIMITS } from '../limits.ts';
import { TILE_WIDTH, tileIndexPath } from './tile.ts';

const LF = 0x0a;

export const BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + LIMITS.auditLineBytes);

/** Path below the directory of the log; `width` 1..256. */
export function bundlePath(index: number, width: number): string {
  return `tile/entries/${tileIndexPath(index)}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** A line as it stands in a bundle. */
export const bundleEntry = (line: Uint8Array): Uint8Array => concat(u16be(line.length), line);

/** The lines of a bundle; null when it is not exactly `width` of them. */
export function parseBundle(bytes: Uint8Array, width: number): Uint8Array[] | null {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 2 > bytes.length || lines.length === width) return null;
    const end = at + 2 + readU16be(bytes, at);
    if (end > bytes.length) return null;
    const line = bytes.subarray(at + 2, end);
    if (line.includes(LF)) return null;
    lines.push(line);
    at = end;
  }
  return lines.length === width ? lines : null;
}
