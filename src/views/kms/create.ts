// `ronctl kms create` for people.

import type { KmsCreateResult } from '../../operations/kms/create.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { dryRunBlocks, versionTable } from './key.ts';

export function createView(result: KmsCreateResult): TextModel {
  const { key, kid } = result;
  if (key === null) return [line(`would create a key like ${kid}`), ...dryRunBlocks(true)];
  return [
    line(result.replayed ? 'This request was carried out before; its key:' : 'created', 'good'),
    fields([
      ['key', kid, 'strong'],
      ['operation', result.op_id],
      ['audit record', result.audit === null ? '-' : String(result.audit.index)],
    ]),
    versionTable(key.versions),
  ];
}
