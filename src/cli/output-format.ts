// Which format a command line asks for: the flag, RONCTL_OUTPUT, output.format, table. It is read from argv and not from
// parsed flags, because errors of the parser are printed in it too.

import { RonError } from '../errors.ts';
import { FORMATS, type Format } from '../ui/structured.ts';

const isFormat = (text: string | undefined): text is Format => FORMATS.some((format) => format === text);

/** The format that argv names; undefined when it names none, or nonsense (the parser refuses that). */
export function formatOfArgv(argv: readonly string[]): Format | undefined {
  const end = argv.indexOf('--');
  const flags = end === -1 ? argv : argv.slice(0, end);
  if (flags.includes('--json')) return 'json';
  for (const [index, word] of flags.entries()) {
    const value = word === '-o' || word === '--output' ? flags[index + 1] : /^(?:--output=|-o)(.+)$/.exec(word)?.[1];
    if (isFormat(value)) return value;
  }
  return undefined;
}

/** RONCTL_OUTPUT; InvalidValue when it is set to nonsense. */
export function formatOfVariable(value: string | undefined): Format | undefined {
  if (value === undefined || value === '' || isFormat(value)) return value === '' ? undefined : value;
  throw new RonError(
    'InvalidValue',
    `RONCTL_OUTPUT: one of ${FORMATS.join(', ')} is expected, not ${JSON.stringify(value)}`,
    {
      field: 'RONCTL_OUTPUT',
    },
  );
}
