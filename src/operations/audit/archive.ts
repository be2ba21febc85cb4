// `audit archive --before INDEX --to DIR` (log page 4.9, I-44): moves full segments of the log out of the home. The range is a
// record of the log, so that deletion cannot pose as archiving.

import type { AuditDraft } from '../../audit/draft.ts';
import { fromHex } from '../../bytes/hex.ts';
import { RonError } from '../../errors.ts';
import { epochNumber } from '../../governance/key-chain.ts';
import type { Files } from '../../host.ts';
import { RETENTION_MS } from '../../kms/service/recent-operations.ts';
import { withSession } from '../../kms/service/session.ts';
import { readCursors } from '../../kms/service/sinks/cursor.ts';
import { LIMITS } from '../../limits.ts';
import {
  type ArchivePlan,
  type CopiedSegment,
  copySegments,
  planArchive,
  removeArchived,
  segmentsInArchive,
} from '../../storage/audit-archive.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import type { CheckpointInfo } from '../../storage/custody-port.ts';
import type { OperationDeps } from '../deps.ts';

export interface AuditArchiveRequest {
  readonly before: number;
  /** Absolute. */
  readonly to: string;
  readonly confirmTime: boolean;
}

/** A sink of a server that has not taken what would be archived. */
export interface WaitingSink {
  readonly sink: string;
  /** The next record that it gets. */
  readonly next: number;
}

export interface AuditArchiveResult {
  readonly dry_run: boolean;
  readonly origin: string;
  readonly epoch: number;
  /** Directory of the archive. */
  readonly archive: string;
  /** Archived now; in a dry run without digests. */
  readonly segments: readonly { readonly n: number; readonly bytes: number | null; readonly sha256: string | null }[];
  /** Segments that an earlier run had recorded, removed now. */
  readonly finished: readonly number[];
  /** Records that are no longer in the home. */
  readonly records: number;
  /** Why not everything below the index was taken: segments that these sinks still need stay. */
  readonly waiting_for: readonly WaitingSink[];
  readonly checkpoint: { readonly size: number; readonly root: string } | null;
}

/** At most so many segments stand in one record. */
const PER_RECORD = 100;
const N = LIMITS.auditSegmentRecords;

const treeOf = ({ size, root }: CheckpointInfo) => ({ size, root: fromHex(root, 32)! });

function drafts(copied: readonly CopiedSegment[], actor: string): AuditDraft[] {
  const out: AuditDraft[] = [];
  for (let at = 0; at < copied.length; at += PER_RECORD) {
    const part = copied.slice(at, at + PER_RECORD);
    const detail = { from: part[0]!.n * N, to: (part.at(-1)!.n + 1) * N, segments: part.map((one) => ({ ...one })) };
    out.push({ op: 'archive', actor, result: 'ok', detail });
  }
  return out;
}

const wholeSegments = (size: number): number => Math.floor(size / N) * N;

/** Sinks that lack records below `before`, the furthest behind first. Records that are archived no sink gets any more. */
function sinksBehind(files: Files, exportDir: string, epoch: number, before: number): WaitingSink[] {
  return readCursors(files, exportDir)
    .map(({ sink, cursor }) => ({ sink, next: cursor.epoch < epoch ? 0 : cursor.index }))
    .filter(({ next }) => next < before)
    .sort((a, b) => a.next - b.next);
}

function demandSome({ fresh, recorded }: ArchivePlan, before: number, behind: readonly WaitingSink[]): void {
  if (fresh.length + recorded.length > 0) return;
  const [slowest] = behind;
  if (slowest !== undefined) {
    throw new RonError('Conflict', `the sink ${slowest.sink} has not taken record ${slowest.next} and on yet`, {
      field: '--before',
      hint: `Let a server run until it has (\`ronctl kms status\`). Of a sink that is no longer served remove audit/export/${slowest.sink}.cursor.`,
    });
  }
  throw new RonError('Conflict', `no full segment below record ${before} can be archived`, {
    field: '--before',
    hint: `A segment has ${N} records; those under a checkpoint and older than 24 hours are taken.`,
  });
}

export async function auditArchive(request: AuditArchiveRequest, deps: OperationDeps): Promise<AuditArchiveResult> {
  const { before, to } = request;
  const { dryRun, host, onProgress } = deps;
  const options = { dryRun, confirmTime: request.confirmTime, onNotice: (line: string) => host.log.notice(line) };
  const { result } = await withSession(deps, options, async (session) => {
    const { store, context, actor } = session;
    const epoch = epochNumber(store.origin) ?? 0;
    const paths = epochPaths(context.paths.audit, epoch);
    const signed = treeOf(store.newestCheckpoint());
    const keepSinceMs = context.clock.now() - RETENTION_MS;
    const behind = sinksBehind(
      context.files,
      `${context.paths.audit}/export`,
      epoch,
      wholeSegments(Math.min(before, signed.size)),
    );
    const end = behind[0] === undefined ? before : Math.min(before, behind[0].next);
    const plan = planArchive(context.files, paths, signed, { before: end, keepSinceMs });
    demandSome(plan, before, behind);
    const common = {
      dry_run: dryRun,
      origin: store.origin,
      epoch,
      archive: to,
      finished: plan.recorded,
      records: (plan.fresh.length + plan.recorded.length) * N,
      waiting_for: behind,
    };
    if (dryRun) {
      const segments = plan.fresh.map((n) => ({ n, bytes: null, sha256: null }));
      return { ...common, segments, checkpoint: null };
    }
    const directory = segmentsInArchive(to, epoch);
    const files = { files: context.files, target: host.files, onProgress };
    const copied = await copySegments(files, paths, signed, plan.fresh, directory);
    if (copied.length > 0) await store.append(drafts(copied, actor));
    const checkpoint = await session.checkpoint();
    const newest = treeOf(checkpoint ?? store.newestCheckpoint());
    removeArchived(files, paths, newest, [...plan.recorded, ...plan.fresh], directory);
    return { ...common, segments: copied, checkpoint: checkpoint && { size: checkpoint.size, root: checkpoint.root } };
  });
  return result;
}
