// `governance ingest`: unseals the custody store, which finishes what was interrupted and takes in the inbox, and closes with
// a checkpoint. Every unsealing command does the same first; this one does nothing else.

import type { IngestReport } from '../../kms/service/governance-ingest.ts';
import { openSession } from '../../kms/service/session.ts';
import type { OperationDeps } from '../deps.ts';

export interface IngestResult extends Omit<IngestReport, 'behind'> {
  readonly ledger_seq: number;
  readonly checkpoint: { readonly origin: string; readonly size: number; readonly root: string } | null;
  readonly recovered: string | null;
}

export interface IngestRequest {
  readonly confirmTime: boolean;
}

/** What shows a newer ledger stays in the inbox, like what is about an unknown proposal. */
export function listed({ behind, waiting, ...report }: IngestReport): Omit<IngestReport, 'behind'> {
  return { ...report, waiting: [...waiting, ...behind.map(({ code: _code, message: _why, ...file }) => file)] };
}

export async function ingest(request: IngestRequest, deps: OperationDeps): Promise<IngestResult> {
  const session = await openSession(deps, {
    dryRun: deps.dryRun,
    confirmTime: request.confirmTime,
    onNotice: (text) => deps.host.log.notice(text),
  });
  try {
    const { state } = session.demandLedger();
    const report = listed(session.ingested ?? { ingested: [], known: [], waiting: [], behind: [], refused: [] });
    const ledgerSeq = state.seq;
    const recovered = session.recovered?.id ?? null;
    const checkpoint = await session.close();
    return {
      ...report,
      ledger_seq: ledgerSeq,
      checkpoint:
        checkpoint === null ? null : { origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root },
      recovered,
    };
  } catch (error) {
    await session.abandon();
    throw error;
  }
}

/** For `--ingest` of the commands that write to the inbox. */
export const ingestNow = (deps: OperationDeps): Promise<IngestResult> => ingest({ confirmTime: false }, deps);
