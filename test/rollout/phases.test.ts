import { describe, expect, it } from 'vitest';
import { decodePqState, PHASE_TABLE, PHASES, type Phase, phaseFromInputs, settled } from '../../src/rollout/phases.ts';
import { refusal } from '../support/refusal.ts';

const at = settled;

describe('names of the phases', () => {
  const accepted: readonly [string, Parameters<typeof phaseFromInputs>[0], Phase, Phase][] = [
    ['off', { pq_mode: 'off' }, 1, 0],
    ['or', { pq_mode: 'or' }, 0, 1],
    ['or from and', { verify_mode: 'or' }, 2, 1],
    ['and', { pq_mode: 'and' }, 1, 2],
    ['and by verify_mode', { verify_mode: 'and' }, 1, 2],
    ['pq_only', { verify_mode: 'pq_only' }, 2, 3],
    ['or without hybrid production', { pq_mode: 'or', produce_hybrid: 'false' }, 1, 0],
    ['or with hybrid production', { pq_mode: 'or', produce_hybrid: 'true' }, 0, 1],
    ['both names agree', { pq_mode: 'and', verify_mode: 'and', produce_hybrid: 'true' }, 1, 2],
    ['off verifies in or', { pq_mode: 'off', verify_mode: 'or' }, 1, 0],
    ['produce_hybrid goes with the current mode: or', { produce_hybrid: 'false' }, 1, 0],
    ['produce_hybrid goes with the current mode: off', { produce_hybrid: 'true' }, 0, 1],
    ['produce_hybrid=true says nothing new in or', { produce_hybrid: 'true' }, 1, 1],
    ['produce_hybrid=true says nothing new in and', { produce_hybrid: 'true' }, 2, 2],
    ['pq_only takes either', { produce_hybrid: 'false' }, 3, 3],
    ['pq_only takes either, said together', { pq_mode: 'pq_only', produce_hybrid: 'false' }, 2, 3],
    ['nothing said', {}, 2, 2],
  ];
  it.each(accepted)('%s', (_name, inputs, current, phase) => {
    expect(phaseFromInputs(inputs, at(current))).toBe(phase);
  });

  const impossible: readonly [string, Parameters<typeof phaseFromInputs>[0], Phase, string][] = [
    ['and without hybrid production', { pq_mode: 'and', produce_hybrid: 'false' }, 1, 'pq_mode'],
    ['verify and without hybrid production', { verify_mode: 'and', produce_hybrid: 'false' }, 1, 'verify_mode'],
    ['off with hybrid production', { pq_mode: 'off', produce_hybrid: 'true' }, 1, 'pq_mode'],
    ['off that verifies in and', { pq_mode: 'off', verify_mode: 'and' }, 1, 'pq_mode'],
    ['off that verifies pq_only', { pq_mode: 'off', verify_mode: 'pq_only' }, 1, 'pq_mode'],
    ['two different modes', { pq_mode: 'and', verify_mode: 'or' }, 1, 'pq_mode'],
    ['and against pq_only', { pq_mode: 'and', verify_mode: 'pq_only' }, 1, 'pq_mode'],
    ['no hybrid production while and is in force', { produce_hybrid: 'false' }, 2, 'produce_hybrid'],
  ];
  it.each(impossible)('refuses %s, with the table', (_name, inputs, current, field) => {
    const error = refusal(() => phaseFromInputs(inputs, at(current)));
    expect(error.code).toBe('InvalidValue');
    expect(error.field).toBe(field);
    expect(error.message).toContain('impossible combination');
    expect(error.hint).toContain(PHASE_TABLE);
  });

  // Trap: an unknown mode read as "off".
  it.each([
    'hybrid',
    'OFF',
    'Off',
    'none',
    'disabled',
    '',
    ' and',
    'and ',
    'pq-only',
    'pqonly',
    '0',
    '2',
    'true',
    'null',
  ])('the unknown mode %j is refused, never read as off', (word) => {
    for (const name of ['pq_mode', 'verify_mode'] as const) {
      const error = refusal(() => phaseFromInputs({ [name]: word }, at(2)));
      expect(error.code).toBe('InvalidValue');
      expect(error.message).toContain('is no mode');
      expect(error.field).toBe(name);
    }
  });

  it.each(['yes', '1', 'TRUE', ''])('produce_hybrid=%j is refused', (word) => {
    const error = refusal(() => phaseFromInputs({ produce_hybrid: word }, at(1)));
    expect(error.code).toBe('InvalidValue');
    expect(error.message).toContain('neither true nor false');
  });

  it('the table names every phase as its row does', () => {
    for (const row of PHASES) {
      const line = PHASE_TABLE.split('\n')[row.phase]!.replaceAll(/ +/g, ' ');
      expect(line).toBe(
        `phase ${row.phase}: pq_mode=${row.mode}, produce_hybrid=${row.produce_hybrid}, verify_mode=${row.verify_mode}`,
      );
    }
  });
});

describe('a PQ state from bytes', () => {
  it('is read when the base phase follows from phase and percent', () => {
    for (const pq of [
      at(0),
      at(3),
      { phase: 2, base_phase: 1, percent: 0 },
      { phase: 1, base_phase: 0, percent: 99 },
    ]) {
      expect(decodePqState({ ...pq }, 'pq')).toEqual(pq);
    }
  });

  it.each([
    [{ phase: 2, base_phase: 1, percent: 100 }, 'pq.base_phase'],
    [{ phase: 2, base_phase: 2, percent: 50 }, 'pq.base_phase'],
    [{ phase: 3, base_phase: 1, percent: 50 }, 'pq.base_phase'],
    [{ phase: 0, base_phase: 0, percent: 50 }, 'pq.base_phase'],
    [{ phase: 4, base_phase: 4, percent: 100 }, 'pq.base_phase'],
    [{ phase: 1, base_phase: 1, percent: 101 }, 'pq.percent'],
    [{ phase: '1', base_phase: 1, percent: 100 }, 'pq.phase'],
    [{ phase: 1, base_phase: 1, percent: 100, mode: 'or' }, 'pq.mode'],
    [{ phase: 1, percent: 100 }, 'pq.base_phase'],
  ])('%j is refused at %s', (json, field) => {
    const error = refusal(() => decodePqState(json, 'pq'));
    expect(error.code).toBe('Malformed');
    expect(error.field).toBe(field);
  });
});
