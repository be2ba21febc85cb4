// What `audit log` and `audit show` stand on: one epoch of this home's log with its newest verified checkpoint, and records
// proved by inclusion under it. A record behind the checkpoint is shown as unsigned; one below it that does not prove is
// tampering (10).

import { createLogVerifier, type LogVerifier, type VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { AuditRecord } from '../../audit/draft.ts';
import { leafHash } from '../../audit/leaf.ts';
import { inclusionProof, verifyInclusion } from '../../audit/proof.ts';
import { type NewerRecord, parseRecord } from '../../audit/record.ts';
import type { TileReader } from '../../audit/tile.ts';
import type { JsonObject } from '../../bytes/canonical-json.ts';
import { toHex } from '../../bytes/hex.ts';
import { RonError } from '../../errors.ts';
import type { Files } from '../../host.ts';
import { demandFresh } from '../../storage/audit-notes.ts';
import type { EpochPaths } from '../../storage/audit-paths.ts';
import { hashReader, newestVerifiedCheckpoint } from '../../storage/audit-store.ts';
import { cachedTileReader, tileReader } from '../../storage/audit-tiles.ts';
import { readRemembered } from '../../storage/trust-memory.ts';
import { lostUpTo, readLinks } from './epochs.ts';
import { type AuditDeps, type AuditTarget, auditTarget } from './target.ts';

export interface LogHead {
  readonly target: AuditTarget;
  readonly files: Files;
  readonly paths: EpochPaths;
  readonly epoch: number;
  readonly origin: string;
  /** `authenticated`: under a pinned genesis; `local`: under this home's own audit/log.json. */
  readonly trust: 'authenticated' | 'local' | 'not-authenticated';
  readonly verifier: LogVerifier;
  readonly checkpoint: VerifiedCheckpoint | null;
  /** Keeps what it has read. */
  readonly tiles: TileReader;
  readonly uncachedTiles: TileReader;
}

/**
 * The newest epoch unless one is named, of this home or of the copy `given`. Throws Tampered for a checkpoint that does not
 * verify or was rolled back; a copy may honestly be older than what is remembered.
 */
export async function logHead(
  deps: AuditDeps,
  epochNumber: number | null,
  given: string | null = null,
): Promise<LogHead> {
  const target = await auditTarget(deps, given);
  if (target.file === null) throw new RonError('Tampered', 'audit/log.json is missing', { field: 'log-missing' });
  if (target.foreign !== null) {
    throw tampered('log-missing', `audit/ is the log of store ${target.file.storeId}, not of store ${target.foreign}`);
  }
  const epoch =
    epochNumber === null ? target.file.epochs.at(-1)! : target.file.epochs.find((one) => one.n === epochNumber);
  if (epoch === undefined)
    throw new RonError('NotFound', `the audit log has no epoch ${epochNumber}`, { field: '--epoch' });
  const log = target.trusted(epoch.n);
  if (log === null) {
    throw new RonError('NoTrustedKey', `no trusted key is known here for the log ${epoch.origin}`, {
      hint: 'Compare the 12 words with a member, then: `ronctl governance trust GENESIS --expect-digest sha256:...`.',
    });
  }
  const paths = target.epochPaths(epoch.n);
  const verifier = createLogVerifier(log, target.crypto);
  const checkpoint = newestVerifiedCheckpoint(target.files, paths, verifier);
  const remembered = readRemembered(target.files, target.paths.trustedLogs, verifier);
  // The end of an earlier epoch may be lost: the next one says so, and a quorum accepted it.
  const lost = lostUpTo(readLinks(target).get(epoch.n + 1));
  const isOld = remembered !== null && (checkpoint?.size ?? 0) < remembered.size && remembered.size > lost;
  if (target.kind === 'home' && isOld) {
    throw new RonError(
      'Tampered',
      `this home remembers a checkpoint of size ${remembered.size}; the log has one of ${checkpoint?.size ?? 0}`,
      { field: 'rolled-back' },
    );
  }
  if (target.kind === 'home' && epoch === target.file.epochs.at(-1))
    demandFresh(target.files, deps.host.clock, checkpoint);
  const trust = checkpoint === null ? 'not-authenticated' : log.trust === 'pinned' ? 'authenticated' : 'local';
  const uncachedTiles = tileReader(target.files, paths);
  const tiles = cachedTileReader(uncachedTiles);
  const place = { target, files: target.files, paths, epoch: epoch.n, origin: epoch.origin };
  return { ...place, trust, verifier, checkpoint, tiles, uncachedTiles };
}

/** A record as `log` and `show` give it out. */
export interface ShownRecord {
  readonly index: number;
  /** Lower hex leaf hash. */
  readonly leaf: string;
  /** Proved by inclusion under the newest verified checkpoint. */
  readonly signed: boolean;
  /** False for an operation or version that this ronctl does not know. */
  readonly known: boolean;
  readonly record: JsonObject;
}

/** Proves, then parses. Throws Tampered for a record below the checkpoint that is not the one that was signed. */
export function showRecord(
  head: LogHead,
  seq: number,
  line: Uint8Array,
): { readonly shown: ShownRecord; readonly proof: readonly string[] } {
  const leaf = leafHash(line);
  const { checkpoint } = head;
  const signed = checkpoint !== null && seq < checkpoint.size;
  const proof = signed ? inclusionProof(seq, checkpoint.size, hashReader(head.tiles, checkpoint.size)) : [];
  if (signed && !verifyInclusion(seq, checkpoint.size, leaf, proof, checkpoint.root)) {
    throw tampered('leaf-mismatch', `record ${seq} is not the one under the checkpoint of size ${checkpoint.size}`);
  }
  let record: AuditRecord | NewerRecord;
  try {
    record = parseRecord(line, `record ${seq}`);
  } catch (error) {
    if (error instanceof RonError) throw tampered(signed ? 'record-invalid' : 'tail-invalid', error.message);
    throw error;
  }
  const known = !('newer' in record);
  const value = 'newer' in record ? record.value : (record as unknown as JsonObject);
  return { shown: { index: seq, leaf: toHex(leaf), signed, known, record: value }, proof: proof.map(toHex) };
}

const tampered = (field: string, message: string): RonError =>
  new RonError('Tampered', message, {
    field,
    hint: 'Run `ronctl audit verify`; keep the files as they are; tell the security officer.',
  });
