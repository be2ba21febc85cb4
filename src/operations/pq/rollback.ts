// `pq rollback`: uses the rollback clause that an executed proposal carries (governance page 10, R-15): no new signatures, an
// exception of at most 24 h, once. `findRollback` reads the clause without a passphrase, so that its words can be confirmed;
// `rollback` unseals, judges again and appends. Nothing calls this by itself.

import { fingerprintWords } from '../../envelope/fingerprint.ts';
import { demandClause, demandRollback } from '../../governance/tuning.ts';
import { demandState, readGovernance } from '../../kms/service/governance-reader.ts';
import type { Scope } from '../../policy/state.ts';
import { formatValue } from '../../policy/value.ts';
import { storeContext } from '../../storage/store-deps.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';

export interface RollbackRequest {
  readonly scope: Scope;
  /** Whole seconds up to 86400; null = 24 h. */
  readonly durationS: number | null;
}

export interface FoundClause {
  readonly proposal_id: string;
  readonly proposal_digest: string;
  readonly words: readonly string[];
  /** `KEY=VALUE` that come back. */
  readonly changes: readonly string[];
  readonly duration_s: number;
}

export interface RollbackResult extends FoundClause {
  readonly scope: string;
  /** RFC 3339 UTC, by the wall clock. */
  readonly until: string;
  readonly dry_run: boolean;
}

/** The clause that would be used now. NotFound, Expired, PolicyRefused, Ungoverned, InvalidValue. */
export async function findRollback(
  request: RollbackRequest,
  deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>,
): Promise<FoundClause> {
  const reading = readGovernance(await storeContext(deps));
  const state = demandState(reading);
  const clause = demandClause(state, request.scope, reading.judged.now);
  const { durationS } = demandRollback(state, clause, reading.judged, request.durationS);
  return {
    proposal_id: clause.id,
    proposal_digest: clause.proposal_digest,
    words: fingerprintWords(clause.proposal_digest),
    changes: clause.changeset.map((change) => `${change.key}=${formatValue(change.to)}`),
    duration_s: durationS,
  };
}

/** `confirmed`: what `findRollback` gave and a person confirmed; another clause by now is a Conflict. */
export async function rollback(
  request: RollbackRequest & { readonly confirmed: FoundClause; readonly confirmTime: boolean },
  deps: OperationDeps,
): Promise<RollbackResult> {
  const { scope, confirmed, confirmTime, durationS } = request;
  const wanted = { scope, durationS, proposalDigest: confirmed.proposal_digest, confirmTime };
  const done = await withService(deps, { confirmTime }, ({ governance, call }) => governance.rollback(wanted, call));
  return { scope, ...confirmed, duration_s: done.duration_s, until: done.until, dry_run: deps.dryRun };
}
