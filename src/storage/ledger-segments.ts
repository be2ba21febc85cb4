// Files of the ledger (governance page 9): ledger/000000.jsonl ..., 4,096 exact lines each, and the committed head. What a
// line means is governance/ledger.ts; which head is committed is public.json's `ledger`, under the audit log. Appends sync
// before they return; nothing counts until the `ledger.append` record commits it.
// Refuses a ledger that is shorter than its committed head or different at it (Tampered). Attack: the ledger is cut before
// the entry that removed a signer. Lines beyond the head were never committed: the writer cuts them.

import { canonicalBytes } from '../bytes/canonical-json.ts';
import { anyObject, decodeCanonical } from '../bytes/decode.ts';
import { concat } from '../bytes/framing.ts';
import { digestH, payloadType } from '../envelope/h.ts';
import { ownBytes, RonError } from '../errors.ts';
import type { Files, OpenFile } from '../host.ts';
import { LIMITS } from '../limits.ts';
import type { LineRef } from '../sealed/manifest.ts';
import { ensureDirectory } from './durable-file.ts';

const LF = 0x0a;
const CHUNK_BYTES = 1024 * 1024;
const LINE_TYPE = payloadType('gov.ledger-line.v1');

export const ledgerSegmentOf = (seq: number): number => Math.floor(seq / LIMITS.ledgerSegmentLines);

export function ledgerSegmentPath(ledgerDir: string, segment: number): string {
  return `${ledgerDir}/${String(segment).padStart(6, '0')}.jsonl`;
}

const segmentNumbers = (files: Files, ledgerDir: string): number[] =>
  files
    .list(ledgerDir)
    .flatMap((name) => (/^[0-9]{6,}\.jsonl$/.test(name) ? [Number.parseInt(name, 10)] : []))
    .sort((a, b) => a - b);

interface WholeLine {
  readonly line: Uint8Array;
  /** Just behind its LF. */
  readonly end: number;
}

function* wholeLines(file: OpenFile): Generator<WholeLine> {
  const { sizeBytes } = file.info();
  let rest: Uint8Array = new Uint8Array(0);
  for (let at = 0; at < sizeBytes; ) {
    const chunk = file.read(at, Math.min(CHUNK_BYTES, sizeBytes - at));
    if (chunk.length === 0) return;
    at += chunk.length;
    const bytes = rest.length === 0 ? chunk : concat(rest, chunk);
    const start = at - bytes.length;
    let from = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, from)) {
      yield { line: bytes.slice(from, end), end: start + end + 1 };
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > LIMITS.requestFileBytes) {
      throw new RonError('Tampered', 'the ledger holds a line longer than any that is written');
    }
  }
}

function openSegment(files: Files, ledgerDir: string, segment: number): OpenFile | null {
  const path = ledgerSegmentPath(ledgerDir, segment);
  return files.info(path) === null ? null : files.open(path, 'read');
}

/** Exact lines (no LF) with seq `from` up to `size`, as they stand. Tampered when there are fewer. */
export function* ledgerLines(files: Files, ledgerDir: string, from: number, size: number): Generator<Uint8Array> {
  for (let seq = from; seq < size; ) {
    const segment = ledgerSegmentOf(seq);
    const last = Math.min(size, (segment + 1) * LIMITS.ledgerSegmentLines);
    const file = openSegment(files, ledgerDir, segment);
    let at = segment * LIMITS.ledgerSegmentLines;
    try {
      for (const { line } of file === null ? [] : wholeLines(file)) {
        if (at >= last) break;
        if (at === seq) {
          yield line;
          seq++;
        }
        at++;
      }
    } finally {
      file?.close();
    }
    if (seq < last) {
      throw new RonError(
        'Tampered',
        `the ledger ${seq === 0 ? 'is missing' : `ends at line ${seq - 1}`}; ${size === 1 ? '1 line was' : `${size} lines were`} committed`,
        { field: 'ledger' },
      );
    }
  }
}

/** Seq and recomputed hash of an exact line. */
export function ledgerLineRef(line: Uint8Array): LineRef {
  const value = decodeCanonical(anyObject, line, 'ledger line');
  const { hash: _stated, ...rest } = value;
  const seq = value['seq'];
  if (typeof seq !== 'number') throw new RonError('Malformed', 'ledger line: seq is missing', { field: 'seq' });
  return { seq, hash: digestH(LINE_TYPE, canonicalBytes(rest)) };
}

/** Where the committed lines end. */
export interface LedgerEnd {
  /** Number of lines. */
  readonly size: number;
  /** Bytes of whole lines in the segment of the last line. */
  readonly segmentBytes: number;
}

/** Checks the files against the committed head; throws Tampered when they are shorter, or differ at it. */
export function checkLedgerHead(files: Files, ledgerDir: string, head: LineRef | null): LedgerEnd {
  if (head === null) return { size: 0, segmentBytes: 0 };
  const segment = ledgerSegmentOf(head.seq);
  const file = openSegment(files, ledgerDir, segment);
  let seq = segment * LIMITS.ledgerSegmentLines;
  try {
    for (const { line, end } of file === null ? [] : wholeLines(file)) {
      if (seq === head.seq) {
        const found = ownBytes(() => ledgerLineRef(line));
        if (found.seq !== head.seq || found.hash !== head.hash) {
          throw new RonError('Tampered', `line ${head.seq} of the ledger is not the one that was committed`, {
            field: 'ledger',
          });
        }
        return { size: seq + 1, segmentBytes: end };
      }
      seq++;
    }
  } finally {
    file?.close();
  }
  throw new RonError('Tampered', `the ledger ends before line ${head.seq}, which was committed`, {
    field: 'ledger',
    hint: 'Keep a copy; find the missing part; tell the security officer.',
  });
}

/** Cuts what lies behind the end; returns how many bytes that were. */
export async function cutLedger(files: Files, ledgerDir: string, end: LedgerEnd): Promise<number> {
  const last = end.size === 0 ? -1 : ledgerSegmentOf(end.size - 1);
  let cut = 0;
  for (const segment of segmentNumbers(files, ledgerDir)) {
    if (segment < last) continue;
    const keep = segment === last ? end.segmentBytes : 0;
    const file = files.open(ledgerSegmentPath(ledgerDir, segment), 'write');
    try {
      const { sizeBytes } = file.info();
      if (sizeBytes <= keep) continue;
      file.truncate(keep);
      await file.sync();
      cut += sizeBytes - keep;
    } finally {
      file.close();
    }
  }
  return cut;
}

/** Writes and syncs lines behind the end; returns the new end. They count when their record commits them. */
export async function appendLedgerLines(
  files: Files,
  ledgerDir: string,
  end: LedgerEnd,
  lines: readonly Uint8Array[],
): Promise<LedgerEnd> {
  ensureDirectory(files, ledgerDir);
  let { size, segmentBytes } = end;
  for (let at = 0; at < lines.length; ) {
    const segment = ledgerSegmentOf(size);
    const room = LIMITS.ledgerSegmentLines - (size % LIMITS.ledgerSegmentLines);
    if (size % LIMITS.ledgerSegmentLines === 0) segmentBytes = 0;
    const part = lines.slice(at, at + room);
    const bytes = concat(...part.flatMap((line) => [line, Uint8Array.of(LF)]));
    const path = ledgerSegmentPath(ledgerDir, segment);
    const fresh = files.info(path) === null;
    const file = files.open(path, fresh ? 'create-new' : 'write');
    try {
      file.write(bytes, segmentBytes);
      await file.sync();
    } finally {
      file.close();
    }
    if (fresh) await files.syncDirectory(ledgerDir);
    size += part.length;
    segmentBytes += bytes.length;
    at += part.length;
  }
  return { size, segmentBytes };
}
