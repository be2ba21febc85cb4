// `kms list`: the keys of this store. Reads without a passphrase.

import type { KeyInfo, Trust } from '../../kms/ports.ts';
import { foldTenant } from '../../policy/tenant.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export interface KmsListRequest {
  readonly tenant?: string | undefined;
}

export interface KmsListResult {
  readonly trust: Trust;
  readonly keys: readonly KeyInfo[];
}

export async function list(request: KmsListRequest, deps: OperationDeps): Promise<KmsListResult> {
  const wanted = request.tenant === undefined ? {} : { tenant: foldTenant(request.tenant, '--tenant') };
  const { keys, trust } = await withService(deps, {}, (kms) => kms.keys.list(wanted, kms.call));
  return { trust, keys };
}

/** What an empty list of one tenant leaves open: the tenant as it was looked for, and the tenants that have a key, sorted. */
export async function tenantsWithKeys(
  tenant: string,
  deps: OperationDeps,
): Promise<{ readonly tenant: string; readonly known: readonly string[] }> {
  const { keys } = await list({}, deps);
  return { tenant: foldTenant(tenant, '--tenant'), known: [...new Set(keys.map((key) => key.tenant))].sort() };
}
