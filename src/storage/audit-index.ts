// Hints of an epoch (log page 4.12): hints.json {v, size, segments:[{n, bytes, first_ts, last_ts}], proposals:{digest: seq}}.
// Hints only: the record is read, compared and proved by inclusion; a hint may only make an answer more careful.

import type { AuditRecord } from '../audit/draft.ts';
import { canonicalFile } from '../bytes/canonical-json.ts';
import { array, decodeFile, integer, literal, map, object, time } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type EpochPaths, segmentOf } from './audit-paths.ts';
import { knownRecords } from './audit-segment.ts';
import { type DurableDeps, writeFile } from './durable-file.ts';
import { signKeyOf } from './sign-index.ts';

const PROPOSALS_MAX = 100_000;

const shape = object({
  v: literal(1),
  size: integer(0),
  segments: array(object({ n: integer(0), bytes: integer(0), first_ts: time, last_ts: time }), 1_000_000),
  proposals: map(/^sha256:[0-9a-f]{64}$/, integer(0), PROPOSALS_MAX),
});

export interface Hints {
  readonly size: number;
  readonly segments: readonly {
    readonly n: number;
    readonly bytes: number;
    readonly first_ts: string;
    readonly last_ts: string;
  }[];
  /** Digest of an executed proposal to the seq of its record. */
  readonly proposals: ReadonlyMap<string, number>;
}

/** Null when the hints are missing or not readable: they never decide anything. */
export function readHints(files: Files, paths: EpochPaths): Hints | null {
  try {
    const bytes = files.read(paths.hints, LIMITS.stateFileBytes);
    return bytes === null ? null : decodeFile(shape, bytes, paths.hints);
  } catch (error) {
    if (error instanceof RonError && (error.code === 'Malformed' || error.code === 'TooLarge')) return null;
    throw error;
  }
}

/** What the hints keep of one record. */
export interface HintRecord {
  readonly seq: number;
  readonly ts: string;
  /** Digest of the proposal that this record executed. */
  readonly proposal?: string;
  /** Of an ok `sign` record: its key in the index. */
  readonly sign?: Uint8Array;
}

export function hintOf(record: AuditRecord): HintRecord {
  const digest = record.detail?.['proposal_digest'];
  const proposal = record.op === 'governance.execute' && typeof digest === 'string' ? { proposal: digest } : {};
  const sign = signKeyOf(record);
  return { seq: record.seq, ts: record.ts, ...proposal, ...(sign === null ? {} : { sign }) };
}

/** Brings hints.json from a log of `from` records to one of `size`, or makes it anew when it does not fit. */
export async function writeHints(
  deps: DurableDeps,
  paths: EpochPaths,
  from: number,
  size: number,
  fresh: readonly HintRecord[],
): Promise<void> {
  const old = readHints(deps.files, paths);
  const known = old !== null && old.size === from && fresh[0]?.seq === from ? old : null;
  const segments = new Map(known?.segments.map((one) => [one.n, one]) ?? []);
  const proposals = new Map(known?.proposals ?? []);
  for (const { seq, ts, proposal } of known === null ? allHints(deps.files, paths) : fresh) {
    if (seq >= size) break;
    const n = segmentOf(seq);
    segments.set(n, { n, bytes: 0, first_ts: segments.get(n)?.first_ts ?? ts, last_ts: ts });
    if (proposal !== undefined) proposals.set(proposal, seq);
  }
  const listed = [...segments.values()].map((one) => ({
    ...one,
    bytes: one.bytes > 0 ? one.bytes : (deps.files.info(paths.segment(one.n))?.sizeBytes ?? 0),
  }));
  const file = { v: 1, size, segments: listed, proposals: Object.fromEntries(proposals) };
  await writeFile(deps, paths.hints, canonicalFile(file));
}

function* allHints(files: Files, paths: EpochPaths): Generator<HintRecord> {
  for (let n = 0; files.info(paths.segment(n)) !== null; n++) {
    for (const record of knownRecords(files, paths, n)) yield hintOf(record);
  }
}
