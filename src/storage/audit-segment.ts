// Reading segment files (log page 4.2): JSON lines, 65,536 records each. Files are streamed; nothing here judges a line.

import type { AuditRecord } from '../audit/draft.ts';
import { parseRecord } from '../audit/record.ts';
import { RonError } from '../errors.ts';
import type { Files, OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';
import type { EpochPaths } from './audit-paths.ts';

const CHUNK_BYTES = 1024 * 1024;
const LF = 0x0a;

export interface SegmentLine {
  readonly line: Uint8Array;
  /** Of its first byte in the file. */
  readonly offset: number;
  /** False for a last line without LF. */
  readonly complete: boolean;
}

/** Runs a function on an open file, or on null when the file is missing. */
export function withFile<T>(files: Files, path: string, use: (file: OpenFile | null) => T): T {
  if (files.info(path) === null) return use(null);
  const file = files.open(path, 'read');
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** The lines from `offset` on, up to the size that the file has now. A line is cut at twice the limit of a record. */
export function* segmentLines(file: OpenFile, offset = 0): Generator<SegmentLine> {
  const size = file.info().sizeBytes;
  for (let at = offset; at < size; ) {
    let chunk = file.read(at, Math.min(CHUNK_BYTES, size - at));
    if (chunk.length === 0) return;
    let from = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, from)) {
      yield { line: chunk.subarray(from, end), offset: at + from, complete: true };
      from = end + 1;
    }
    if (from === 0 && (at + chunk.length >= size || chunk.length > 2 * LIMITS.auditLineBytes)) {
      yield { line: chunk.subarray(0, 2 * LIMITS.auditLineBytes), offset: at, complete: false };
      return;
    }
    at += from;
    chunk = chunk.subarray(0, 0);
  }
}

/** Byte offset of line `number` (from 0), or the number of whole lines when there are fewer. */
export function findLine(file: OpenFile, number: number): { readonly offset: number } | { readonly lines: number } {
  if (number === 0) return { offset: 0 };
  const size = file.info().sizeBytes;
  let lines = 0;
  for (let at = 0; at < size; ) {
    const chunk = file.read(at, Math.min(CHUNK_BYTES, size - at));
    if (chunk.length === 0) break;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, end + 1)) {
      lines++;
      if (lines === number) return { offset: at + end + 1 };
    }
    at += chunk.length;
  }
  return { lines };
}

/** One whole line by its number in the segment, or null. */
export function readLine(file: OpenFile, number: number): SegmentLine | null {
  const found = findLine(file, number);
  if (!('offset' in found)) return null;
  const [line] = segmentLines(file, found.offset);
  return line?.complete ? { ...line, line: line.line.slice() } : null;
}

/** Known records of one segment; anything else (newer, malformed) is passed over: hints judge nothing. */
export function* knownRecords(files: Files, paths: EpochPaths, number: number): Generator<AuditRecord> {
  const path = paths.segment(number);
  if (files.info(path) === null) return;
  const file = files.open(path, 'read');
  try {
    for (const { line, complete } of segmentLines(file)) {
      if (!complete) return;
      const record = readKnown(line);
      if (record !== null) yield record;
    }
  } finally {
    file.close();
  }
}

function readKnown(line: Uint8Array): AuditRecord | null {
  try {
    const record = parseRecord(line, 'record');
    return 'newer' in record ? null : record;
  } catch (error) {
    if (error instanceof RonError) return null;
    throw error;
  }
}
