// `governance status`: who governs this home, where the ledger stands, what is open and what is in force for a time.

import { fromTime } from '../../bytes/time.ts';
import { fingerprintWords } from '../../envelope/fingerprint.ts';
import { statusNow } from '../../governance/status.ts';
import { readGovernance } from '../../kms/service/governance-reader.ts';
import { waitingSubmissions } from '../../kms/service/governance-request.ts';
import { isLive, remainingMs } from '../../policy/overlay.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { type DescribedSet, describedSet } from './describe.ts';
import { judgedMs } from './show.ts';

export interface StatusResult {
  readonly governed: boolean;
  readonly profile: string;
  readonly trust: string;
  readonly ledger: {
    readonly id: string;
    readonly name: string;
    readonly genesis_digest: string;
    readonly words: readonly string[];
    readonly seq: number;
    readonly hash: string;
    readonly pinned: boolean;
  } | null;
  readonly signer_set: DescribedSet | null;
  /** Number of proposals by status, those of the ledger that are not closed. */
  readonly proposals: Readonly<Record<string, number>>;
  readonly inbox: number;
  readonly in_force: readonly {
    readonly kind: string;
    readonly scope: string;
    readonly keys: readonly string[];
    readonly ends_in_s: number | null;
  }[];
  /** An execution that a crash left; the next unsealing command finishes it. */
  readonly unfinished: string | null;
  readonly judged_at: string;
  /** The clock is behind the newest time seen: every grant has ended. */
  readonly clock_behind: boolean;
}

export async function governanceStatus(deps: OperationDeps): Promise<StatusResult> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  const { state, governance } = reading;
  const proposals: Record<string, number> = {};
  const nowMs = judgedMs(reading);
  for (const [id, open] of state?.open ?? []) {
    const { status } = statusNow(state!, state!.index.get(id)!, open, nowMs);
    proposals[status] = (proposals[status] ?? 0) + 1;
  }
  return {
    governed: governance.governed,
    profile: governance.profile,
    trust: reading.trust,
    ledger:
      state === null
        ? null
        : {
            id: state.ledgerId,
            name: state.genesis.name,
            genesis_digest: state.genesis.digest,
            words: fingerprintWords(state.genesis.digest),
            seq: state.seq,
            hash: state.hash,
            pinned: reading.home.home.pinned !== null,
          },
    signer_set: state === null ? null : describedSet(state.governed.set),
    proposals,
    inbox: waitingSubmissions(ctx).length,
    in_force: governance.overlays
      .filter((one) => isLive(one, reading.judged))
      .map((one) => ({
        kind: one.kind,
        scope: one.scope,
        keys:
          one.kind === 'tune'
            ? [one.key]
            : one.kind === 'envelope'
              ? [...one.bounds.keys()]
              : one.changes.map((change) => change.key),
        ends_in_s: one.kind === 'tune' ? null : Math.ceil(remainingMs(one, reading.judged) / 1000),
      })),
    unfinished: state?.executing?.id ?? null,
    judged_at: reading.judged.now.wall,
    clock_behind: fromTime(reading.judged.now.wall) < reading.judged.highWaterMs,
  };
}
