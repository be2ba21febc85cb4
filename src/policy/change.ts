// From what an operator types (`KEY=VALUE`, or an array of `{key, to}`) to the changeset of a proposal (governance pages 4
// and 6): canonical names, `from` of the approved state, sorted by key. A changeset of the PQ state names `pq.phase` and
// `pq.rollout_percent`, each when it differs; `base_phase` follows. Refuses: unknown keys, impossible combinations of PQ
// inputs, a key named twice, values out of bounds, changes that change nothing.

import { canonicalText, type Json } from '../bytes/canonical-json.ts';
import { any, array, object, string } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import {
  isPhase,
  PHASE_TABLE,
  type Phase,
  type PhaseInputs,
  type PqState,
  phaseFromInputs,
} from '../rollout/phases.ts';
import { nextPqState, type PqDirection, pqDirection } from '../rollout/transitions.ts';
import { applyChanges, changeableRow } from './apply.ts';
import type { Profile } from './profile.ts';
import { type KeyRow, resolveKey, rowOf } from './registry.ts';
import { approvedValue, type PolicyState, pqOf, type Scope } from './state.ts';
import { compare, formatValue, parseValue, tuneBounds } from './value.ts';

export interface ChangesetEntry {
  /** Canonical name. */
  readonly key: string;
  /** Approved value of this scope when it was written. */
  readonly from: Json;
  readonly to: Json;
}

/** Sorted by key, keys unique. */
export type Changeset = readonly ChangesetEntry[];

export interface ChangeInput {
  /** Any name that the registry knows. */
  readonly key: string;
  readonly text: string;
}

/** Splits `KEY=VALUE` at the first equals sign; `field` names the flag. */
export function parseChange(argument: string, field: string): ChangeInput {
  const at = argument.indexOf('=');
  if (at <= 0) {
    throw new RonError('InvalidValue', `${field}: KEY=VALUE is expected, not ${JSON.stringify(argument)}`, {
      field,
      hint: `For example ${field} pq_mode=and; \`ronctl policy keys\` lists the keys.`,
    });
  }
  return { key: argument.slice(0, at).trim(), text: argument.slice(at + 1).trim() };
}

const changeFile = array(object({ key: string({ maxBytes: 128 }), to: any }), LIMITS.changes, 1);

/** The contents of `--change-file`: an array of `{key, to}`. */
export function parseChangeFile(json: Json, what: string): ChangeInput[] {
  return changeFile(json, what).map(({ key, to }) => ({ key, text: formatValue(to) }));
}

interface Resolved {
  readonly phaseInputs: PhaseInputs;
  readonly phase: Phase | undefined;
  readonly percent: number | undefined;
  readonly others: readonly { readonly row: KeyRow; readonly to: Json }[];
}

function twice(name: string): never {
  throw new RonError('InvalidValue', `${name} is given twice`, { field: name });
}

function resolve(inputs: readonly ChangeInput[], scope: Scope, profile: Profile): Resolved {
  const phaseInputs: Record<string, string> = {};
  const others: { row: KeyRow; to: Json }[] = [];
  let phase: Phase | undefined;
  let percent: number | undefined;
  for (const { key, text } of inputs) {
    const target = resolveKey(key);
    if ('phaseInput' in target) {
      if (phaseInputs[target.phaseInput] !== undefined) twice(target.phaseInput);
      phaseInputs[target.phaseInput] = text;
      continue;
    }
    const row = changeableRow(target.key, scope);
    const to = parseValue(row, text, profile);
    if (row.key === 'pq.phase') {
      if (phase !== undefined) twice(row.key);
      if (isPhase(to)) phase = to;
    } else if (row.key === 'pq.rollout_percent') {
      if (percent !== undefined) twice(row.key);
      percent = Number(to);
    } else {
      if (others.some((one) => one.row.key === row.key)) twice(row.key);
      others.push({ row, to });
    }
  }
  return { phaseInputs, phase, percent, others };
}

function pqEntries(resolved: Resolved, current: PqState, scope: Scope): ChangesetEntry[] {
  let phase = resolved.phase;
  if (Object.keys(resolved.phaseInputs).length > 0) {
    const meant = phaseFromInputs(resolved.phaseInputs, current);
    if (phase !== undefined && phase !== meant) {
      throw new RonError('InvalidValue', `pq.phase=${phase} contradicts the mode, which means phase ${meant}`, {
        field: 'pq.phase',
        hint: `These combinations exist:\n${PHASE_TABLE}`,
      });
    }
    phase = meant;
  }
  const request = {
    ...(phase === undefined ? {} : { phase }),
    ...(resolved.percent === undefined ? {} : { percent: resolved.percent }),
  };
  if (Object.keys(request).length === 0) return [];
  const next = nextPqState(current, request, scope);
  const entries: ChangesetEntry[] = [];
  if (next.phase !== current.phase) entries.push({ key: 'pq.phase', from: current.phase, to: next.phase });
  if (next.percent !== current.percent) {
    entries.push({ key: 'pq.rollout_percent', from: current.percent, to: next.percent });
  }
  return entries;
}

/** Changes against a state, without the rule that a tenant is never looser than global (rollback clauses are). */
export function changesAgainst(
  inputs: readonly ChangeInput[],
  state: PolicyState,
  scope: Scope,
  profile: Profile,
): Changeset {
  const resolved = resolve(inputs, scope, profile);
  const entries = pqEntries(resolved, pqOf(state, scope), scope);
  for (const { row, to } of resolved.others) {
    const from = approvedValue(state, scope, row.key);
    if (canonicalText(from) === canonicalText(to)) {
      throw new RonError('NoChange', `${scope}: ${row.key} is already ${formatValue(to)}`, { field: row.key });
    }
    entries.push({ key: row.key, from, to });
  }
  return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The changeset that the inputs mean against this state, and the state after it. Throws RonError. */
export function buildChangeset(
  inputs: readonly ChangeInput[],
  state: PolicyState,
  scope: Scope,
  profile: Profile,
): { readonly changeset: Changeset; readonly after: PolicyState } {
  if (inputs.length === 0) throw new RonError('NoChange', 'no change is given', { field: '--change' });
  if (inputs.length > LIMITS.changes) {
    throw new RonError('TooLarge', `at most ${LIMITS.changes} changes fit one proposal`, { field: '--change' });
  }
  const changeset = changesAgainst(inputs, state, scope, profile);
  return { changeset, after: applyChanges(state, scope, changeset, profile) };
}

/** The first key whose approved value is no longer `from`, or null. */
export function staleKey(state: PolicyState, scope: Scope, changeset: Changeset): string | null {
  const found = changeset.find(
    (entry) => canonicalText(approvedValue(state, scope, entry.key)) !== canonicalText(entry.from),
  );
  return found?.key ?? null;
}

/** `pq` if any key starts with `pq.`, else `policy`. */
export function kindOfChangeset(changeset: Changeset): 'pq' | 'policy' {
  return changeset.some((entry) => entry.key.startsWith('pq.')) ? 'pq' : 'policy';
}

/** True when the change needs a quorum: every row but a tunable one, and a tunable one beyond 20 % of the approved value. */
export function isSensitive(entry: ChangesetEntry): boolean {
  const row = rowOf(entry.key);
  if (row === null || row.sensitive !== 'tunable') return true;
  if (typeof entry.from !== 'number' || typeof entry.to !== 'number') return true;
  const bounds = tuneBounds(entry.from);
  return entry.to < bounds.min || entry.to > bounds.max;
}

/** How the changeset moves the PQ state, judged as one value. */
export function pqDirectionOf(changeset: Changeset): PqDirection {
  const phase = changeset.find((entry) => entry.key === 'pq.phase');
  const percent = changeset.find((entry) => entry.key === 'pq.rollout_percent');
  const at = (side: 'from' | 'to'): PqState => ({
    phase: (phase?.[side] ?? 0) as Phase,
    base_phase: 0,
    percent: Number(percent?.[side] ?? 100),
  });
  return pqDirection(at('from'), at('to'));
}

export type RiskLevel = 'low' | 'medium' | 'high';

function loosens(entry: ChangesetEntry, changeset: Changeset): boolean {
  if (entry.key === 'pq.phase' || entry.key === 'pq.rollout_percent') {
    const direction = pqDirectionOf(changeset);
    return direction === 'lower' || direction === 'percent-down';
  }
  const row = rowOf(entry.key);
  // A change of a key without a direction counts as loosening.
  return row === null || compare(row, entry.from, entry.to) !== 'tighter';
}

/** Least risk of a changeset: high = loosens a sensitive key, or phase 3; medium = another sensitive key; else low. */
export function changesetRisk(changeset: Changeset, state: PolicyState, scope: Scope): RiskLevel {
  const sensitive = changeset.filter(isSensitive);
  const target = changeset.find((entry) => entry.key === 'pq.phase')?.to ?? pqOf(state, scope).phase;
  const movesPq = changeset.some((entry) => entry.key === 'pq.phase' || entry.key === 'pq.rollout_percent');
  if (movesPq && target === 3) return 'high';
  if (sensitive.some((entry) => loosens(entry, changeset))) return 'high';
  return sensitive.length > 0 ? 'medium' : 'low';
}

const MEDIUM_ACTIONS: readonly string[] = ['freeze', 'key-retire', 'ceiling', 'envelope', 'appeal'];

/** Least risk of an action, by its name. */
export function actionRisk(name: string): RiskLevel {
  return MEDIUM_ACTIONS.includes(name) ? 'medium' : 'high';
}
