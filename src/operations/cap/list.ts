// `cap list`: the capabilities that were minted in the last 24 hours, which no capability outlives. Tokens are not kept.

import type { ListedCapability } from '../../kms/admin-ports.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface CapListRequest extends ServiceOptions {
  /** Spent, revoked and expired ones too. */
  readonly all: boolean;
}

export interface CapListResult {
  readonly capabilities: readonly ListedCapability[];
  readonly total: number;
}

/** Throws Denied. */
export async function list(request: CapListRequest, deps: OperationDeps): Promise<CapListResult> {
  const found = await withService(deps, request, ({ capabilities, call }) => capabilities.list({}, call));
  const shown = request.all ? found : found.filter((one) => one.state === 'active');
  return { capabilities: shown, total: found.length };
}
