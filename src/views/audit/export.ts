// `ronctl audit export` for people: what lies where, and under which checkpoint.

import type { AuditExportResult } from '../../operations/audit/export.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';

const WHAT: Readonly<Record<AuditExportResult['kind'], string>> = {
  tlog: 'tlog-tiles directory',
  native: 'export directory',
  redacted: 'redacted export',
  'ron-audit': 'ron-audit chain, which nobody signs',
};

export function auditExportView(result: AuditExportResult): TextModel {
  const { checkpoint, records } = result;
  const rows: [string, string][] = [
    ['log', result.origin],
    ['out', result.out],
    ['records', records === 0 ? 'none new' : `${records}, ${result.from} to ${result.to - 1}`],
    ['checkpoint', `size ${checkpoint.size}, ${checkpoint.time}`],
    ['root', checkpoint.root],
    ['written', `${result.files_written} files, ${result.bytes_written} bytes`],
  ];
  if (result.redacted !== null) rows.push(['redacted', `${result.redacted} records`]);
  if (result.gaps.length > 0)
    rows.push(['left out', result.gaps.map((gap) => `${gap.from} to ${gap.to - 1}`).join(', ')]);
  rows.push(['keys', result.trust]);
  return [line(WHAT[result.kind], 'good'), fields(rows)];
}
