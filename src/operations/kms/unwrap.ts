// `kms unwrap`: the data key of a wrap envelope. The key itself never stands in the result, only in the output file.

import { within } from '../../bytes/decode.ts';
import { RonError } from '../../errors.ts';
import { parseEnvelope } from '../../keys/wrap-envelope.ts';
import type { OperationDeps } from '../deps.ts';
import { type ServiceOptions, withService } from '../service.ts';

export interface KmsUnwrapRequest extends ServiceOptions {
  /** The key that the envelope must belong to; without it the one that the envelope names. */
  readonly kid?: string | undefined;
  readonly envelope: Uint8Array;
  /** Its name in errors. */
  readonly envelopeName?: string;
}

export interface KmsUnwrapResult {
  readonly kid: string;
  readonly suite: number;
  readonly op_id: string;
  /** Null in a dry run. */
  readonly size_bytes: number | null;
  readonly dry_run: boolean;
}

/** What the service refuses the envelope for, with the name of its file. */
function aboutEnvelope(thrown: unknown, name: string): unknown {
  if (!(thrown instanceof RonError) || (thrown.code !== 'UnwrapFailed' && thrown.code !== 'SuiteMismatch'))
    return thrown;
  const field = thrown.field === undefined ? {} : { field: thrown.field };
  return new RonError(thrown.code, `${name}: ${thrown.message}`, { ...field, cause: thrown });
}

/** The plaintext (null in a dry run; the caller wipes it) and the result about it. Throws UnwrapFailed, SuiteMismatch. */
export async function unwrap(
  request: KmsUnwrapRequest,
  deps: OperationDeps,
): Promise<{ readonly plaintext: Uint8Array | null; readonly result: KmsUnwrapResult }> {
  const { envelope, envelopeName: name = 'the wrap envelope' } = request;
  const named = within(name, () => parseEnvelope(envelope)).kidText;
  const kid = request.kid ?? named;
  const opened = await withService(deps, request, ({ wrapping, call }) =>
    wrapping.unwrap({ kid, envelope }, call).catch((thrown: unknown) => {
      throw aboutEnvelope(thrown, name);
    }),
  );
  const { plaintext } = opened;
  return {
    plaintext,
    result: {
      kid: opened.kid,
      suite: opened.suite,
      op_id: opened.op_id,
      size_bytes: plaintext?.length ?? null,
      dry_run: deps.dryRun,
    },
  };
}
