// `kms continuity`: whether a key version really follows its predecessor. Valid 0, tampered 10, inconclusive 11.

import type { ContinuityResult } from '../../kms/ports.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export interface KmsContinuityRequest {
  /** The newer version; without version the newest one. */
  readonly kid: string;
  /** A statement from elsewhere, to be judged instead of the one in the store. */
  readonly statement?: Uint8Array | undefined;
}

/** Throws NotFound, Malformed (the statement). */
export async function continuity(request: KmsContinuityRequest, deps: OperationDeps): Promise<ContinuityResult> {
  const { kid, statement } = request;
  return withService(deps, {}, ({ keys, call }) =>
    keys.continuity({ kid, ...(statement === undefined ? {} : { statement }) }, call),
  );
}
