// `ronctl kms wrap` for people.

import type { KmsWrapResult } from '../../operations/kms/wrap.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { dryRunBlocks } from './key.ts';

/** `written`: the file that holds the envelope. */
export function wrapView(result: KmsWrapResult, written: string | null): TextModel {
  const rows: (readonly [string, string])[] = [
    ['key', result.kid],
    ['suite', String(result.suite)],
    ['wrapped', `${result.size_bytes} bytes`],
    ['operation', result.op_id],
  ];
  if (written !== null) rows.push(['envelope', written]);
  else if (result.envelope !== null) rows.push(['envelope (base64url)', result.envelope]);
  return [line(result.dry_run ? 'would wrap' : 'wrapped', 'good'), fields(rows), ...dryRunBlocks(result.dry_run)];
}
