// How the ledger lists a proposal in ledger/state.json (governance page 9): where its lines are, and how far it got. The
// content itself stays in the ledger; the offset is the byte position of the line within its segment.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { anyObject, array, type Decoder, integer, literal, object, sha256Digest, time } from '../bytes/decode.ts';
import { utf8 } from '../bytes/text.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { proposalId, signerId } from './names.ts';

/** Where a line begins. */
export interface LinePlace {
  readonly seq: number;
  readonly offset: number;
}

export type Decision = 'open' | 'approved' | 'rejected' | 'withdrawn' | 'suspended';
export type Execution = 'none' | 'executing' | 'executed' | 'failed' | 'closed';

export interface IndexEntry extends LinePlace {
  readonly id: string;
  readonly digest: string;
  /** By the votes in the ledger; time and staleness are judged at each read. */
  readonly decision: Decision;
  readonly execution: Execution;
  /** Member ids, sorted. */
  readonly approvals: readonly string[];
  readonly rejects: readonly string[];
  readonly decide_by: string;
  readonly expires_at: string;
  /** Statements, possessions, intent, execution: every later line about it. */
  readonly lines: readonly LinePlace[];
  /** `trailOf` the hashes of its line and of `lines`, in order. */
  readonly trail: string;
}

/**
 * Binds an entry to the content of its lines: a line is read by its place, and its own hash says only that it is whole.
 * Attack: a retract in the middle of the ledger is replaced by a copy of an approve, and the state file still fits the head.
 */
export function trailOf(before: string | null, lineHash: string): string {
  return `sha256:${sha256Hex(utf8(`${before ?? ''} ${lineHash}`))}`;
}

const place = { seq: integer(0), offset: integer(0) };

const shape = object({
  ...place,
  digest: sha256Digest,
  decision: literal('open', 'approved', 'rejected', 'withdrawn', 'suspended'),
  execution: literal('none', 'executing', 'executed', 'failed', 'closed'),
  approvals: array(signerId, 8),
  rejects: array(signerId, 8),
  decide_by: time,
  expires_at: time,
  lines: array(object(place), 10_000),
  trail: sha256Digest,
});

/**
 * The index of an authenticated state. Entries that can still change are checked member by member; of the others, which may
 * be tens of thousands, only the place is.
 */
export const indexEntries: Decoder<Map<string, IndexEntry>> = (value, path) => {
  const out = new Map<string, IndexEntry>();
  for (const [id, raw] of Object.entries(anyObject(value, path))) {
    const entry = anyObject(raw, path) as unknown as IndexEntry;
    const settled = entry.execution === 'executed' && Number.isSafeInteger(entry.seq) && Array.isArray(entry.lines);
    out.set(settled ? id : proposalId(id, path), { id, ...(settled ? entry : shape(raw, `${path}.${id}`)) });
  }
  return out;
};

export function indexJson(index: ReadonlyMap<string, IndexEntry>): JsonObject {
  const out: Record<string, JsonObject> = Object.create(null) as Record<string, JsonObject>;
  for (const [id, { id: _id, ...entry }] of index) out[id] = entry as unknown as JsonObject;
  return out;
}

/** Nothing more can happen to it by votes or execution. */
export function isClosed(entry: Pick<IndexEntry, 'execution' | 'decision'>): boolean {
  return (
    entry.execution === 'executed' ||
    entry.execution === 'failed' ||
    entry.execution === 'closed' ||
    entry.decision === 'withdrawn'
  );
}
