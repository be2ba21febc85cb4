// `kms list`: the keys of this store. Reads without a passphrase.

import type { KeyInfo, Trust } from '../../kms/ports.ts';
import { foldTenant } from '../../policy/tenant.ts';
import type { OperationDeps } from '../deps.ts';
import { withKms } from './open.ts';

export interface KmsListRequest {
  readonly tenant?: string | undefined;
}

export interface KmsListResult {
  readonly trust: Trust;
  readonly keys: readonly KeyInfo[];
}

export async function list(request: KmsListRequest, deps: OperationDeps): Promise<KmsListResult> {
  const wanted = request.tenant === undefined ? {} : { tenant: foldTenant(request.tenant, '--tenant') };
  const { keys, trust } = await withKms(deps, {}, (kms) => kms.keys.list(wanted, kms.call));
  return { trust, keys };
}

/** Every tenant that has a key, sorted. */
export async function tenantsWithKeys(deps: OperationDeps): Promise<readonly string[]> {
  const { keys } = await list({}, deps);
  return [...new Set(keys.map((key) => key.tenant))].sort();
}
