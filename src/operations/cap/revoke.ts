// `cap revoke ID`: the capability and every attenuated copy of it are refused from now on (service page 2).

import { parseUuid } from '../../bytes/uuid.ts';
import { fail } from '../../errors.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface CapRevokeRequest extends ServiceOptions {
  readonly id: string;
}

export interface CapRevokeResult {
  readonly id: string;
  readonly revoked_at: string;
  readonly dry_run: boolean;
}

/** Throws NotFound, InvalidValue, Denied. */
export async function revoke(request: CapRevokeRequest, deps: OperationDeps): Promise<CapRevokeResult> {
  const { id } = request;
  if (parseUuid(id) === null) {
    fail('InvalidValue', `ID: a UUID is expected, not ${JSON.stringify(id.slice(0, 100))}`, {
      field: 'ID',
      hint: 'See `ronctl cap list`, or `ronctl cap inspect FILE`.',
    });
  }
  const done = await withService(deps, request, ({ capabilities, call }) => capabilities.revoke({ id }, call));
  return { ...done, dry_run: deps.dryRun };
}
