// `cap register FILE`: brings a token that was made without a record into the mint record (service page 2, rule 4). By the
// socket of this home's server when one runs; else the store is unsealed here. The MAC of the token is the authority.

import { fail } from '../../errors.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface CapRegisterRequest extends ServiceOptions {
  /** base64url. */
  readonly token: string;
}

export interface CapRegisterResult {
  readonly id: string;
  readonly root: number;
  /** By the running server of this home, or here. */
  readonly by: 'server' | 'home';
  readonly dry_run: boolean;
}

/** Throws Malformed, NoCapability (not of this store, or expired), PolicyRefused, LimitReached, Conflict. */
export async function register(request: CapRegisterRequest, deps: OperationDeps): Promise<CapRegisterResult> {
  if (deps.online !== null) fail('Internal', 'a capability is registered where its store is');
  const server = (await deps.serverHere?.()) ?? null;
  const done = await withService({ ...deps, online: server }, request, ({ capabilities, call }) =>
    capabilities.register({ token: request.token }, call),
  );
  return { ...done, by: server === null ? 'home' : 'server', dry_run: deps.dryRun };
}
