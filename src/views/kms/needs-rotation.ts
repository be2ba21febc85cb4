// `ronctl kms needs-rotation` for people.

import type { NeedsRotationResult } from '../../kms/ports.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { seconds, trustBlocks } from './key.ts';

const ANSWER = { yes: 'needs rotation', no: 'needs no rotation yet', unknown: 'cannot be told here' } as const;

export function needsRotationView(result: NeedsRotationResult): TextModel {
  return [
    fields([
      ['key', result.kid, 'strong'],
      ['created', seconds(result.created_at)],
      ['age', result.age_days === null ? '-' : `${result.age_days} d`],
      ['limit', `${result.limit_days} d`],
    ]),
    line(
      `${ANSWER[result.answer]}${result.reason === undefined ? '' : `: ${result.reason}`}`,
      result.answer === 'no' ? 'good' : 'warn',
    ),
    ...trustBlocks(result.trust),
  ];
}
