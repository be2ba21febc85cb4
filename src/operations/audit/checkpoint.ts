// `audit checkpoint`: unseals the custody store, finishes and ingests what waits, and signs the log as it then stands.

import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

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
  const { confirmTime } = request;
  const { dryRun } = deps;
  const signed = await withService(deps, { confirmTime }, ({ audit, call }) => audit.checkpoint({ confirmTime }, call));
  return { dry_run: dryRun, checkpoint: dryRun ? null : signed };
}
