// `ronctl kms unwrap` for people. The key is in the output file, never here.

import type { KmsUnwrapResult } from '../../operations/kms/unwrap.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { dryRunBlocks } from './key.ts';

export function unwrapView(result: KmsUnwrapResult, written: string): TextModel {
  return [
    line(result.dry_run ? 'would unwrap' : 'unwrapped', 'good'),
    fields([
      ['key', result.kid],
      ['suite', String(result.suite)],
      ['operation', result.op_id],
      ...(result.size_bytes === null ? [] : ([['written', `${result.size_bytes} bytes to ${written}`]] as const)),
    ]),
    ...dryRunBlocks(result.dry_run),
  ];
}
