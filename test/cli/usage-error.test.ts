// What the parser of arguments says in its own words, as our errors.

import { expect, test } from 'vitest';
import { usageError } from '../../src/cli/usage-error.ts';

const parser = (message: string): Error => Object.assign(new Error(message), { oclif: {} });
const options = { origin: { type: 'boolean' } };
const of = (argv: readonly string[]) =>
  usageError(parser('Expected local to be one of: ron-kms'), 'ronctl config get', options, {}, argv);

test('the value of a flag that a command does not have is not taken for a wrong argument', () => {
  expect(of(['--kms', 'local'])).toMatchObject({
    code: 'Usage',
    message: 'unknown flag --kms',
    field: '--kms',
    hint: 'See `ronctl config get --help`.',
  });
});

test.each([[['local']], [['--origin', 'local']]])('a wrong argument stays one: %j', (argv) => {
  expect(of(argv)).toMatchObject({ code: 'InvalidValue', message: 'one of ron-kms is expected, not "local"' });
});
