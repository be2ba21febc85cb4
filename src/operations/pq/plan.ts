// `pq plan` (I-49): the ladder of proposals from where a scope stands to a phase. Per step: phase and percentage, window,
// keys that move, versions that lose acceptance, heads that must be rotated first, and the line to paste. Writes nothing.

import { parseDurationOrTime, parseTime, toTime } from '../../bytes/time.ts';
import { RonError } from '../../errors.ts';
import type { ChangesetEntry } from '../../policy/change.ts';
import type { KeyFacts } from '../../policy/impact.ts';
import { ladder, type Rung } from '../../policy/ladder.ts';
import { PROFILES } from '../../policy/profile.ts';
import { pqOf, type Scope, tenantOf } from '../../policy/state.ts';
import { formatValue } from '../../policy/value.ts';
import { isPhase, PHASES, type Phase } from '../../rollout/phases.ts';
import { inspectPq, type PqInspection } from '../policy/inspect.ts';
import { keyFacts, type PolicyDeps, profileOf, tenantsOf } from '../policy/source.ts';
import { impactOfStep, keysAfter } from './impact.ts';

export interface PlanRequest {
  readonly scope: Scope;
  readonly target: Phase;
  /** End of the last window, ms since the epoch; null = no windows. */
  readonly byMs: number | null;
  /** Percentages of a raise to phase 2 or 3, ascending, the last one 100; null = 10, 50, 100. */
  readonly stages: readonly number[] | null;
  readonly nowMs: number;
}

export interface PlanWindow {
  readonly not_before: string;
  readonly not_after: string;
  /** It cannot be made before: a proposal lives 7 days at most, and starts from what the step before leads to. */
  readonly propose_from: string;
}

export interface PlanStep {
  readonly n: number;
  readonly from: PqInspection;
  readonly to: PqInspection;
  readonly changeset: readonly ChangesetEntry[];
  /** What the rollback clause of the proposal brings back, or null for none. */
  readonly rollback: readonly string[] | null;
  readonly window: PlanWindow | null;
  readonly keys_moving: readonly string[];
  readonly versions_losing: readonly string[];
  /** Active keys to rotate before this step; otherwise they can no longer sign or wrap. */
  readonly missing_tracks: readonly string[];
  readonly evidence_required: readonly string[];
  readonly propose: string;
}

export interface PlanResult {
  readonly scope: string;
  readonly tenant_known: boolean;
  readonly governed: boolean;
  readonly trust: string;
  readonly from: PqInspection;
  readonly target: string;
  readonly steps: readonly PlanStep[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const PROPOSAL_MAX_MS = 7 * DAY_MS;

/** A phase as typed: 0..3 or its mode. `InvalidValue` for another word. */
export function parsePhase(text: string, field: string): Phase {
  const number = /^[0-3]$/.test(text) ? Number(text) : PHASES.find((row) => row.mode === text)?.phase;
  if (isPhase(number)) return number;
  throw new RonError('InvalidValue', `${field}: ${JSON.stringify(text)} is no phase`, {
    field,
    hint: `Phases: ${PHASES.map((row) => `${row.phase} = ${row.mode}`).join(', ')}`,
  });
}

/** `10,50,100` as typed: ascending integers below 100, the last one 100. */
export function parseStages(text: string, field: string): number[] {
  const stages = text.split(',').map((part) => (/^(?:0|[1-9]\d{0,2})$/.test(part) ? Number(part) : Number.NaN));
  const ascending = stages.every((stage, index) => index === 0 || stage > stages[index - 1]!);
  if (ascending && stages.at(-1) === 100) return stages;
  throw new RonError('InvalidValue', `${field}: ascending percentages that end in 100 are expected, not ${text}`, {
    field,
    hint: `For example ${field} 10,50,100`,
  });
}

/** A time, a duration from now, or a date (its beginning in UTC). */
export function parseBy(text: string, nowMs: number): number {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return parseTime(`${text}T00:00:00Z`, '--by');
  return parseDurationOrTime(text, nowMs, '--by');
}

/** Windows of at most a day, evenly spread, the last one ending at `byMs`. */
function windowsOf(count: number, nowMs: number, byMs: number | null): (PlanWindow | null)[] {
  if (byMs === null) return Array.from({ length: count }, () => null);
  if (byMs <= nowMs) throw new RonError('InvalidValue', `--by: ${toTime(byMs)} has passed`, { field: '--by' });
  const interval = (byMs - nowMs) / count;
  const unit = interval >= 10 * MINUTE_MS ? MINUTE_MS : 1;
  const end = (index: number): number => byMs - Math.round(((count - 1 - index) * interval) / unit) * unit;
  const start = (index: number): number => Math.max(nowMs, end(index) - Math.min(DAY_MS, interval));
  return Array.from({ length: count }, (_, index) => {
    const afterLast = index === 0 ? nowMs : start(index - 1);
    const from = Math.max(nowMs, end(index) - PROPOSAL_MAX_MS, afterLast);
    return { not_before: toTime(start(index)), not_after: toTime(end(index)), propose_from: toTime(from) };
  });
}

function proposeLine(scope: Scope, rung: Rung, window: PlanWindow | null): string {
  const changes = rung.changeset.map((entry) =>
    entry.key === 'pq.phase'
      ? `--change pq_mode=${PHASES[rung.to.phase].mode}`
      : `--change rollout_percent=${formatValue(entry.to)}`,
  );
  const when =
    window === null ? '' : ` --window ${window.not_before}/${window.not_after} --expires ${window.not_after}`;
  return `ronctl governance propose --scope ${scope} ${changes.join(' ')} --rationale TEXT${when}`;
}

export async function plan(request: PlanRequest, deps: PolicyDeps): Promise<PlanResult> {
  const source = await deps.source();
  const { scope, target } = request;
  const profile = profileOf(source);
  const rungs = ladder({
    state: source.policy.policy,
    scope,
    target,
    profile,
    ...(request.stages === null ? {} : { stages: request.stages }),
  });
  const windows = windowsOf(rungs.length, request.nowMs, request.byMs);
  const tenant = tenantOf(scope);
  let keys: readonly KeyFacts[] = keyFacts(source, tenant);
  const steps: PlanStep[] = [];
  for (const [index, rung] of rungs.entries()) {
    const step = { scope, before: rung.before, after: rung.after };
    const impact = impactOfStep(source, step, keys);
    keys = keysAfter(keys, step);
    const window = windows[index] ?? null;
    steps.push({
      n: index + 1,
      from: inspectPq(rung.from),
      to: inspectPq(rung.to),
      changeset: rung.changeset,
      rollback: rung.rollback?.map((entry) => `${entry.key}=${formatValue(entry.to)}`) ?? null,
      window,
      keys_moving: impact.moving,
      versions_losing: impact.losing,
      missing_tracks: impact.missingTracks,
      evidence_required: PROFILES[profile].evidenceRequired ? ['phase-transition-tests', 'perf-snapshot-15m'] : [],
      propose: proposeLine(scope, rung, window),
    });
  }
  const known = tenantsOf(source);
  return {
    scope,
    tenant_known: tenant === null || known.includes(tenant),
    governed: source.policy.governed,
    trust: source.trust,
    from: inspectPq(pqOf(source.policy.policy, scope)),
    target: PHASES[target].mode,
    steps,
  };
}
