// Records of an epoch as lines on disk: forwards by number, backwards from a size. Lines are not judged here, but none may be
// missing: fewer than the caller knows of is Tampered.

import type { AuditRecord } from '../audit/draft.ts';
import { parseRecord } from '../audit/record.ts';
import { fail, ownBytes } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, segmentOf } from './audit-paths.ts';
import { findLine, segmentLines, withFile } from './audit-segment.ts';
import { knownRecord } from './audit-store.ts';

const tampered = (code: string, message: string): never => fail('Tampered', message, { field: code });

export interface WholeLine {
  readonly seq: number;
  readonly line: Uint8Array;
  /** Just behind its LF. */
  readonly end: number;
}

/** Whole lines from `from` up to `size`, without judging them. Throws Tampered when there are fewer. */
export function* wholeLines(files: Files, paths: EpochPaths, from: number, size: number): Generator<WholeLine> {
  for (let seq = from; seq < size; ) {
    const path = paths.segment(segmentOf(seq));
    if (files.info(path) === null) tampered('missing-records', `${path} is missing, with record ${seq}`);
    const file = files.open(path, 'read');
    try {
      const start = findLine(file, seq % LIMITS.auditSegmentRecords);
      const before = seq;
      if ('offset' in start) {
        for (const { line, offset, complete } of segmentLines(file, start.offset)) {
          if (!complete || seq >= size || (seq > before && seq % LIMITS.auditSegmentRecords === 0)) break;
          yield { seq, line, end: offset + line.length + 1 };
          seq++;
        }
      }
      if (seq < size && (seq % LIMITS.auditSegmentRecords !== 0 || seq === before)) {
        tampered('head-mismatch', `${path} ends before record ${seq}; the head says that there are ${size}`);
      }
    } finally {
      file.close();
    }
  }
}

/** Where record `size` begins in its segment, and the segment to go on with. */
export function endOfRecords(
  files: Files,
  paths: EpochPaths,
  size: number,
): { readonly segment: number; readonly bytes: number } {
  if (size === 0) return { segment: 0, bytes: 0 };
  const segment = segmentOf(size - 1);
  const lines = size - segment * LIMITS.auditSegmentRecords;
  const bytes = withFile(files, paths.segment(segment), (file) => {
    const found = file === null ? { lines: 0 } : findLine(file, lines);
    return 'offset' in found ? found.offset : null;
  });
  return {
    segment,
    bytes: bytes ?? tampered('head-mismatch', `${paths.segment(segment)} ends before record ${size - 1}`),
  };
}

const BLOCK_BYTES = 256 * 1024;

/** Records below `size` from the newest backwards, as far as they parse. */
export function* recordsBackwards(files: Files, paths: EpochPaths, size: number): Generator<AuditRecord> {
  for (let segment = size === 0 ? -1 : segmentOf(size - 1); segment >= 0; segment--) {
    const lines = Math.min(LIMITS.auditSegmentRecords, size - segment * LIMITS.auditSegmentRecords);
    const { bytes } = endOfRecords(files, paths, segment * LIMITS.auditSegmentRecords + lines);
    const file = files.open(paths.segment(segment), 'read');
    try {
      for (let end = bytes; end > 0; ) {
        const start = Math.max(0, end - BLOCK_BYTES);
        const found = [...segmentLines(file, start)].filter((one) => one.complete && one.offset < end);
        const whole = start === 0 ? found : found.slice(1);
        for (const { line } of whole.toReversed()) {
          yield knownRecord(ownBytes(() => parseRecord(line, 'audit record')));
        }
        end = whole[0]?.offset ?? 0;
      }
    } finally {
      file.close();
    }
  }
}
