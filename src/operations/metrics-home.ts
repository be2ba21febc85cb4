// The metrics that a home without a server can tell (GAP-49): what ledger, public view and policy say, under the names that a
// server uses, for the textfile collector of a node exporter. Counters are those of the whole ledger. Opens no private key.

import { fromTime } from '../bytes/time.ts';
import { ownBytes } from '../errors.ts';
import { type Line, parseLine } from '../governance/ledger.ts';
import type { LedgerState } from '../governance/ledger-state.ts';
import { parseProposal } from '../governance/proposal.ts';
import { parseReceipt } from '../governance/receipt.ts';
import { parseStatement } from '../governance/statement.ts';
import { statusNow } from '../governance/status.ts';
import { parseKeyId } from '../keys/key-id.ts';
import { kidHash } from '../kms/kid-hash.ts';
import { createMetrics } from '../kms/metrics.ts';
import { type GovernanceReading, readGovernance } from '../kms/service/governance-reader.ts';
import type { Sample } from '../kms-api/exposition.ts';
import { METRIC_ROWS, type MetricName } from '../kms-api/metrics.ts';
import { effective } from '../policy/effective.ts';
import { pqOf } from '../policy/state.ts';
import { PHASES } from '../rollout/phases.ts';
import { storeContext } from '../storage/store-deps.ts';
import type { OperationDeps } from './deps.ts';

type Found = readonly (readonly [MetricName, readonly Sample[]])[];

const one = (value: number): readonly Sample[] => [{ labels: {}, value }];

/** Samples of one label from a tally. */
function tallied(label: string, tally: ReadonlyMap<string, number>): readonly Sample[] {
  return [...tally].map(([name, value]) => ({ labels: { [label]: name }, value }));
}

interface LedgerTally {
  readonly statements: Map<string, number>;
  readonly proposals: Map<string, number>;
  freezes: number;
  /** Wall ms of the line of each proposal, by id. */
  readonly ingestedMs: Map<string, number>;
}

function add(tally: Map<string, number>, name: string): void {
  tally.set(name, (tally.get(name) ?? 0) + 1);
}

/** One walk over the lines; a line that does not parse is tampering. */
function tallyLedger(reading: GovernanceReading, state: LedgerState): LedgerTally {
  const ids = new Map([...state.index.values()].map(({ digest, id }) => [digest, id]));
  const out: LedgerTally = { statements: new Map(), proposals: new Map(), freezes: 0, ingestedMs: new Map() };
  const freezing = new Set<string>();
  let previous: Line | null = null;
  for (const bytes of reading.lines(0)) {
    const line: Line = ownBytes(() => parseLine(bytes, previous));
    previous = line;
    if (line.type === 'proposal') {
      const proposal = ownBytes(() => parseProposal(line.body));
      add(out.proposals, 'pending');
      out.ingestedMs.set(proposal.id, fromTime(line.ts));
      if (proposal.actions[0]?.name === 'freeze') freezing.add(proposal.id);
    } else if (line.type === 'statement') add(out.statements, ownBytes(() => parseStatement(line.body)).purpose);
    else if (line.type === 'failed') add(out.proposals, 'failed');
    else if (line.type === 'execution') {
      add(out.proposals, 'executed');
      const id = ids.get(ownBytes(() => parseReceipt(line.body)).proposal_digest);
      if (id !== undefined && freezing.has(id)) out.freezes += 1;
    }
  }
  return out;
}

function governanceSamples(reading: GovernanceReading, nowMs: number): Found {
  const { state } = reading;
  if (state === null) return [];
  const tally = tallyLedger(reading, state);
  let oldestMs: number | null = null;
  for (const entry of state.index.values()) {
    if (entry.decision === 'approved') add(tally.proposals, 'approved');
    const { status } = statusNow(state, entry, state.open.get(entry.id) ?? null, nowMs);
    if (['rejected', 'withdrawn', 'suspended', 'expired'].includes(status)) add(tally.proposals, status);
    const at = tally.ingestedMs.get(entry.id);
    if (status === 'open' && at !== undefined) oldestMs = Math.min(oldestMs ?? at, at);
  }
  return [
    ['kms_governance_proposals_total', tallied('status', tally.proposals)],
    ['kms_governance_statements_total', tallied('purpose', tally.statements)],
    ['kms_governance_oldest_pending_seconds', one(oldestMs === null ? 0 : Math.max(0, nowMs - oldestMs) / 1000)],
    ['kms_governance_ledger_seq', one(state.seq)],
    ['kms_emergency_freezes_total', one(tally.freezes)],
  ];
}

function keySamples(reading: GovernanceReading): Found {
  const counts = new Map<string, { labels: Record<string, string>; value: number }>();
  const heads: Sample[] = [];
  for (const key of reading.home.view.keys) {
    const id = parseKeyId(key.kid);
    if (id === null || key.state !== 'active') continue;
    const { tenant, purpose, alg } = id;
    const name = `${tenant}/${purpose}/${alg}`;
    const known = counts.get(name) ?? { labels: { tenant, purpose, alg }, value: 0 };
    known.value += 1;
    counts.set(name, known);
    heads.push({ labels: { kid_hash: kidHash(key.kid) }, value: key.versions.at(-1)?.n ?? 0 });
  }
  return [
    ['kms_keys_total', [...counts.values()]],
    ['kms_key_version_head', heads],
  ];
}

function policySamples({ governance, judged }: GovernanceReading): Found {
  const { policy, overlays } = governance;
  const { summary } = effective(policy, null, overlays, judged).pq;
  const own = Object.keys(policy.tenants).flatMap((tenant) => {
    const pq = pqOf(policy, `tenant:${tenant}`);
    return pq === null ? [] : [{ tenant, phase: pq.phase }];
  });
  const phases = [{ tenant: '_instance', phase: pqOf(policy, 'global').phase }, ...own];
  return [
    ['kms_governed', one(governance.governed ? 1 : 0)],
    ['kms_pq_mode', [{ labels: { mode: PHASES[summary.phase].verify_mode }, value: 1 }]],
    ['kms_pq_rollout_percent', one(summary.percent)],
    ['kms_pq_phase', phases.map(({ tenant, phase }) => ({ labels: { tenant, phase: String(phase) }, value: 1 }))],
  ];
}

function logSamples({ home }: GovernanceReading, nowMs: number): Found {
  const signedMs = home.checkpoint === null ? nowMs : home.checkpoint.timestamp * 1000;
  return [
    ['kms_audit_log_size', one(home.checkpoint?.size ?? 0)],
    ['kms_audit_last_checkpoint_age_seconds', one(Math.max(0, nowMs - signedMs) / 1000)],
  ];
}

/** The page of this home. */
export async function homeMetrics(deps: OperationDeps): Promise<{ readonly trust: string; readonly text: string }> {
  const ctx = await storeContext(deps);
  const reading = readGovernance(ctx);
  const nowMs = Math.max(ctx.clock.now(), reading.judged.highWaterMs);
  const metrics = createMetrics(METRIC_ROWS.filter((row) => row.offline === true));
  const found = [
    ...governanceSamples(reading, nowMs),
    ...keySamples(reading),
    ...policySamples(reading),
    ...logSamples(reading, nowMs),
  ];
  for (const [name, samples] of found) metrics.replace(name, samples);
  return { trust: reading.trust, text: metrics.text() };
}
