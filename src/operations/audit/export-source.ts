// What every `audit export` starts from: one epoch with its newest verified checkpoint, and a place outside the home. Nothing
// behind the checkpoint is exported: nobody has signed it yet. Segments that were archived are read from the archive.

import type { VerifiedCheckpoint } from '../../audit/checkpoint.ts';
import type { RecordRange } from '../../audit/export-manifest.ts';
import { RonError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import { withArchived } from '../../storage/archive-files.ts';
import { segmentsInArchive } from '../../storage/audit-archive.ts';
import { segmentName } from '../../storage/audit-paths.ts';
import { archivedSegments } from '../../storage/audit-store.ts';
import { withCosignatures } from '../../storage/cosigned.ts';
import type { OperationDeps } from '../deps.ts';
import { type LogHead, logHead } from './head.ts';

export type ExportDeps = Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'onProgress'>;

export interface ExportSource {
  /** Absolute path of a home or an audit directory; null = this home, or the server in its place. */
  readonly source: string | null;
  /** Null = the newest. */
  readonly epoch: number | null;
  /** Absolute path of the directory that archived segments lie in. */
  readonly archive?: string | null;
}

export interface SignedHead extends LogHead {
  readonly checkpoint: VerifiedCheckpoint;
  /** Records that were archived and are not at hand, in order. */
  readonly absent: readonly RecordRange[];
}

const N = LIMITS.auditSegmentRecords;

/** The files of the log with what the archive has, and what is nowhere. A segment that no record says is archived is missing. */
function readable(
  deps: ExportDeps,
  head: LogHead,
  checkpoint: VerifiedCheckpoint,
  archive: string | null,
): Pick<SignedHead, 'files' | 'absent'> {
  const { files, paths } = head;
  const missing = Array.from({ length: Math.ceil(checkpoint.size / N) }, (_, n) => n).filter(
    (n) => files.info(paths.segment(n)) === null,
  );
  if (missing.length === 0) return { files, absent: [] };
  const archived = archivedSegments(files, paths, checkpoint);
  const directory = archive === null ? null : segmentsInArchive(archive, head.epoch);
  const isThere = (n: number): boolean =>
    directory !== null && deps.host.files.info(`${directory}/${segmentName(n)}`)?.type === 'file';
  const known = missing.filter((n) => archived.has(n));
  const segments = known.filter(isThere);
  const absent = known.filter((n) => !isThere(n)).map((n) => ({ from: n * N, to: (n + 1) * N }));
  return {
    files: directory === null ? files : withArchived(files, paths, { files: deps.host.files, directory, segments }),
    absent,
  };
}

/** Throws Inconclusive (`archived`) when some of these records are not at hand. */
export function demandAtHand({ absent }: SignedHead, from: number, to: number): void {
  const first = absent.find((range) => range.from < to && range.to > from);
  if (first === undefined) return;
  throw new RonError('Inconclusive', `records ${first.from} to ${first.to - 1} were archived and are not at hand`, {
    field: 'archived',
    hint: 'Name the directory that they were archived to: --archive DIR.',
  });
}

/** Throws Inconclusive (`no-checkpoint`) for a log that nobody has signed. */
export async function exportHead(deps: ExportDeps, request: ExportSource): Promise<SignedHead> {
  const head = await logHead(deps, request.epoch, request.source);
  const { checkpoint } = head;
  if (checkpoint !== null) {
    const note = withCosignatures(head.files, head.paths, checkpoint.note);
    const { files, absent } = readable(deps, head, checkpoint, request.archive ?? null);
    return { ...head, files, absent, checkpoint: { ...checkpoint, note } };
  }
  throw new RonError('Inconclusive', `${head.origin} has no checkpoint: nothing vouches for its records`, {
    field: 'no-checkpoint',
    hint: 'Sign the log first: `ronctl audit checkpoint`.',
  });
}

/** `out` is absolute. */
export function refuseInside(deps: Pick<ExportDeps, 'home'>, out: string, flag: string): void {
  if (out !== deps.home && !out.startsWith(`${deps.home}/`)) return;
  throw new RonError('InvalidValue', `${out} lies in the home`, {
    field: flag,
    hint: 'Name a place outside; what lies in a home belongs to it.',
  });
}
