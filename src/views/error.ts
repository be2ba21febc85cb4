// An error for people (cli rule 3): what happened, and the next thing to type. Prints a fixed list of members.

import { ERROR_CODES, type RonError } from '../errors.ts';
import { fields, line, type TextModel } from '../ui/text-model.ts';

const WHO = { operator: 'error', bug: 'bug', cancelled: 'stopped', external: 'failed' } as const;

export function errorView(error: RonError): TextModel {
  return [
    line(`ronctl: ${WHO[error.kind]} ${error.code}: ${error.message}`, error.kind === 'cancelled' ? 'plain' : 'bad'),
    fields([
      ...(error.field === undefined ? [] : [['  at', error.field] as const]),
      ['  next', error.hint ?? ERROR_CODES[error.code].next],
      ['  more', `ronctl explain ${error.code}`],
    ]),
  ];
}
