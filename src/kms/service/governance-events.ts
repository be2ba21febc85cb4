// What the ledger of a server tells while it grows (GOV-42..46): counters and events for every line that was committed since
// the last look, and for decisions that these lines brought about. Replays of old lines tell nothing.

import { RonError } from '../../errors.ts';
import { ownLine } from '../../governance/ledger-load.ts';
import { parseReceipt } from '../../governance/receipt.ts';
import { describeEnvelope } from '../../governance/submission.ts';
import type { Telemetry } from '../telemetry.ts';
import type { LedgerWriter } from './governance-ledger.ts';

const DECIDED = ['approved', 'rejected', 'withdrawn', 'suspended'] as const;
const PURPOSES = ['approve', 'reject', 'retract', 'withdraw', 'escalate', 'tie-break'] as const;

const oneOf = <T extends string>(known: readonly T[], text: string | null): T | null =>
  known.find((one) => one === text) ?? null;

export class GovernanceEvents {
  readonly #telemetry: Telemetry;
  #seq: number;

  /** What stands in the ledger now was told by an earlier process. */
  constructor(telemetry: Telemetry, ledger: LedgerWriter | null) {
    this.#telemetry = telemetry;
    this.#seq = ledger?.state.seq ?? -1;
  }

  /** Tells what has come since. */
  look(ledger: LedgerWriter | null): void {
    if (ledger === null) return;
    const { state } = ledger;
    const touched = new Set<string>();
    for (let seq = this.#seq + 1; seq <= state.seq; seq++) {
      const id = this.#line(ledger, seq);
      if (id !== null) touched.add(id);
    }
    this.#seq = Math.max(this.#seq, state.seq);
    for (const id of touched) {
      const decision = oneOf(DECIDED, state.index.get(id)?.decision ?? null);
      if (decision === null) continue;
      this.#telemetry.count('kms_governance_proposals_total', { status: decision });
      if (decision === 'approved') this.#telemetry.publish('governance.approved', { proposal_id: id });
    }
  }

  /** The proposal whose decision a line may have changed. */
  #line(ledger: LedgerWriter, seq: number): string | null {
    const telemetry = this.#telemetry;
    const line = ownLine(ledger.line(seq));
    switch (line.type) {
      case 'proposal': {
        const { proposalId, by } = describeEnvelope(line.body, `ledger line ${seq}`);
        telemetry.count('kms_governance_proposals_total', { status: 'pending' });
        telemetry.publish('governance.proposed', { proposal_id: proposalId, author: by, ledger_seq: seq });
        return null;
      }
      case 'statement': {
        const { proposalId, by, purpose } = describeEnvelope(line.body, `ledger line ${seq}`);
        const known = oneOf(PURPOSES, purpose);
        if (known !== null) telemetry.count('kms_governance_statements_total', { purpose: known });
        telemetry.publish('governance.statement', { proposal_id: proposalId, signer: by, purpose, ledger_seq: seq });
        return proposalId;
      }
      case 'execution': {
        const { proposal_digest: digest } = parseReceipt(line.body);
        telemetry.count('kms_governance_proposals_total', { status: 'executed' });
        telemetry.publish('governance.executed', { proposal_digest: digest, ledger_seq: seq });
        telemetry.publish('kms.policy.hint', { proposal_digest: digest, ledger_seq: seq });
        return null;
      }
      case 'failed':
        telemetry.count('kms_governance_proposals_total', { status: 'failed' });
        telemetry.publish('governance.failed', { proposal_digest: line.body.proposal_digest, ledger_seq: seq });
        return null;
      case 'rollback':
        telemetry.publish('governance.rollback', { proposal_digest: line.body.proposal_digest, ledger_seq: seq });
        return null;
      case 'tune':
        telemetry.publish('kms.policy.hint', { key: line.body.key, scope: line.body.scope, ledger_seq: seq });
        return null;
      default:
        return null;
    }
  }
}

/** Telling must never undo what was done. */
export function toldSafely(telemetry: Telemetry, look: () => void): void {
  try {
    look();
  } catch (error) {
    const message = error instanceof RonError ? error.message : String(error);
    telemetry.log('warn', 'governance_events_failed', { message });
  }
}
