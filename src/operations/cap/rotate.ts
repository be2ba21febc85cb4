// `cap rotate`: a new capability root; tokens of older ones end by themselves, or with --now at once (service page 2). With a
// key it is `kms rotate` of that key, because the runbook says it so (C-31).

import type { RotateResult } from '../../kms/ports.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface CapRotateRequest extends ServiceOptions {
  readonly now: boolean;
  readonly kid: string | null;
}

export interface CapRotateResult {
  /** Numbers of the new and the earlier root; null when a key was rotated. */
  readonly root: number | null;
  readonly previous: number | null;
  /** Tokens of older roots were ended. */
  readonly ended: boolean;
  /** The new version, `<kid>#v<N>`; null when the root was rotated. */
  readonly kid: string | null;
  readonly dry_run: boolean;
}

/** Throws Denied; for a key what `kms rotate` throws. */
export async function rotate(request: CapRotateRequest, deps: OperationDeps): Promise<CapRotateResult> {
  const { kid, now } = request;
  if (kid === null) {
    const made = await withService(deps, request, ({ capabilities, call }) => capabilities.rotate({ now }, call));
    return { ...made, ended: now && !deps.dryRun, kid: null, dry_run: deps.dryRun };
  }
  deps.host.log.notice(`this rotates the key, as \`ronctl kms rotate ${kid}\`; the capability root stays`);
  const made: RotateResult = await withService(deps, request, ({ keys, call }) => keys.rotate({ kid }, call));
  return { root: null, previous: null, ended: false, kid: made.kid, dry_run: deps.dryRun };
}
