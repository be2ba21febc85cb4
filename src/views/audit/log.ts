// `ronctl audit log` for people: one line per record, newest first.

import type { AuditLogResult } from '../../operations/audit/log.ts';
import { type Block, line, type TextModel, table } from '../../ui/text-model.ts';

const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';

export function auditLogView(result: AuditLogResult): TextModel {
  const rows = result.records.map(({ index, signed, record, disputed }) => [
    String(index),
    text(record['ts']).replace(/\.\d{3}Z$/, 'Z'),
    text(record['op']),
    text(record['kid']) || text(record['tenant']),
    text(record['actor']),
    text(record['result']),
    [...(signed ? [] : ['unsigned']), ...(disputed === true ? ['DISPUTED'] : [])].join(', '),
  ]);
  const out: Block[] = [table(['record', 'time', 'op', 'subject', 'actor', 'result', ''], rows)];
  const tail = result.unsigned_tail === 0 ? '' : `, ${result.unsigned_tail} of them behind the newest checkpoint`;
  const left = result.left_out === 0 ? '' : `; ${result.left_out} older ones left out (--limit)`;
  out.push(line(`${result.origin}: ${result.records_total} records${tail}${left}; trust ${result.trust}`, 'dim'));
  return out;
}
