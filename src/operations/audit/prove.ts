// `audit prove` (log page 4.9): one record with its inclusion path and checkpoint in one file (c2sp.org/tlog-proof@v1), or
// the consistency proof from an older size as the body of a witness request. O(log n) reads of stored tiles, and a
// proof is checked here before it is given out. Refuses a record or size that no checkpoint covers.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { consistencyProof, verifyConsistency } from '../../audit/proof.ts';
import { frontierFromTiles } from '../../audit/tile.ts';
import { formatTlogProof } from '../../audit/tlog-proof.ts';
import { foldRoot } from '../../audit/tree.ts';
import { formatWitnessRequest } from '../../audit/witness-request.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { toHex } from '../../bytes/hex.ts';
import { fromUtf8 } from '../../bytes/text.ts';
import { RonError } from '../../errors.ts';
import { NOTE_BYTES_MAX, noteOfSize } from '../../storage/audit-notes.ts';
import { hashReader, provenRecord, readSegmentLine } from '../../storage/audit-store.ts';
import { type CheckpointSummary, checkpointSummary } from './checkpoint-summary.ts';
import { type LogHead, logHead } from './head.ts';
import type { AuditDeps } from './target.ts';
import { demandNote, judgingHome, logOfNote } from './trusted-origin.ts';

/** An older size, or a checkpoint of it, which then has to fit the log. */
export type OldTree =
  | { readonly kind: 'size'; readonly size: number }
  | { readonly kind: 'note'; readonly note: Uint8Array; readonly name: string };

export interface AuditProveRequest {
  /** Null with `consistency`. */
  readonly index: number | null;
  /** Size of the signed tree; null = the newest. */
  readonly size: number | null;
  readonly epoch: number | null;
  readonly consistency: OldTree | null;
}

export interface AuditProveResult {
  readonly kind: 'inclusion' | 'consistency';
  readonly origin: string;
  readonly epoch: number;
  readonly trust: LogHead['trust'];
  readonly checkpoint: CheckpointSummary;
  /** Null for a consistency proof. */
  readonly index: number | null;
  /** Lower hex leaf hash of the record; null for a consistency proof. */
  readonly leaf: string | null;
  /** Size that the consistency proof starts from; null for an inclusion proof. */
  readonly old_size: number | null;
  /** Hashes in the proof. */
  readonly path_length: number;
  /** Exact text of the proof file. */
  readonly proof: string;
}

function demandCheckpoint(head: LogHead, size: number | null): VerifiedCheckpoint {
  const { checkpoint } = head;
  if (checkpoint === null) {
    throw new RonError('NotAuthenticated', `the log ${head.origin} has no checkpoint yet`, {
      hint: 'Sign one: `ronctl audit checkpoint`.',
    });
  }
  if (size === null || size === checkpoint.size) return checkpoint;
  const { note, below, above } = noteOfSize(head.files, head.paths, size);
  if (note === null || size > checkpoint.size) {
    const near = [below, above].filter((one) => one !== null).join(' and ');
    throw new RonError('NotFound', `no checkpoint of size ${size} was signed`, {
      field: '--size',
      hint: near === '' ? 'Leave --size away for the newest one.' : `The nearest signed sizes are ${near}.`,
    });
  }
  const answer = head.verifier.check(note);
  if (answer.ok && answer.checkpoint.size === size) return answer.checkpoint;
  const why = answer.ok ? `it is of size ${answer.checkpoint.size}` : answer.message;
  throw new RonError('Tampered', `the checkpoint of size ${size} in checkpoints.jsonl does not hold: ${why}`, {
    field: answer.ok ? 'checkpoint-malformed' : answer.code,
    hint: 'Run `ronctl audit verify`.',
  });
}

/**
 * The newest checkpoint with cosignatures that covers the record, so that a verifier with a witness policy can use the proof;
 * of a given size only that one. Another one when there is none: what lies in `cosigned` is never needed.
 */
function cosignedFor(head: LogHead, found: VerifiedCheckpoint, index: number, size: number | null): VerifiedCheckpoint {
  const note = head.files.read(head.paths.cosigned, NOTE_BYTES_MAX);
  const answer = note === null ? null : head.verifier.check(note);
  if (answer === null || !answer.ok) return found;
  const { checkpoint } = answer;
  if (checkpoint.size === found.size) return equalBytes(checkpoint.root, found.root) ? checkpoint : found;
  return size === null && checkpoint.size > index && checkpoint.size < found.size ? checkpoint : found;
}

function inclusion(head: LogHead, index: number, size: number | null): AuditProveResult {
  const checkpoint = cosignedFor(head, demandCheckpoint(head, size), index, size);
  if (index >= checkpoint.size) {
    if (readSegmentLine(head.files, head.paths, index) === null) {
      throw new RonError('NotFound', `the log has no record ${index}`, {
        field: 'INDEX',
        hint: 'See `ronctl audit log`.',
      });
    }
    throw new RonError(
      'NotAuthenticated',
      `record ${index} lies behind the checkpoint of size ${checkpoint.size}: nothing signed covers it`,
      { field: 'INDEX', hint: 'Sign the log as it stands: `ronctl audit checkpoint`.' },
    );
  }
  const { line, leaf, proof } = provenRecord(head.files, head.paths, checkpoint, index, head.tiles);
  const bytes = formatTlogProof({ extra: line, index, path: proof, checkpoint: checkpoint.note });
  return {
    kind: 'inclusion',
    origin: head.origin,
    epoch: head.epoch,
    trust: head.trust,
    checkpoint: checkpointSummary(checkpoint),
    index,
    leaf: toHex(leaf),
    old_size: null,
    path_length: proof.length,
    proof: fromUtf8(bytes)!,
  };
}

async function oldTree(
  head: LogHead,
  old: OldTree,
  deps: AuditDeps,
): Promise<{ readonly size: number; readonly root: Uint8Array | null }> {
  if (old.kind === 'size') return { size: old.size, root: null };
  const given = logOfNote(await judgingHome(deps), old.note, old.name);
  if (given.of.origin !== head.origin) {
    throw new RonError('Conflict', `${old.name} is a checkpoint of ${given.of.origin}, and the log is ${head.origin}`, {
      field: '--consistency',
      hint: 'Name the epoch of that log with --epoch.',
    });
  }
  return demandNote(given, old.note, old.name);
}

async function consistency(
  head: LogHead,
  old: OldTree,
  newSize: number | null,
  deps: AuditDeps,
): Promise<AuditProveResult> {
  const checkpoint = demandCheckpoint(head, newSize);
  const { size, root } = await oldTree(head, old, deps);
  if (size > checkpoint.size) {
    throw new RonError('NotFound', `the log is signed up to size ${checkpoint.size}, not ${size}`, {
      field: '--consistency',
      hint: 'A consistency proof goes from an older size to a newer one. Is this log rolled back? `ronctl audit verify`.',
    });
  }
  // Size 0 proves nothing and needs no hash: a witness that knows no checkpoint of this log asks for it.
  const within = size > 0 && size < checkpoint.size;
  const proof = within ? consistencyProof(size, checkpoint.size, hashReader(head.tiles, checkpoint.size)) : [];
  if (size > 0) {
    const frontier = root === null ? frontierFromTiles(head.tiles, size) : null;
    const from = root ?? (frontier === null ? null : foldRoot(frontier));
    if (from === null || !verifyConsistency(size, checkpoint.size, from, checkpoint.root, proof)) {
      throw new RonError('Tampered', `the log at size ${checkpoint.size} does not extend the tree of size ${size}`, {
        field: root === null ? 'tile-mismatch' : 'fork',
        hint:
          root === null
            ? 'A hash tile is wrong: run `ronctl audit verify`.'
            : 'Keep both checkpoints, and show them to the security officer.',
      });
    }
  }
  return {
    kind: 'consistency',
    origin: head.origin,
    epoch: head.epoch,
    trust: head.trust,
    checkpoint: checkpointSummary(checkpoint),
    index: null,
    leaf: null,
    old_size: size,
    path_length: proof.length,
    proof: fromUtf8(formatWitnessRequest({ oldSize: size, proof, note: checkpoint.note }))!,
  };
}

/** Throws NotFound, NotAuthenticated, NoTrustedKey, Tampered. */
export async function auditProve(request: AuditProveRequest, deps: AuditDeps): Promise<AuditProveResult> {
  const head = await logHead(deps, request.epoch);
  if (request.consistency !== null) return consistency(head, request.consistency, request.size, deps);
  return inclusion(head, request.index!, request.size);
}
