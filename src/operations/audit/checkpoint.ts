// `audit checkpoint`: unseals the custody store, finishes and ingests what waits, and signs the log as it then stands.

import { fromUtf8 } from '../../bytes/text.ts';
import { withSession } from '../../kms/service/session.ts';
import type { OperationDeps } from '../deps.ts';

export interface AuditCheckpointResult {
  readonly dry_run: boolean;
  /** Null in a dry run. */
  readonly checkpoint: {
    readonly origin: string;
    readonly size: number;
    /** Lower hex. */
    readonly root: string;
    /** The signed note. */
    readonly note: string;
  } | null;
}

export async function auditCheckpoint(
  request: { readonly confirmTime: boolean },
  deps: OperationDeps,
): Promise<AuditCheckpointResult> {
  const { dryRun, host } = deps;
  const options = { dryRun, confirmTime: request.confirmTime, onNotice: (line: string) => host.log.notice(line) };
  const { checkpoint } = await withSession(deps, options, () => Promise.resolve(null));
  if (checkpoint === null) return { dry_run: dryRun, checkpoint: null };
  const { origin, size, root, note } = checkpoint;
  return { dry_run: dryRun, checkpoint: { origin, size, root, note: fromUtf8(note)! } };
}
