// `ronctl explain` for people: one code in full, several as a table.

import type { ExplainResult } from '../operations/explain.ts';
import { fields, line, type TextModel, table } from '../ui/text-model.ts';

export function explainView({ codes }: ExplainResult): TextModel {
  const [first, ...others] = codes;
  if (first === undefined || others.length > 0) {
    return [
      table(
        ['CODE', 'EXIT', 'HTTP', 'MEANING'],
        codes.map(({ code, exit, http, meaning }) => [code, String(exit), String(http), meaning]),
      ),
    ];
  }
  return [
    line(first.code, 'strong'),
    fields([
      ['meaning', first.meaning],
      ['turn', first.turn],
      ['next', first.next],
      ['exit code', `${first.exit} (${first.exit_meaning})`],
      ['HTTP', String(first.http)],
    ]),
  ];
}
