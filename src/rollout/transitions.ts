// The only ways from one PQ state to the next (governance page 5, I-14, X-08, R-38):
//
//   raise    one phase, only from percent 100; base_phase := old phase; percent as given, else 100
//   percent  within a phase; below 100 the keys outside the cohort stand at phase - 1
//   lower    one phase, always to percent 100; never below 1 for a scope with PQ tracks (judged at execution)
//
// Refuses: NoChange (from = to), InvalidValue (more than one phase at once, with the proposals that lead there; a percent
// that cannot be), PolicyRefused (a raise out of an unfinished rollout; phase 0 where PQ tracks exist).

import { RonError } from '../errors.ts';
import { PHASES, type Phase, type PqState, settled } from './phases.ts';

export interface PqRequest {
  readonly phase?: Phase;
  readonly percent?: number;
}

export type PqDirection = 'raise' | 'lower' | 'percent-up' | 'percent-down' | 'none';

/** Total order of protection: more phase, then more percent. Negative when `a` is looser than `b`. */
export function comparePq(a: PqState, b: PqState): number {
  return a.phase - b.phase || a.percent - b.percent;
}

export function tighterPq(a: PqState, b: PqState): PqState {
  return comparePq(a, b) >= 0 ? a : b;
}

export function looserPq(a: PqState, b: PqState): PqState {
  return comparePq(a, b) <= 0 ? a : b;
}

export function pqDirection(from: PqState, to: PqState): PqDirection {
  if (to.phase !== from.phase) return to.phase > from.phase ? 'raise' : 'lower';
  if (to.percent !== from.percent) return to.percent > from.percent ? 'percent-up' : 'percent-down';
  return 'none';
}

/** The state with all keys of the cohort at `phase` and `percent`; `InvalidValue` when there is no phase below 0. */
function within(phase: Phase, percent: number): PqState {
  if (percent === 100) return settled(phase);
  if (phase === 0) {
    throw new RonError(
      'InvalidValue',
      'pq.rollout_percent: phase 0 has no phase below it, so it is always at 100 percent',
      {
        field: 'pq.rollout_percent',
        hint: 'Raise the phase first: --change pq_mode=or',
      },
    );
  }
  return { phase, base_phase: (phase - 1) as Phase, percent };
}

/** The `propose` lines that lead from one phase to another, one notch each. */
export function proposeLines(from: Phase, to: Phase, scope: string): string[] {
  const lines: string[] = [];
  for (let phase: number = from; phase !== to; ) {
    phase += to > from ? 1 : -1;
    lines.push(`ronctl governance propose --scope ${scope} --change pq_mode=${PHASES[phase]!.mode} --rationale TEXT`);
  }
  return lines;
}

function raise(current: PqState, phase: Phase, percent: number | undefined, scope: string): PqState {
  if (current.percent !== 100) {
    throw new RonError(
      'PolicyRefused',
      `phase ${current.phase} stands at ${current.percent} percent; a raise starts from 100 percent`,
      {
        field: 'pq.phase',
        hint: `First: ronctl governance propose --scope ${scope} --change rollout_percent=100 --rationale TEXT`,
      },
    );
  }
  return within(phase, percent ?? 100);
}

function lower(phase: Phase, percent: number | undefined): PqState {
  if (percent !== undefined && percent !== 100) {
    throw new RonError('InvalidValue', `pq.rollout_percent: a lowered phase is always at 100 percent, not ${percent}`, {
      field: 'pq.rollout_percent',
      hint: 'Lower the phase first, then propose the percentage.',
    });
  }
  return settled(phase);
}

/** The next state of a scope, or a RonError. `scope` is `global` or `tenant:<id>`, for the hints only. */
export function nextPqState(current: PqState, request: PqRequest, scope: string): PqState {
  const phase = request.phase ?? current.phase;
  const percent = request.percent;
  if (percent !== undefined && !(Number.isInteger(percent) && percent >= 0 && percent <= 100)) {
    throw new RonError('InvalidValue', `pq.rollout_percent: an integer from 0 to 100 is expected, not ${percent}`, {
      field: 'pq.rollout_percent',
    });
  }
  if (Math.abs(phase - current.phase) > 1) {
    throw new RonError('InvalidValue', `pq.phase: from ${current.phase} to ${phase} is more than one phase at once`, {
      field: 'pq.phase',
      hint: `One phase per proposal:\n${proposeLines(current.phase, phase, scope).join('\n')}`,
    });
  }
  if (phase > current.phase) return raise(current, phase, percent, scope);
  if (phase < current.phase) return lower(phase, percent);
  const next = within(phase, percent ?? current.percent);
  if (comparePq(next, current) === 0) {
    throw new RonError(
      'NoChange',
      `${scope} already stands at phase ${phase} (${PHASES[phase].mode}), ${current.percent} percent`,
      {
        field: request.phase === undefined ? 'pq.rollout_percent' : 'pq.phase',
      },
    );
  }
  return next;
}

/**
 * Judged at execution: a scope that has PQ tracks never loosens to where any of its keys stands at phase 0.
 * Throws PolicyRefused.
 */
export function refuseBelowTracks(from: PqState, to: PqState, scopeHasPqTracks: boolean, scope: string): void {
  if (!scopeHasPqTracks || comparePq(to, from) >= 0 || to.base_phase >= 1) return;
  throw new RonError('PolicyRefused', `${scope} has keys with a post-quantum track; its phase never goes below 1`, {
    field: 'pq.phase',
  });
}
