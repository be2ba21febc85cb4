import { describe, expect, it } from 'vitest';
import { type PhaseInputs, type PqState, phaseFromInputs } from '../../src/rollout/phases.ts';
import { nextPqState, type PqRequest } from '../../src/rollout/transitions.ts';
import { refusal } from '../support/refusal.ts';
import { type OwnVector, readSuite } from '../vectors/own-format.ts';

function check(vector: OwnVector, run: () => unknown): void {
  if (vector.error === undefined) expect(run(), vector.name).toEqual(vector.out);
  else expect(refusal(run).code, vector.name).toBe(vector.error);
}

describe('vectors', () => {
  it('transitions: every kind of state against every kind of request', () => {
    const { vectors } = readSuite('rollout/transitions.json');
    for (const vector of vectors) {
      check(vector, () => nextPqState(vector.in['current'] as PqState, vector.in['request'] as PqRequest, 'global'));
    }
    expect(vectors).toHaveLength(7 * 19);
    expect(vectors.filter((vector) => vector.out !== undefined)).toHaveLength(48);
  });
  it('inputs: every combination of the names of a phase', () => {
    const { vectors } = readSuite('rollout/inputs.json');
    for (const vector of vectors) {
      const current = vector.in['current'] as PqState;
      check(vector, () => ({ phase: phaseFromInputs(vector.in['inputs'] as PhaseInputs, current) }));
    }
    expect(vectors).toHaveLength(5 * 5 * 3 - 1 + 6 + 7 + 1);
  });
});
