// Index of the ok `sign` records of a full segment (log page 4.12): index/<n>.sign, entries of 24 bytes, sorted,
//   SHA-256(kid#v 00 input_hash as text)[0..16] ‖ u64be seq
// A hint only: the record that it names is read, compared and proved by inclusion.

import type { AuditRecord } from '../audit/draft.ts';
import { readU64be } from '../bytes/framing.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256 } from '../crypto/hash.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, segmentOf } from './audit-paths.ts';
import { knownRecords } from './audit-segment.ts';
import { type DurableDeps, ensureDirectory, writeFile } from './durable-file.ts';

export const SIGN_ENTRY_BYTES = 24;
const KEY_BYTES = 16;

/** `kid` with version, `inputHash` as in the record. */
export function signIndexKey(kid: string, inputHash: string): Uint8Array {
  return sha256(utf8(`${kid}\0${inputHash}`)).subarray(0, KEY_BYTES);
}

/** The key of a record that belongs into the index, else null. */
export function signKeyOf(record: AuditRecord): Uint8Array | null {
  const { op, result, kid, input_hash: inputHash } = record;
  return op === 'sign' && result === 'ok' && kid !== undefined && inputHash !== undefined
    ? signIndexKey(kid, inputHash)
    : null;
}

/** The sign records of one segment, in the order in which they came. */
export class SegmentSigns {
  /** Seq from which on every record was seen; null: none yet. */
  readonly #from: number;
  #next: number;
  #bytes = Buffer.alloc(0);
  #count = 0;

  constructor(from: number) {
    this.#from = from;
    this.#next = from;
  }

  get next(): number {
    return this.#next;
  }

  get from(): number {
    return this.#from;
  }

  /** The record at `next`; `key` null when it is no ok `sign` record. */
  add(key: Uint8Array | null): void {
    const seq = this.#next++;
    if (key === null) return;
    const at = this.#count++ * SIGN_ENTRY_BYTES;
    if (at === this.#bytes.length) this.#grow();
    this.#bytes.set(key, at);
    this.#bytes.writeBigUInt64BE(BigInt(seq), at + KEY_BYTES);
  }

  #grow(): void {
    const larger = Buffer.alloc(Math.max(64 * SIGN_ENTRY_BYTES, this.#bytes.length * 2));
    this.#bytes.copy(larger);
    this.#bytes = larger;
  }

  /** The entries of these records and of `later`, those right behind them, sorted bytewise. */
  sorted(later: SegmentSigns | null = null): Uint8Array {
    return sortedEntries(Buffer.concat([this.#entries(), ...(later === null ? [] : [later.#entries()])]));
  }

  #entries(): Buffer {
    return this.#bytes.subarray(0, this.#count * SIGN_ENTRY_BYTES);
  }
}

/** At most 65,536 entries. Sorted as numbers of their first 4 bytes and their place, and then where those are alike. */
function sortedEntries(entries: Buffer): Buffer {
  const count = entries.length / SIGN_ENTRY_BYTES;
  const order = new Float64Array(count);
  for (let n = 0; n < count; n++) order[n] = entries.readUInt32BE(n * SIGN_ENTRY_BYTES) * 65_536 + n;
  order.sort();
  const places = Array.from(order, (one) => (one % 65_536) * SIGN_ENTRY_BYTES);
  const compare = (a: number, b: number): number =>
    entries.compare(entries, b, b + SIGN_ENTRY_BYTES, a, a + SIGN_ENTRY_BYTES);
  for (let n = 1; n < count; n++) {
    for (let m = n; m > 0 && compare(places[m - 1]!, places[m]!) > 0; m--) {
      [places[m - 1], places[m]] = [places[m]!, places[m - 1]!];
    }
  }
  const out = Buffer.alloc(entries.length);
  for (const [n, at] of places.entries()) entries.copy(out, n * SIGN_ENTRY_BYTES, at, at + SIGN_ENTRY_BYTES);
  return out;
}

/** Records read in one turn: a server goes on answering meanwhile. */
const AT_ONCE = 256;

/** Of the records of a segment below `end`. */
async function readSigns(files: Files, paths: EpochPaths, number: number, end: number): Promise<SegmentSigns> {
  const signs = new SegmentSigns(number * LIMITS.auditSegmentRecords);
  for (const record of knownRecords(files, paths, number)) {
    if (record.seq >= end) break;
    if (record.seq < signs.next) continue;
    while (signs.next < record.seq) signs.add(null);
    signs.add(signKeyOf(record));
    if (record.seq % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return signs;
}

/** Writes the index of each segment that becomes full; what came before this process is read from the segment itself. */
export class SignIndexWriter {
  readonly #deps: DurableDeps;
  readonly #paths: EpochPaths;
  #signs: SegmentSigns | null = null;

  constructor(deps: DurableDeps, paths: EpochPaths) {
    this.#deps = deps;
    this.#paths = paths;
  }

  /** The records of a checkpoint, in order: those after the ones given before. `key` as in SegmentSigns.add. */
  async add(records: Iterable<{ readonly seq: number; readonly key: Uint8Array | null }>): Promise<void> {
    for (const { seq, key } of records) {
      if (this.#signs?.next !== seq) this.#signs = new SegmentSigns(seq);
      this.#signs.add(key);
      if ((seq + 1) % LIMITS.auditSegmentRecords === 0) await this.#write(segmentOf(seq), this.#signs);
    }
  }

  async #write(number: number, seen: SegmentSigns): Promise<void> {
    const { files } = this.#deps;
    this.#signs = null;
    const whole = seen.from <= number * LIMITS.auditSegmentRecords;
    const sorted = whole ? seen.sorted() : (await readSigns(files, this.#paths, number, seen.from)).sorted(seen);
    ensureDirectory(files, this.#paths.index);
    await writeFile(this.#deps, this.#paths.signIndex(number), sorted);
  }
}

/** True when the bytes can be the index of a segment with so many ok `sign` records: whole, sorted, within it. */
export function isSignIndex(bytes: Uint8Array, signs: number, firstSeq: number): boolean {
  if (bytes.length !== signs * SIGN_ENTRY_BYTES) return false;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += SIGN_ENTRY_BYTES) {
    const next = at + SIGN_ENTRY_BYTES;
    const seq = readU64be(bytes, at + KEY_BYTES);
    if (seq === null || seq < firstSeq || seq >= firstSeq + LIMITS.auditSegmentRecords) return false;
    if (next < bytes.length && view.compare(view, next, next + SIGN_ENTRY_BYTES, at, next) >= 0) return false;
  }
  return true;
}

/** Seqs that the index of a segment names for a key; null when the index is missing or no whole entries. */
export function lookUpSignIndex(files: Files, paths: EpochPaths, number: number, key: Uint8Array): number[] | null {
  const bytes = files.read(paths.signIndex(number), LIMITS.auditSegmentRecords * SIGN_ENTRY_BYTES);
  if (bytes === null || bytes.length % SIGN_ENTRY_BYTES !== 0) return null;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let low = 0;
  let high = bytes.length / SIGN_ENTRY_BYTES;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const at = middle * SIGN_ENTRY_BYTES;
    if (Buffer.compare(view.subarray(at, at + KEY_BYTES), key) < 0) low = middle + 1;
    else high = middle;
  }
  const out: number[] = [];
  for (let at = low * SIGN_ENTRY_BYTES; at < bytes.length; at += SIGN_ENTRY_BYTES) {
    if (Buffer.compare(view.subarray(at, at + KEY_BYTES), key) !== 0) break;
    const seq = readU64be(bytes, at + KEY_BYTES);
    if (seq !== null) out.push(seq);
  }
  return out;
}
