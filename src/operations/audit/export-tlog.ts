// `audit export --tlog DIR`: a C2SP tlog-tiles directory of one epoch, brought up to the newest checkpoint. A checkpoint that
// is there already must be of this log and a prefix of it. Refused: a directory of another log or of other things, one that
// knows more than this log does (rolled back), and a fork, which leaves evidence with both notes.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import { leafHash } from '../../audit/leaf.ts';
import { TILE_WIDTH } from '../../audit/tile.ts';
import { Frontier } from '../../audit/tree.ts';
import { equalBytes } from '../../bytes/equal.ts';
import { RonError } from '../../errors.ts';
import { exportTlog, rootFromTiles } from '../../storage/audit-export-tlog.ts';
import { wholeLines } from '../../storage/audit-lines.ts';
import { NOTE_BYTES_MAX } from '../../storage/audit-notes.ts';
import { readHome } from '../../storage/home.ts';
import { writeForkEvidence } from '../../storage/trust-memory.ts';
import { checkpointSummary } from './checkpoint-summary.ts';
import type { AuditExportResult } from './export.ts';
import {
  demandAtHand,
  type ExportDeps,
  type ExportSource,
  exportHead,
  refuseInside,
  type SignedHead,
} from './export-source.ts';

const FLAG = '--tlog';

/** The checkpoint of an earlier export in `directory`; null for a new or an unfinished first one. */
function exported(deps: ExportDeps, head: SignedHead, directory: string): VerifiedCheckpoint | null {
  const { files } = deps.host;
  const info = files.info(directory);
  if (info === null) return null;
  const other = (message: string): RonError =>
    new RonError('Exists', `${directory} ${message}`, { field: FLAG, hint: 'Name a directory that does not exist.' });
  if (info.type !== 'directory') throw other('is no directory');
  const names = files.list(directory);
  const note = names.includes('checkpoint') ? files.read(`${directory}/checkpoint`, NOTE_BYTES_MAX) : null;
  if (note === null) {
    // What an interrupted first export leaves; its files are compared one by one.
    if (names.some((name) => name !== 'tile' && !name.endsWith('.tmp'))) throw other('has other things in it');
    return null;
  }
  const answer = head.verifier.check(note);
  if (answer.ok) return answer.checkpoint;
  if (answer.code === 'checkpoint-origin') {
    throw new RonError('Conflict', `${directory} is the export of another log: ${answer.message}`, {
      field: answer.code,
      hint: 'One directory is for one epoch of one log.',
    });
  }
  throw new RonError('Tampered', `${directory}/checkpoint: ${answer.message}`, { field: answer.code });
}

/** Throws Tampered with `fork`, `rolled-back` or `root-mismatch`, Inconclusive with `older-copy`. */
async function demandPrefix(deps: ExportDeps, head: SignedHead, old: VerifiedCheckpoint): Promise<void> {
  const { checkpoint, target } = head;
  if (old.size > checkpoint.size) {
    const message = `the export has a checkpoint of size ${old.size}; the newest one of this log has ${checkpoint.size}`;
    if (target.kind === 'home') throw new RonError('Tampered', message, { field: 'rolled-back' });
    throw new RonError('Inconclusive', message, { field: 'older-copy', hint: 'Export from a newer copy.' });
  }
  if (old.size === checkpoint.size && equalBytes(old.root, checkpoint.root)) return;
  const root = rootFromTiles(head.tiles, old.size);
  if (root !== null && equalBytes(root, old.root)) return;
  // Tiles prove nothing: the records decide whether two logs were signed or this one is damaged.
  const frontier = new Frontier();
  let before: Uint8Array | null = old.size === 0 ? frontier.root() : null;
  for (const { seq, line } of wholeLines(head.files, head.paths, 0, checkpoint.size)) {
    frontier.append(leafHash(line));
    if (seq + 1 === old.size) before = frontier.root();
  }
  const sound = equalBytes(frontier.root(), checkpoint.root);
  if (!sound || (before !== null && equalBytes(before, old.root))) {
    throw new RonError('Tampered', 'records or tiles of this log are not those that were signed', {
      field: sound ? 'tile-mismatch' : 'root-mismatch',
      hint: 'Run `ronctl audit verify`.',
    });
  }
  const evidence =
    readHome(target.files, target.paths) === null
      ? null
      : await writeForkEvidence(
          { files: target.files, random: deps.host.random, directory: target.paths.trustedLogs },
          old,
          checkpoint,
        );
  throw new RonError(
    'Tampered',
    `fork: the export was signed with another root at size ${old.size} than this log has there${evidence === null ? '' : `; both notes are kept in ${evidence}`}`,
    { field: 'fork', hint: 'Keep export and log as they are; tell the security officer.' },
  );
}

export interface TlogExportRequest extends ExportSource {
  /** Absolute. */
  readonly directory: string;
}

export async function auditExportTlog(request: TlogExportRequest, deps: ExportDeps): Promise<AuditExportResult> {
  const { directory } = request;
  refuseInside(deps, directory, FLAG);
  const head = await exportHead(deps, request);
  const { checkpoint } = head;
  const old = exported(deps, head, directory);
  if (old !== null) await demandPrefix(deps, head, old);
  const from = old?.size ?? 0;
  demandAtHand(head, from - (from % TILE_WIDTH), checkpoint.size);
  const { files, paths, tiles } = head;
  const writing = { files: deps.host.files, random: deps.host.random, onProgress: deps.onProgress };
  const done = await exportTlog(writing, { files, paths, tiles, checkpoint }, directory, from);
  return {
    kind: 'tlog',
    out: directory,
    origin: head.origin,
    epoch: head.epoch,
    trust: head.trust === 'authenticated' ? 'pinned' : 'local',
    checkpoint: checkpointSummary(checkpoint),
    from,
    to: checkpoint.size,
    records: checkpoint.size - from,
    files_written: done.filesWritten,
    bytes_written: done.bytesWritten,
    gaps: [],
    redacted: null,
  };
}
