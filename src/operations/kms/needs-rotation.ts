// `kms needs-rotation`: whether the newest version of a key is as old as policy or its own hint allows. A predicate:
// 0 yes, 5 no, 11 unknown.

import type { NeedsRotationResult } from '../../kms/ports.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export interface KmsNeedsRotationRequest {
  readonly kid: string;
  /** Also yes when it will be needed within this time. */
  readonly withinMs?: number | undefined;
}

export async function needsRotation(
  request: KmsNeedsRotationRequest,
  deps: OperationDeps,
): Promise<NeedsRotationResult> {
  const { kid, withinMs } = request;
  return withService(deps, {}, ({ keys, call }) =>
    keys.needsRotation({ kid, ...(withinMs === undefined ? {} : { withinMs }) }, call),
  );
}
