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

function missing(place: LinePlace): RonError {
  return new RonError('Tampered', `line ${place.seq} is not in the ledger where it was written`, { field: 'ledger' });
}
