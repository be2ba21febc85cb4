// `kms wrap`: a data key, given or random, in a wrap envelope.

import { toBase64Url } from '../../bytes/base64.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface KmsWrapRequest extends ServiceOptions {
  readonly kid: string;
  /** Wiped afterwards. */
  readonly plaintext?: Uint8Array | undefined;
  readonly size?: number | undefined;
}

export interface KmsWrapResult {
  readonly kid: string;
  readonly suite: number;
  readonly op_id: string;
  /** base64url; null in a dry run. */
  readonly envelope: string | null;
  readonly size_bytes: number;
  readonly dry_run: boolean;
}

/** The envelope itself, and the result about it. Throws Unsupported, Conflict, InvalidValue. */
export async function wrap(
  request: KmsWrapRequest,
  deps: OperationDeps,
): Promise<{ readonly envelope: Uint8Array | null; readonly result: KmsWrapResult }> {
  const { kid, plaintext, size } = request;
  try {
    const made = await withService(deps, request, ({ wrapping, call }) =>
      wrapping.wrap(
        { kid, ...(plaintext === undefined ? {} : { plaintext }), ...(size === undefined ? {} : { size }) },
        call,
      ),
    );
    const { envelope } = made;
    const result = {
      kid: made.kid,
      suite: made.suite,
      op_id: made.op_id,
      envelope: envelope === null ? null : toBase64Url(envelope),
      size_bytes: size ?? plaintext?.length ?? 0,
      dry_run: deps.dryRun,
    };
    return { envelope, result };
  } finally {
    plaintext?.fill(0);
  }
}
