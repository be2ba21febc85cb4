// `ronctl kms continuity` for people.

import type { ContinuityResult } from '../../kms/ports.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { trustBlocks } from './key.ts';

export function continuityView(result: ContinuityResult): TextModel {
  const { reason, other_digest: other } = result;
  return [
    fields([
      ['from', result.old_kid],
      ['to', result.new_kid, 'strong'],
      ['statement', result.digest === '' ? '-' : result.digest],
      ...(other === undefined ? [] : ([['in the log', other, 'bad']] as const)),
      ['attested by', result.attested_by],
    ]),
    line(
      `${result.verdict}${reason === undefined ? '' : `: ${reason}`}`,
      result.verdict === 'valid' ? 'good' : result.verdict === 'tampered' ? 'bad' : 'warn',
    ),
    ...trustBlocks(result.trust),
  ];
}
