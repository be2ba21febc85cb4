// The action restore-accept as it is written and read (governance page 6), and the keys of the epochs that it opens.

import { describe, expect, it } from 'vitest';
import { parseActionInput } from '../../src/governance/action-input.ts';
import { action } from '../../src/governance/actions.ts';
import { type Authority, erasOf, nextOrigin } from '../../src/governance/key-chain.ts';
import { refuseOlder, remember } from '../../src/governance/signer-memory.ts';

const origin = 'ronctl.invalid/0123456789abcdef0123456789abcdef/e0';
const at = (size: number, digit: string, of = origin) => ({ origin: of, size, root: digit.repeat(64) });
const accept = {
  name: 'restore-accept',
  prev_origin: origin,
  prev_checkpoint: at(20, 'b'),
  restored_checkpoint: at(10, 'a'),
  lost: { from: 10, to: 20 },
} as const;

describe('restore-accept', () => {
  it.each([
    ['checkpoints of another log', { prev_checkpoint: at(20, 'b', nextOrigin(origin)) }, /prev_checkpoint/],
    ['a restored one beyond', { restored_checkpoint: at(30, 'a') }, /comes before/],
    ['two roots of one size', { restored_checkpoint: at(20, 'a') }, /comes before/],
    ['another lost range', { lost: { from: 10, to: 19 } }, /what lies between/],
  ])('refuses %s', (_what, change, why) => {
    expect(action(accept, '')).toEqual(accept);
    expect(() => action({ ...accept, ...change }, '')).toThrow(why);
  });

  it('takes a newer checkpoint that was kept elsewhere, and nothing else', () => {
    const given = `restore-accept:${JSON.stringify({ prev_checkpoint: at(20, 'b') })}`;
    expect(parseActionInput(given, 'global')).toMatchObject({ prev_checkpoint: at(20, 'b') });
    expect(() => parseActionInput('restore-accept:{"lost":{"from":0,"to":1}}', 'global')).toThrow(/lost follows/);
  });
});

describe('a signer who has seen more of the log', () => {
  const newest = (size: number, digit: string, ledger_seq = 5) => ({
    ledger_seq,
    epoch: 0,
    checkpoint: at(size, digit),
  });
  const memory = { newest: newest(20, 'b'), statements: [] };

  it('signs a restore that names as much, and no other older request', () => {
    expect(() => refuseOlder(memory, newest(10, 'a'))).toThrow(/already seen/);
    expect(() => refuseOlder(memory, newest(10, 'a'), at(20, 'b'))).not.toThrow();
    expect(() => refuseOlder(memory, newest(10, 'a'), at(19, 'b'))).toThrow(/already seen/);
    expect(() => refuseOlder(memory, newest(10, 'a'), at(20, 'c'))).toThrow(/fork/);
    expect(() => refuseOlder(memory, newest(10, 'a', 4), at(20, 'b'))).toThrow(/already seen/);
  });

  it('does not forget it by that', () => {
    const statement = {
      proposal_digest: 'sha256:x',
      purpose: 'approve',
      base_state: '',
      keys: [],
      at: '',
      digest: '',
    } as const;
    const at2026 = { ...statement, at: '2026-11-20T10:00:00.000Z' };
    expect(remember(memory, at2026, newest(10, 'a')).newest?.checkpoint.size).toBe(20);
  });
});

describe('keys of an epoch', () => {
  const pair = (name: string) => ({ ed25519: name, ml_dsa_44: name });
  const eras = [
    { logKeys: pair('genesis'), since: null },
    { logKeys: pair('rotated'), since: { origin, index: 7 } },
    { logKeys: pair('later'), since: { origin: nextOrigin(origin), index: 3 } },
    { logKeys: pair('new'), since: { origin: nextOrigin(nextOrigin(origin)), index: -1 } },
  ];
  const names = (of: string) => erasOf({ logEras: eras } as unknown as Authority, of).map((one) => one.logKeys.ed25519);

  it('are the pair in force at its beginning, and those that came in it', () => {
    expect(names(origin)).toEqual(['genesis', 'rotated']);
    expect(names(nextOrigin(origin))).toEqual(['rotated', 'later']);
    expect(names(nextOrigin(nextOrigin(origin)))).toEqual(['new']);
  });
});
