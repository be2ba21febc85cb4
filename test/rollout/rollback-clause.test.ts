import { describe, expect, it } from 'vitest';
import { settled } from '../../src/rollout/phases.ts';
import { type ClauseFacts, evaluateClause } from '../../src/rollout/rollback-clause.ts';
import { refusal } from '../support/refusal.ts';

const facts: ClauseFacts = {
  proposalId: 'gp-test',
  scope: 'tenant:acme',
  request: { phase: 1 },
  remainingMs: 1000,
  used: false,
  overtakenBy: null,
  current: settled(2),
  recentRollbacks: 0,
  frozen: false,
  durationS: null,
};

describe('a rollback clause', () => {
  it('gives one notch for at most a day', () => {
    expect(evaluateClause(facts)).toEqual({ target: settled(1), durationS: 86_400 });
    expect(evaluateClause({ ...facts, durationS: 60 }).durationS).toBe(60);
  });
  it('brings an old percentage back', () => {
    const current = { phase: 2, base_phase: 1, percent: 50 } as const;
    expect(evaluateClause({ ...facts, current, request: { percent: 10 } }).target.percent).toBe(10);
  });

  it.each([
    ['used', { used: true }, 'PolicyRefused', 'was used already'],
    ['overtaken', { overtakenBy: 'gp-later' }, 'PolicyRefused', 'void since gp-later'],
    ['ended, exactly', { remainingMs: 0 }, 'Expired', 'has ended'],
    ['second within 30 days', { recentRollbacks: 1 }, 'PolicyRefused', 'within the last 30 days'],
    ['frozen', { frozen: true }, 'Frozen', 'freeze'],
    ['longer than a day', { durationS: 86_401 }, 'InvalidValue', '86400'],
    ['no time at all', { durationS: 0 }, 'InvalidValue', '86400'],
    ['two notches', { current: settled(3) }, 'InvalidValue', 'more than one phase'],
    ['below phase 1', { current: settled(1), request: { phase: 0 as const } }, 'PolicyRefused', 'above phase 1'],
    ['below phase 1 by percent', { current: settled(1), request: { percent: 10 } }, 'PolicyRefused', 'above phase 1'],
    ['tighter', { current: settled(1), request: { phase: 2 as const } }, 'PolicyRefused', 'would not loosen'],
    ['nothing', { current: settled(1) }, 'NoChange', 'already'],
  ] as const)('is refused: %s', (_name, change, code, text) => {
    const error = refusal(() => evaluateClause({ ...facts, ...change }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
  });
});
