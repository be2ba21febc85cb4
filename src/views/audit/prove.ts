// `ronctl audit prove` for people: what the file proves, and the file itself when it went nowhere else.

import type { AuditProveResult } from '../../operations/audit/prove.ts';
import { type Block, blank, fields, line, type TextModel } from '../../ui/text-model.ts';

/** `out`: the file that was written, or null. */
export function auditProveView(result: AuditProveResult, out: string | null): TextModel {
  const { checkpoint } = result;
  const what =
    result.kind === 'inclusion'
      ? `proof of record ${result.index}`
      : `proof that the log of ${checkpoint.size} records extends that of ${result.old_size}`;
  const model: Block[] = [
    line(what, 'good'),
    fields([
      ['log', result.origin],
      ['checkpoint', `size ${checkpoint.size}, ${checkpoint.time}`],
      ['root', checkpoint.root],
      ...(result.leaf === null ? [] : ([['leaf', result.leaf]] as const)),
      ['hashes', String(result.path_length)],
      ['trust', result.trust],
      ...(out === null ? [] : ([['file', out]] as const)),
    ]),
  ];
  if (out === null) model.push(blank, ...noteLines(result.proof));
  return model;
}

/** A text of lines, as it is. */
export const noteLines = (text: string): Block[] =>
  text
    .trimEnd()
    .split('\n')
    .map((one) => (one === '' ? blank : line(one)));
