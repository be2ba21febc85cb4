import { expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';
import { EXIT_CODES, type ExplainResult, explain } from '../../src/operations/explain.ts';
import { temporaryHome } from '../support/binary.ts';

const home = temporaryHome();

test('every error code is explained, and its exit code is one of the frozen ones', async () => {
  for (const [code, { exit }] of Object.entries(ERROR_CODES)) {
    const { codes } = await explain({ code });
    expect(codes).toHaveLength(1);
    expect(codes[0]).toMatchObject({ code, exit, exit_meaning: EXIT_CODES.get(exit) });
    expect(codes[0]?.meaning.endsWith('.')).toBe(true);
    expect(codes[0]?.next.endsWith('.')).toBe(true);
  }
});

test('the exit codes are frozen', () => {
  const frozen = [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 130, 143];
  expect([...EXIT_CODES.keys()]).toEqual(frozen);
});

test('the binary explains a code in any case, an exit code, and lists all', async () => {
  const one = await home.json<ExplainResult>(['explain', 'quorumpending']);
  expect(one.data?.codes.map(({ code }) => code)).toEqual(['QuorumPending']);
  const ten = await home.json<ExplainResult>(['explain', '10']);
  expect(ten.data?.codes.map(({ exit }) => exit).every((exit) => exit === 10)).toBe(true);
  const all = await home.json<ExplainResult>(['explain']);
  expect(all.data?.codes).toHaveLength(Object.keys(ERROR_CODES).length);
  expect((await home.run(['explain', 'Frozen'])).stdout).toContain('exit code  14 (frozen)');
});

test('an unknown code names the nearest', async () => {
  const { error } = await home.json(['explain', 'QorumPending'], 3);
  expect(error).toMatchObject({ code: 'InvalidValue', field: 'CODE' });
  expect(error?.hint).toContain('QuorumPending');
});
