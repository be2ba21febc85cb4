// `kms show`: one key with all its versions. Reads without a passphrase.

import { fail } from '../../errors.ts';
import { requireKeyId } from '../../keys/key-id.ts';
import type { KeyInfo, Trust } from '../../kms/ports.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export interface KmsShowResult {
  readonly trust: Trust;
  readonly key: KeyInfo;
}

/** With a version in `kid` only that version is in the answer. Throws NotFound. */
export async function show(request: { readonly kid: string }, deps: OperationDeps): Promise<KmsShowResult> {
  const { version } = requireKeyId(request.kid, 'KID');
  const { key, trust } = await withService(deps, {}, ({ keys, call }) => keys.get({ kid: request.kid }, call));
  if (version === null) return { trust, key };
  const versions = key.versions.filter((one) => one.n === version);
  if (versions.length === 0) {
    fail('NotFound', `key ${key.kid} has no version ${version}; its newest is ${key.version}`, {
      hint: `Run \`ronctl kms show ${key.kid}\`.`,
    });
  }
  return { trust, key: { ...key, versions } };
}
