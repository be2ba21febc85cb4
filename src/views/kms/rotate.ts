// `ronctl kms rotate` for people.

import type { KmsRotateResult } from '../../operations/kms/rotate.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { dryRunBlocks, versionTable } from './key.ts';

export function rotateView(result: KmsRotateResult): TextModel {
  const { key, kid, previous } = result;
  if (key === null) return [line(`would rotate to ${kid}`), ...dryRunBlocks(true)];
  return [
    line(result.replayed ? 'This request was carried out before; its version:' : 'rotated', 'good'),
    fields([
      ['version', kid, 'strong'],
      ['before', `#v${previous}`],
      ['continuity', result.continuity ?? '-'],
      ['operation', result.op_id],
      ['audit record', result.audit === null ? '-' : String(result.audit.index)],
    ]),
    versionTable(key.versions),
  ];
}
