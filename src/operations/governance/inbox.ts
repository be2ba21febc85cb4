// `governance inbox`: the files that do not count yet, judged as an ingest would judge them now, without a passphrase and
// without writing anything.

import { fromTime, toTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import { buildLine, type LineBody } from '../../governance/ledger.ts';
import { applyLine } from '../../governance/ledger-apply.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import { type IngestReport, judgeInbox } from '../../kms/service/governance-ingest.ts';
import { demandState, type GovernanceReading, readGovernance } from '../../kms/service/governance-reader.ts';
import { type StoreContext, storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';

export interface InboxResult {
  readonly ledger_id: string;
  readonly trust: string;
  /** Would be ingested. */
  readonly valid: IngestReport['ingested'];
  readonly known: IngestReport['known'];
  readonly waiting: IngestReport['waiting'];
  /** Signed by somebody who has seen more, or something else: while one is here, nothing is taken in. */
  readonly behind: IngestReport['behind'];
  readonly invalid: IngestReport['refused'];
}

export async function inbox(deps: OperationDeps): Promise<InboxResult> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  const state = demandState(reading);
  const report = judgeInbox(trial(ctx, reading, state), ctx);
  return {
    ledger_id: state.ledgerId,
    trust: reading.trust,
    valid: report.ingested,
    known: report.known,
    waiting: report.waiting,
    behind: report.behind,
    invalid: report.refused,
  };
}

/** The state of a reading belongs to it alone: lines are tried on it and forgotten. */
function trial(ctx: StoreContext, reading: GovernanceReading, state: LedgerState) {
  const added = new Map<number, Uint8Array>();
  const committed = state.seq;
  return {
    state,
    crypto: ctx.crypto,
    clock: ctx.clock,
    place: () => ({
      ledgerSeq: state.seq,
      origin: reading.home.home.log.origin,
      logSize: reading.home.checkpoint?.size ?? 0,
    }),
    highWaterMs: () => Math.max(reading.judged.highWaterMs, fromTime(state.mark)),
    add(content: LineBody): void {
      const { line, bytes } = buildLine(state, { ts: toTime(ctx.clock.now()), content });
      applyLine(state, line, bytes.length, ctx.crypto);
      added.set(line.seq, bytes);
    },
    line(seq: number): Uint8Array {
      const own = added.get(seq);
      if (own !== undefined) return own;
      for (const bytes of seq <= committed ? reading.lines(seq) : []) return bytes;
      throw new RonError('Tampered', `the ledger has no line ${seq}`, { field: 'ledger' });
    },
  };
}
