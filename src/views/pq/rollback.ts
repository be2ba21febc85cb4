// `ronctl pq rollback` for people.

import { spell } from '../../bytes/time.ts';
import type { RollbackResult } from '../../operations/pq/rollback.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';

export function rollbackView(result: RollbackResult): TextModel {
  const done = result.dry_run ? 'would be rolled back' : 'is rolled back';
  return [
    line(`${result.scope} ${done} for ${spell(result.duration_s * 1000)}: ${result.changes.join(', ')}`, 'warn'),
    fields([
      ['until', result.until],
      ['by the clause of', result.proposal_id],
      ['words', result.words.join(' ')],
    ]),
    line(
      'Then the approved phase is in force again. The clause is used up; a second time in 30 days needs a quorum.',
      'dim',
    ),
  ];
}
