// What the ledger of a running server goes through, as counters and events (GOV-42, GOV-45, CON-17): new lines by the ports,
// so that it does not matter who appended them, and the status of each proposal as judged now, so that an expiry is seen
// too. Counts from the start of the server on. Reads only.

import { decodeLine, type Line } from '../governance/ledger.ts';
import { parseProposal } from '../governance/proposal.ts';
import { parseReceipt } from '../governance/receipt.ts';
import { parseStatement } from '../governance/statement.ts';
import type { EventTopic } from '../kms-api/events.ts';
import type { Governance, Policy, ProposalSummary, ServiceState } from './admin-ports.ts';
import type { Call } from './ports.ts';
import type { Telemetry } from './telemetry.ts';

export interface LedgerWatchDeps {
  readonly governance: Pick<Governance, 'list' | 'get' | 'ledger'>;
  readonly policy: Policy;
  readonly telemetry: Pick<Telemetry, 'count' | 'publish'>;
  readonly state: () => Pick<ServiceState, 'ledgerSeq'>;
  readonly call: () => Call;
  readonly monotonicMs: () => number;
}

export interface LedgerWatch {
  /** Tells what happened since the last time. One at a time; the caller repeats it. */
  catchUp(): Promise<void>;
}

const TENANT = 'tenant:';
/** Open proposals are looked at so often for what time alone does to them. */
const AGAIN_MS = 60_000;
/** Statuses that a proposal does not leave. */
const FINAL = ['executed', 'failed', 'closed', 'withdrawn', 'rejected', 'expired'];
/** Status of a summary to the label of the metric; others are no step of their own. */
const COUNTED: Readonly<Record<string, string>> = {
  open: 'pending',
  approved: 'approved',
  rejected: 'rejected',
  withdrawn: 'withdrawn',
  suspended: 'suspended',
  expired: 'expired',
  executed: 'executed',
  failed: 'failed',
};
const TOPICS: Readonly<Record<string, EventTopic>> = {
  open: 'governance.proposed',
  approved: 'governance.approved',
  rejected: 'governance.closed',
  withdrawn: 'governance.closed',
  suspended: 'governance.closed',
  expired: 'governance.closed',
  executed: 'governance.executed',
  failed: 'governance.failed',
};

interface Known {
  readonly digest: string;
  status: string;
}

export function createLedgerWatch({
  governance,
  policy,
  telemetry,
  state,
  call,
  monotonicMs,
}: LedgerWatchDeps): LedgerWatch {
  const known = new Map<string, Known>();
  let seenSeq: number | null = null;
  let lookedMs = Number.NEGATIVE_INFINITY;

  function step(one: ProposalSummary, status: string): void {
    const counted = COUNTED[status];
    if (counted === undefined) return;
    telemetry.count('kms_governance_proposals_total', { status: counted });
    telemetry.publish(TOPICS[status]!, { proposal_id: one.id, kind: one.kind, scope: one.scope, status: counted });
    if (status !== 'executed') return;
    if (one.kind === 'freeze') {
      telemetry.count('kms_emergency_freezes_total');
      telemetry.publish('governance.frozen', { proposal_id: one.id, scope: one.scope });
    } else if (one.kind === 'unfreeze') {
      telemetry.publish('governance.unfrozen', { proposal_id: one.id, scope: one.scope });
    }
  }

  /** What signs and verifies in a scope from now on, for dashboards (INT-05). */
  async function hint(scope: string, about: Readonly<Record<string, string>>): Promise<void> {
    const tenant = scope.startsWith(TENANT) ? scope.slice(TENANT.length) : null;
    const { verify_mode, rollout_percent } = await policy.effective({ tenant }, call());
    telemetry.publish('kms.policy.hint', { ...about, scope, pq_mode: verify_mode, rollout_percent });
  }

  /** A proposal that was approved and executed between two looks was approved all the same. */
  async function take(one: ProposalSummary): Promise<void> {
    const before = known.get(one.id);
    known.set(one.id, { digest: one.digest, status: one.status });
    if (before?.status === one.status) return;
    if (before === undefined) step(one, 'open');
    const passed = one.status === 'executed' || one.status === 'failed';
    if (passed && before?.status !== 'approved' && before?.status !== 'executing') step(one, 'approved');
    if (one.status !== 'open') step(one, one.status);
    if (one.status === 'executed') await hint(one.scope, { proposal_id: one.id });
  }

  /** The id of the proposal that a line is about, and what the line itself is worth telling. */
  function tell(line: Line): string | null {
    const ofDigest = (digest: string): string | null =>
      [...known].find(([, one]) => one.digest === digest)?.[0] ?? null;
    switch (line.type) {
      case 'proposal':
        return parseProposal(line.body).id;
      case 'statement': {
        const { purpose, proposal_id: id, signer } = parseStatement(line.body);
        telemetry.count('kms_governance_statements_total', { purpose });
        telemetry.publish('governance.statement', { proposal_id: id, purpose, by: signer });
        return id;
      }
      case 'execution':
        return ofDigest(parseReceipt(line.body).proposal_digest);
      case 'intent':
      case 'failed':
        return ofDigest(line.body.proposal_digest);
      case 'tune':
        telemetry.publish('kms.policy.hint', { scope: line.body.scope, key: line.body.key, to: line.body.to });
        return null;
      case 'rollback':
        telemetry.publish('governance.rollback', { scope: line.body.scope, duration_s: line.body.duration_s });
        return ofDigest(line.body.proposal_digest);
      default:
        return null;
    }
  }

  /** What stood in the ledger at the start is known and told nothing of. */
  async function begin(seq: number): Promise<void> {
    for (const { id, digest, status } of await governance.list({}, call())) known.set(id, { digest, status });
    seenSeq = seq;
    lookedMs = monotonicMs();
  }

  return {
    async catchUp() {
      const seq = state().ledgerSeq;
      if (seq === null) return;
      if (seenSeq === null) return begin(seq);
      const touched = new Set<string>();
      if (seq > seenSeq) {
        for await (const bytes of governance.ledger({ fromSeq: seenSeq + 1 }, call())) {
          const line = decodeLine(bytes);
          const id = tell(line);
          if (id !== null) touched.add(id);
          seenSeq = line.seq;
        }
      }
      if (monotonicMs() - lookedMs >= AGAIN_MS) {
        lookedMs = monotonicMs();
        for (const [id, { status }] of known) if (!FINAL.includes(status)) touched.add(id);
      }
      for (const id of touched) await take((await governance.get({ id }, call())).proposal);
    },
  };
}
