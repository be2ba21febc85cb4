import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Phase, type PqState, settled } from '../../src/rollout/phases.ts';
import {
  comparePq,
  nextPqState,
  type PqRequest,
  pqDirection,
  proposeLines,
  refuseBelowTracks,
  tighterPq,
} from '../../src/rollout/transitions.ts';
import { refusal } from '../support/refusal.ts';

const part = (phase: Phase, percent: number): PqState => ({ phase, base_phase: (phase - 1) as Phase, percent });

describe('steps that exist', () => {
  const steps: readonly [string, PqState, PqRequest, PqState][] = [
    ['raise 0 to 1', settled(0), { phase: 1 }, settled(1)],
    ['raise 1 to 2', settled(1), { phase: 2 }, settled(2)],
    ['raise 2 to 3', settled(2), { phase: 3 }, settled(3)],
    ['raise with a percentage: base is the old phase', settled(1), { phase: 2, percent: 10 }, part(2, 10)],
    ['raise at percent 0: only new keys', settled(1), { phase: 2, percent: 0 }, part(2, 0)],
    ['raise with percent 100 said', settled(1), { phase: 2, percent: 100 }, settled(2)],
    ['more percent', part(2, 10), { percent: 50 }, part(2, 50)],
    ['all percent: base becomes the phase', part(2, 50), { percent: 100 }, settled(2)],
    ['less percent', part(2, 50), { percent: 10 }, part(2, 10)],
    ['less than 100: base becomes phase - 1', settled(2), { percent: 60 }, part(2, 60)],
    ['the same phase said with another percentage', part(2, 50), { phase: 2, percent: 60 }, part(2, 60)],
    ['lower 3 to 2', settled(3), { phase: 2 }, settled(2)],
    ['lower 1 to 0', settled(1), { phase: 0 }, settled(0)],
    ['lower out of an unfinished rollout', part(2, 50), { phase: 1 }, settled(1)],
    ['lower with percent 100 said', part(3, 50), { phase: 2, percent: 100 }, settled(2)],
  ];
  it.each(steps)('%s', (_name, current, request, next) => {
    expect(nextPqState(current, request, 'global')).toEqual(next);
  });
});

describe('steps that do not exist', () => {
  it.each([
    ['two up', settled(0), { phase: 2 }, 'InvalidValue', 'pq.phase'],
    ['three up', settled(0), { phase: 3 }, 'InvalidValue', 'pq.phase'],
    ['two down', settled(3), { phase: 1 }, 'InvalidValue', 'pq.phase'],
    ['raise from 50 percent', part(2, 50), { phase: 3 }, 'PolicyRefused', 'pq.phase'],
    ['raise from 50 percent, percent said', part(2, 50), { phase: 3, percent: 100 }, 'PolicyRefused', 'pq.phase'],
    ['lower with a percentage', settled(2), { phase: 1, percent: 50 }, 'InvalidValue', 'pq.rollout_percent'],
    ['percent in phase 0', settled(0), { percent: 50 }, 'InvalidValue', 'pq.rollout_percent'],
    ['percent over 100', settled(2), { percent: 101 }, 'InvalidValue', 'pq.rollout_percent'],
    ['percent below 0', settled(2), { percent: -1 }, 'InvalidValue', 'pq.rollout_percent'],
    ['half a percent', settled(2), { percent: 1.5 }, 'InvalidValue', 'pq.rollout_percent'],
    ['no number', settled(2), { percent: Number.NaN }, 'InvalidValue', 'pq.rollout_percent'],
    ['same phase', settled(2), { phase: 2 }, 'NoChange', 'pq.phase'],
    ['same phase and percent', part(2, 50), { phase: 2, percent: 50 }, 'NoChange', 'pq.phase'],
    ['same percent', settled(2), { percent: 100 }, 'NoChange', 'pq.rollout_percent'],
  ] as const)('%s is %s', (_name, current, request, code, field) => {
    const error = refusal(() => nextPqState(current, request, 'tenant:acme'));
    expect([error.code, error.field]).toEqual([code, field]);
  });

  it('from off to and: the hint holds the two lines to propose', () => {
    const error = refusal(() => nextPqState(settled(0), { phase: 2 }, 'tenant:acme'));
    expect(error.hint).toContain(
      'ronctl governance propose --scope tenant:acme --change pq_mode=or --rationale TEXT\n' +
        'ronctl governance propose --scope tenant:acme --change pq_mode=and --rationale TEXT',
    );
  });

  it('a raise out of an unfinished rollout says what comes first', () => {
    const error = refusal(() => nextPqState(part(2, 50), { phase: 3 }, 'global'));
    expect(error.hint).toContain('--scope global --change rollout_percent=100');
  });
});

const anyPhase = fc.constantFrom<Phase>(0, 1, 2, 3);
const anyState = fc
  .tuple(anyPhase, fc.integer({ min: 0, max: 100 }))
  .map(([phase, percent]) => (percent === 100 || phase === 0 ? settled(phase) : part(phase, percent)));
const anyRequest = fc.record(
  { phase: anyPhase, percent: fc.integer({ min: -5, max: 105 }) },
  { requiredKeys: [] },
) as fc.Arbitrary<PqRequest>;

describe('properties of every step (TST-11)', () => {
  it('a step never gives an impossible state, never jumps, and always moves', () => {
    fc.assert(
      fc.property(anyState, anyRequest, (current, request) => {
        let next: PqState;
        try {
          next = nextPqState(current, request, 'global');
        } catch {
          return;
        }
        expect(next.base_phase).toBe(next.percent === 100 ? next.phase : next.phase - 1);
        expect(next.base_phase).toBeGreaterThanOrEqual(0);
        expect(Math.abs(next.phase - current.phase)).toBeLessThanOrEqual(1);
        expect(pqDirection(current, next)).not.toBe('none');
        // No key moves by more than one phase, whichever side of the cohort it was and is on.
        for (const before of [current.phase, current.base_phase]) {
          for (const after of [next.phase, next.base_phase]) expect(Math.abs(after - before)).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('every state reaches every other by the steps of the table', () => {
    const seen = new Set<string>();
    const queue: PqState[] = [settled(0)];
    for (let current = queue.pop(); current !== undefined; current = queue.pop()) {
      if (seen.has(JSON.stringify(current))) continue;
      seen.add(JSON.stringify(current));
      for (const phase of [undefined, 0, 1, 2, 3] as const) {
        for (const percent of [undefined, 0, 50, 100]) {
          try {
            const request = {
              ...(phase === undefined ? {} : { phase }),
              ...(percent === undefined ? {} : { percent }),
            };
            queue.push(nextPqState(current, request, 'global'));
          } catch {}
        }
      }
    }
    expect(seen.size).toBe(4 + 3 * 2);
  });
});

describe('order of protection', () => {
  it('is by phase, then percent', () => {
    expect(comparePq(part(3, 0), settled(2))).toBeGreaterThan(0);
    expect(comparePq(part(2, 10), part(2, 50))).toBeLessThan(0);
    expect(tighterPq(part(3, 0), settled(2))).toEqual(part(3, 0));
  });
  it('names the direction', () => {
    expect(pqDirection(settled(1), part(2, 10))).toBe('raise');
    expect(pqDirection(part(2, 50), settled(1))).toBe('lower');
    expect(pqDirection(part(2, 50), settled(2))).toBe('percent-up');
    expect(pqDirection(settled(2), part(2, 0))).toBe('percent-down');
    expect(pqDirection(settled(2), settled(2))).toBe('none');
  });
  it('lists one proposal per notch', () => {
    expect(proposeLines(3, 1, 'global').map((line) => /pq_mode=(\w+)/.exec(line)?.[1])).toEqual(['and', 'or']);
  });
});

describe('phase 0 where PQ tracks exist', () => {
  it.each([
    ['lower 1 to 0', settled(1), settled(0), true],
    ['phase 1 below 100 percent', settled(1), part(1, 50), true],
    ['lower 2 to 1', settled(2), settled(1), false],
    ['raise 0 to 1 with a percentage', settled(0), part(1, 10), false],
    ['more percent in phase 1', part(1, 10), part(1, 50), false],
  ] as const)('%s', (_name, from, to, refused) => {
    refuseBelowTracks(from, to, false, 'tenant:acme');
    if (!refused) {
      refuseBelowTracks(from, to, true, 'tenant:acme');
      return;
    }
    const error = refusal(() => refuseBelowTracks(from, to, true, 'tenant:acme'));
    expect(error.code).toBe('PolicyRefused');
    expect(error.message).toContain('never goes below 1');
  });
});
