// `kms sign`: a signature bundle over the BLAKE3 digest of a payload, with every track of the newest version.

import { bundleFile } from '../../keys/bundle.ts';
import type { SignResult } from '../../kms/ports.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';
import { type Payload, payloadB3 } from './payload.ts';

export interface KmsSignRequest extends ServiceOptions {
  readonly kids: readonly string[];
  readonly payload: Payload;
}

export interface KmsSignResult extends SignResult {
  readonly payload_b3: string;
  readonly dry_run: boolean;
}

/** The bundle file (null in a dry run), and the result about it. Throws PqPolicy, Conflict, Compromised, Retired, Unsupported, NotFound. */
export async function sign(
  request: KmsSignRequest,
  deps: OperationDeps,
): Promise<{ readonly file: Uint8Array | null; readonly result: KmsSignResult }> {
  const payload_b3 = await payloadB3(request.payload, deps.host, deps.onProgress);
  const signed = await withService(deps, request, ({ signing, call }) =>
    signing.sign({ kids: request.kids, payload_b3 }, call),
  );
  const file = signed.bundle === null ? null : bundleFile(signed.bundle);
  return { file, result: { ...signed, payload_b3, dry_run: deps.dryRun } };
}
