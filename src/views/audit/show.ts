// `ronctl audit show` for people: the members of one record, its hash and its place in the tree.

import type { AuditShowResult } from '../../operations/audit/show.ts';
import { type Block, blank, fields, line, section, type TextModel } from '../../ui/text-model.ts';

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export function auditShowView(result: AuditShowResult): TextModel {
  const { checkpoint } = result;
  const place =
    checkpoint === null || !result.signed
      ? 'not under a verified checkpoint'
      : `proved under the checkpoint of size ${checkpoint.size}, ${checkpoint.time}`;
  const out: Block[] = [
    line(`record ${result.index} of ${result.origin}`, 'strong'),
    fields(Object.entries(result.record).map(([name, value]) => [name, text(value)] as const)),
    blank,
    fields([
      ['leaf', result.leaf],
      ['signed', place, result.signed ? 'good' : 'warn'],
      ['trust', result.trust],
    ]),
  ];
  if (result.proof.length > 0)
    out.push(
      section(
        'Inclusion proof',
        result.proof.map((hash) => line(hash)),
      ),
    );
  return out;
}
