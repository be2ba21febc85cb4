// `governance ingest`: unseals the custody store, which finishes what was interrupted and takes in the inbox, and closes with
// a checkpoint. Every unsealing command does the same first; this one does nothing else. A statement whose signer has seen
// more than this home stops it: nothing is taken in, and the verdict is LedgerBehind (11), or Tampered (10) for a fork.

import { RonError } from '../../errors.ts';
import type { IngestAnswer } from '../../kms/admin-ports.ts';
import { behindError } from '../../kms/service/governance-ingest.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export type IngestResult = IngestAnswer;

export interface IngestRequest {
  readonly confirmTime: boolean;
}

export function ingest({ confirmTime }: IngestRequest, deps: OperationDeps): Promise<IngestResult> {
  return withService(deps, { confirmTime }, ({ governance, call }) => governance.ingest({ confirmTime }, call));
}

/** Why nothing was taken in; undefined when nothing stood against it. */
export function ingestVerdict({ behind: [first] }: IngestResult): RonError | undefined {
  return first === undefined ? undefined : behindError(first);
}

export interface IngestWish {
  /** `--ingest`: at once, with the passphrase of the custody store. */
  readonly ingest: boolean;
  /** `--confirm-time` */
  readonly confirmTime?: boolean;
}

export interface WrittenIngest {
  /** Every file that was written stands in the ledger. */
  readonly ingested: boolean;
  /** Nothing was taken in, or one of the files was refused. */
  readonly error: RonError | undefined;
}

/** For `--ingest` of the commands that write to the inbox; `names` are the files that they wrote. */
export async function ingestWritten(
  { ingest: wanted, confirmTime = false }: IngestWish,
  names: readonly string[],
  deps: OperationDeps,
): Promise<WrittenIngest> {
  // A server took them in when they were delivered, and said then what it refused.
  if (!wanted || deps.online !== null) return { ingested: false, error: undefined };
  const result = await ingest({ confirmTime }, deps);
  const taken = new Set([...result.ingested, ...result.known].map((one) => one.name));
  const refused = result.refused.find((one) => names.includes(one.name));
  const error =
    ingestVerdict(result) ??
    (refused === undefined ? undefined : new RonError(refused.code, `inbox/${refused.name}: ${refused.message}`));
  return { ingested: !deps.dryRun && names.every((one) => taken.has(one)), error };
}
