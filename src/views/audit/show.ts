// `ronctl audit show` for people: the members of one record, its hash and its place in the tree.

import type { AuditShowResult } from '../../operations/audit/show.ts';
import { type Block, blank, fields, line, section, type TextModel } from '../../ui/text-model.ts';

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

function disputed({ disputes }: AuditShowResult): string {
  if (disputes === null) return 'not known: the ledger cannot be read here';
  const said = disputes.map((one) => `${one.id} by ${one.claimant}, ${one.at}, text ${one.text_sha256}`);
  return said.length === 0 ? 'no' : said.join('; ');
}

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
      ['disputed', disputed(result), result.disputed === false ? 'plain' : 'warn'],
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
