// `kms rotate`: the next version of a key, with its continuity statement.

import type { RotateResult } from '../../kms/ports.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface KmsRotateRequest extends ServiceOptions {
  readonly kid: string;
}

export interface KmsRotateResult extends RotateResult {
  readonly dry_run: boolean;
}

/** Throws NotFound, Conflict (not the newest version, or another request with this op_id), Retired. */
export async function rotate(request: KmsRotateRequest, deps: OperationDeps): Promise<KmsRotateResult> {
  const made = await withService(deps, request, ({ keys, call }) => keys.rotate({ kid: request.kid }, call));
  return { ...made, dry_run: deps.dryRun };
}
