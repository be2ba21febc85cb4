// `ronctl kms sign` for people. Without --out the bundle itself is the text, so that it can be piped.

import type { KmsSignResult } from '../../operations/kms/sign.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { dryRunBlocks } from './key.ts';

/** `written`: the file that holds the bundle. */
export function signView(result: KmsSignResult, written: string | null): TextModel {
  const about = fields([
    ['key', result.kid, 'strong'],
    ['algorithms', result.algs],
    ['payload (BLAKE3)', result.payload_b3],
    ['operation', result.op_id],
    ['audit record', result.audit === null ? '-' : String(result.audit.index)],
    ...(written === null ? [] : ([['bundle', written]] as const)),
  ]);
  return [line(result.dry_run ? 'would sign' : 'signed', 'good'), about, ...dryRunBlocks(result.dry_run)];
}
