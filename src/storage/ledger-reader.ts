// Single lines of the ledger by their place (governance page 9): segment = floor(seq / 4,096), byte offset within it. Readers
// take no lock; a line counts only after its hash and what it belongs to were checked by the caller.

import { RonError } from '../errors.ts';
import type { LinePlace } from '../governance/index-entry.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { ledgerSegmentOf, ledgerSegmentPath } from './ledger-segments.ts';

const LF = 0x0a;
const CHUNK_BYTES = 16 * 1024;

/** Exact bytes from the offset up to the next LF. Tampered when there is no such line. */
export function readLedgerLine(files: Files, ledgerDir: string, place: LinePlace): Uint8Array {
  const path = ledgerSegmentPath(ledgerDir, ledgerSegmentOf(place.seq));
  if (files.info(path) === null) throw missing(place);
  const file = files.open(path, 'read');
  try {
    for (let length = CHUNK_BYTES; length <= LIMITS.requestFileBytes; length *= 4) {
      const bytes = file.read(place.offset, length);
      const end = bytes.indexOf(LF);
      if (end >= 0) return bytes.slice(0, end);
      if (bytes.length < length) break;
    }
  } finally {
    file.close();
  }
  throw missing(place);
}

/** Longest line that is written: a proposal of 64 KiB with its signatures, in base64. */
const LINE_BYTES_MAX = 256 * 1024;

/** The line of `seq` that ends, with its LF, at byte `end` of its segment. Tampered when nothing ends there. */
export function readLineEndingAt(files: Files, ledgerDir: string, seq: number, end: number): Uint8Array {
  const path = ledgerSegmentPath(ledgerDir, ledgerSegmentOf(seq));
  if (files.info(path) === null) throw missing({ seq, offset: end });
  const file = files.open(path, 'read');
  try {
    const from = Math.max(0, end - LINE_BYTES_MAX);
    const bytes = file.read(from, end - from);
    if (bytes.length !== end - from || bytes.at(-1) !== LF) throw missing({ seq, offset: end });
    return bytes.slice(bytes.lastIndexOf(LF, bytes.length - 2) + 1, -1);
  } finally {
    file.close();
  }
}

function missing(place: LinePlace): RonError {
  return new RonError('Tampered', `line ${place.seq} is not in the ledger where it was written`, { field: 'ledger' });
}
