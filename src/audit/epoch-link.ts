// The link from an epoch to the one before it (log page 4.7, R-08): the detail of `epoch.open`, seq 0 of every epoch but the
// first, against what a quorum approved and against what is known of the log before. Refuses a link that another proposal
// was approved for, that names other checkpoints than stand in the log before, or less than a remembered one.

import type { JsonObject } from '../bytes/canonical-json.ts';
import { array, type Decoder, integer, nullable, object, sha256Digest, string } from '../bytes/decode.ts';
import { toHex } from '../bytes/hex.ts';
import type { CheckpointBody } from './checkpoint.ts';

export interface NamedCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** Lower hex. */
  readonly root: string;
}

export interface EpochLink {
  readonly prev_origin: string;
  readonly prev_checkpoint: NamedCheckpoint | null;
  readonly restored_checkpoint: NamedCheckpoint | null;
  /** Records `from` up to and without `to`. */
  readonly lost: { readonly from: number; readonly to: number } | null;
  /** H of counters.json where the epoch begins. */
  readonly counters: string;
  readonly proposal_digest?: string;
  readonly statements?: readonly string[];
}

const name = string({ maxBytes: 255 });
const checkpoint = nullable(
  object({ origin: name, size: integer(0), root: string({ pattern: /^[0-9a-f]{64}$/, what: '64 lower-case hex' }) }),
);
const shape: Decoder<EpochLink & { readonly governed?: unknown }> = object(
  {
    prev_origin: name,
    prev_checkpoint: checkpoint,
    restored_checkpoint: checkpoint,
    lost: nullable(object({ from: integer(0), to: integer(0) })),
    counters: sha256Digest,
  },
  { proposal_digest: sha256Digest, statements: array(sha256Digest, 64), governed: (value) => value },
);

/** Null for a record that opens no epoch. Throws Malformed for a detail of another form. */
export function epochLink(record: { readonly op: string; readonly detail?: JsonObject }): EpochLink | null {
  return record.op === 'epoch.open' ? shape(record.detail ?? {}, 'detail') : null;
}

/** What a quorum approved, as its action says it. */
export interface ApprovedLink {
  readonly origin: string;
  readonly proposalDigest: string;
  readonly statements: readonly string[];
  readonly action: {
    readonly prev_origin: string;
    readonly prev_checkpoint: NamedCheckpoint;
    readonly restored_checkpoint: NamedCheckpoint;
  };
}

const isSame = (a: NamedCheckpoint | null, b: NamedCheckpoint | null): boolean =>
  a === b || (a !== null && b !== null && a.origin === b.origin && a.size === b.size && a.root === b.root);

/** Why the link is not the approved one; null when it is. */
export function differsFromApproved(link: EpochLink, origin: string, approved: ApprovedLink): string | null {
  const { action } = approved;
  if (approved.origin !== origin) return `it was approved for ${approved.origin}`;
  if (link.prev_origin !== action.prev_origin) return `it was approved to follow ${action.prev_origin}`;
  if (!isSame(link.prev_checkpoint, action.prev_checkpoint)) return 'another checkpoint before it was approved';
  if (!isSame(link.restored_checkpoint, action.restored_checkpoint)) return 'another restored checkpoint was approved';
  if ((link.statements ?? []).join() !== approved.statements.join()) return 'other approvals were counted';
  return null;
}

/** Why the link contradicts what is known of the log before it (its checkpoints, the memory); null when it does not. */
export function contradicts(
  link: EpochLink,
  before: { readonly origin: string; readonly known: readonly CheckpointBody[] },
): string | null {
  const { prev_checkpoint: prev, restored_checkpoint: restored, lost } = link;
  if (link.prev_origin !== before.origin) return `it follows ${link.prev_origin}, not ${before.origin}`;
  if (prev === null || restored === null) return 'it names no checkpoint of the log before';
  for (const one of [prev, restored]) {
    if (one.origin !== before.origin) return `it names a checkpoint of ${one.origin}`;
    const other = before.known.find((known) => known.size === one.size && toHex(known.root) !== one.root);
    if (other !== undefined) return `it names another root at size ${one.size} than the one that is known`;
  }
  if (restored.size > prev.size) return 'the restored checkpoint is newer than the newest known one';
  const [from, to] = lost === null ? [prev.size, prev.size] : [lost.from, lost.to];
  if (from !== restored.size || to !== prev.size) return 'the lost range is not what lies between the two checkpoints';
  const newer = before.known.find((known) => known.size > prev.size);
  if (newer !== undefined)
    return `a checkpoint of size ${newer.size} of ${before.origin} is known, beyond ${prev.size}`;
  return null;
}
