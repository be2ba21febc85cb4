// `ronctl audit check-proof` for people: what was proved, under which keys, and the record.

import type { AuditCheckProofResult } from '../../operations/audit/check-proof.ts';
import { type Block, blank, fields, line, type TextModel } from '../../ui/text-model.ts';

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export function auditCheckProofView(result: AuditCheckProofResult): TextModel {
  const { checkpoint, old, record } = result;
  const what =
    old === null
      ? `proved: record ${result.index} is in the signed log`
      : `proved: the log of ${checkpoint.size} records extends that of ${old.size}`;
  const out: Block[] = [
    line(what, 'good'),
    fields([
      ['log', result.origin],
      ['checkpoint', `size ${checkpoint.size}, ${checkpoint.time}`],
      ['root', checkpoint.root],
      ...(old === null ? [] : ([['older', `size ${old.size}, ${old.time} (${result.old_from})`]] as const)),
      ...(result.leaf === null ? [] : ([['leaf', result.leaf]] as const)),
      ['signatures', 'Ed25519 and ML-DSA-44 of the log'],
      ['keys', result.trust],
      ...(result.quorum === null
        ? []
        : ([['witnesses', result.quorum.cosigned.map((one) => one.witness).join(', ') || 'none wanted']] as const)),
    ]),
  ];
  if (record !== null) {
    out.push(blank, fields(Object.entries(record).map(([name, value]) => [name, text(value)] as const)));
    if (result.known === false) out.push(line('written by a newer ronctl: shown as it is', 'warn'));
  }
  return out;
}
