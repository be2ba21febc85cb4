// `kms attest`: asks the backend for fresh evidence of where a key lives, and records it (GAP-45). `software` until there is
// hardware.

import type { AttestAnswer } from '../../kms/admin-ports.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface KmsAttestRequest extends ServiceOptions {
  readonly kid: string;
}

export interface KmsAttestResult extends AttestAnswer {
  readonly dry_run: boolean;
}

/** Throws NotFound, Conflict, and what opening the store throws. */
export async function attest(request: KmsAttestRequest, deps: OperationDeps): Promise<KmsAttestResult> {
  const { kid } = request;
  const answer = await withService(deps, request, ({ attesting, call }) => attesting.attest({ kid }, call));
  return { ...answer, dry_run: deps.dryRun };
}
