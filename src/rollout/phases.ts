// The four phases of the PQ rollout and every other name for them (governance page 5, C-35):
//
//   phase  pq_mode  produce_hybrid  verify_mode
//   0      off      false           or
//   1      or       true            or
//   2      and      true            and
//   3      pq_only  either          pq_only
//
// One value `pq {phase, base_phase, percent}` per scope; all names are views of it. Refuses: any combination outside the
// table, and any word that is not in it (an unknown mode is never read as "off").

import type { Json } from '../bytes/canonical-json.ts';
import { integer, literal, malformed, object } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';

export type Phase = 0 | 1 | 2 | 3;
export type VerifyMode = 'or' | 'and' | 'pq_only';
export type PqMode = 'off' | 'or' | 'and' | 'pq_only';

/** Keys outside the cohort stand at `base_phase`, which is `phase` at percent 100 and `phase - 1` below. */
export interface PqState {
  readonly phase: Phase;
  readonly base_phase: Phase;
  readonly percent: number;
}

interface PhaseRow {
  readonly phase: Phase;
  readonly mode: PqMode;
  readonly produce_hybrid: boolean | 'either';
  readonly verify_mode: VerifyMode;
}

export const PHASES: readonly [PhaseRow, PhaseRow, PhaseRow, PhaseRow] = [
  { phase: 0, mode: 'off', produce_hybrid: false, verify_mode: 'or' },
  { phase: 1, mode: 'or', produce_hybrid: true, verify_mode: 'or' },
  { phase: 2, mode: 'and', produce_hybrid: true, verify_mode: 'and' },
  { phase: 3, mode: 'pq_only', produce_hybrid: 'either', verify_mode: 'pq_only' },
];

/** The table as it is printed with a refusal. */
export const PHASE_TABLE = [
  'phase 0: pq_mode=off,     produce_hybrid=false,  verify_mode=or',
  'phase 1: pq_mode=or,      produce_hybrid=true,   verify_mode=or',
  'phase 2: pq_mode=and,     produce_hybrid=true,   verify_mode=and',
  'phase 3: pq_mode=pq_only, produce_hybrid=either, verify_mode=pq_only',
].join('\n');

export function verifyModeOf(phase: Phase): VerifyMode {
  return PHASES[phase].verify_mode;
}

/** What a key is made with and a call signs with; phase 3 makes two tracks (keys page 4: "from phase 1 on"). */
export function producesHybrid(phase: Phase): boolean {
  return phase >= 1;
}

export function isPhase(value: unknown): value is Phase {
  return value === 0 || value === 1 || value === 2 || value === 3;
}

/** The state of a scope whose keys all stand at one phase. */
export function settled(phase: Phase): PqState {
  return { phase, base_phase: phase, percent: 100 };
}

/** Reads the three members and refuses a base phase that no sequence of transitions gives. */
export function decodePqState(value: Json, path: string): PqState {
  const pq = object({ base_phase: literal(0, 1, 2, 3), percent: integer(0, 100), phase: literal(0, 1, 2, 3) })(
    value,
    path,
  );
  const expected = pq.percent === 100 ? pq.phase : pq.phase - 1;
  if (pq.base_phase !== expected) {
    malformed(
      `${path}.base_phase`,
      `base phase ${pq.base_phase} does not fit phase ${pq.phase} at ${pq.percent} percent`,
    );
  }
  return { phase: pq.phase, base_phase: pq.base_phase, percent: pq.percent };
}

/** Raw text of the inputs that name a phase, by input name. */
export interface PhaseInputs {
  readonly pq_mode?: string;
  readonly verify_mode?: string;
  readonly produce_hybrid?: string;
}

function impossible(field: string, message: string): never {
  throw new RonError('InvalidValue', message, { field, hint: `These combinations exist:\n${PHASE_TABLE}` });
}

/** Phases that a mode word allows, the one it means by itself first. */
function phasesOfMode(field: string, word: string): readonly Phase[] {
  switch (word) {
    case 'off':
      return [0];
    case 'or':
      return [1, 0];
    case 'and':
      return [2];
    case 'pq_only':
      return [3];
    default:
      return impossible(field, `${field}: ${JSON.stringify(word)} is no mode; off, or, and, pq_only are`);
  }
}

function phasesOfProduce(word: string): readonly Phase[] {
  if (word === 'true') return [1, 2, 3];
  if (word === 'false') return [0, 3];
  return impossible('produce_hybrid', `produce_hybrid: ${JSON.stringify(word)} is neither true nor false`);
}

/**
 * The phase that the inputs mean together; `produce_hybrid` alone goes with the current mode. Throws `InvalidValue` with
 * the table when they contradict each other.
 */
export function phaseFromInputs(inputs: PhaseInputs, current: PqState): Phase {
  const given = Object.entries(inputs).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (given.length === 0) return current.phase;
  const modes = given.filter(([name]) => name !== 'produce_hybrid');
  const allowed = modes.map(([name, word]) => phasesOfMode(name, word));
  if (modes.length === 0) {
    const mode = verifyModeOf(current.phase);
    const same = PHASES.filter((row) => row.verify_mode === mode).map((row) => row.phase);
    allowed.push([...same].sort((a, b) => b - a));
  }
  if (inputs.produce_hybrid !== undefined) allowed.push(phasesOfProduce(inputs.produce_hybrid));
  const phase = allowed[0]!.find((one) => allowed.every((set) => set.includes(one)));
  if (phase !== undefined) return phase;
  const shown = given.map(([name, word]) => `${name}=${word}`).join(' with ');
  const context = modes.length === 0 ? ` in phase ${current.phase} (verify_mode=${verifyModeOf(current.phase)})` : '';
  return impossible(given[0]![0], `${shown}${context} is an impossible combination`);
}
