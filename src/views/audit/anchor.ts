// `ronctl audit anchor` for people: the checkpoint, and what became of the remembered one.

import type { AuditAnchorResult } from '../../operations/audit/anchor.ts';
import { type Block, blank, fields, line, type TextModel } from '../../ui/text-model.ts';
import { noteLines } from './prove.ts';

const OUTCOME: Readonly<Record<NonNullable<AuditAnchorResult['outcome']>, string>> = {
  first: 'now remembered; nothing was remembered of this log before',
  moved: 'now remembered; it extends what was remembered before',
  same: 'the tree that is remembered already',
  older: 'older than what is remembered, and of the same log; nothing was changed',
};

/** `out`: the file that was written, or null. */
export function auditAnchorView(result: AuditAnchorResult, out: string | null): TextModel {
  const { checkpoint, outcome, before } = result;
  const model: Block[] = [
    line(outcome === null ? `checkpoint of size ${checkpoint.size}` : OUTCOME[outcome], 'good'),
    fields([
      ['log', result.origin],
      ['checkpoint', `size ${checkpoint.size}, ${checkpoint.time}`],
      ['root', checkpoint.root],
      ['keys', result.trust],
      ...(before === null ? [] : ([['remembered before', `size ${before.size}, ${before.time}`]] as const)),
      ...(result.proven_by === null
        ? []
        : ([['consistency', result.proven_by === 'log' ? 'from the tiles of the log' : 'from the file']] as const)),
      ...(out === null ? [] : ([['file', out]] as const)),
    ]),
  ];
  if (outcome === null && out === null) model.push(blank, ...noteLines(result.note));
  return model;
}
