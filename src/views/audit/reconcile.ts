// `ronctl audit reconcile` for people: the verdict first, what was compared, then the findings as a table.

import type { ReconcileResult } from '../../operations/audit/reconcile.ts';
import { type Block, blank, fields, line, section, type TextModel, table } from '../../ui/text-model.ts';

const TONE = { complete: 'good', undecidable: 'warn', unexplained: 'bad' } as const;

export function auditReconcileView(result: ReconcileResult): TextModel {
  const { counts } = result;
  const out: Block[] = [
    line(result.verdict, TONE[result.verdict]),
    fields([
      ['log', result.target],
      ['keys of the log', result.trust],
      ['compared', `governance ledger, public.json${result.unsealed ? ', sealed manifest' : ''}`],
      ['records', `${counts.records} in ${result.epochs.length} epoch${result.epochs.length === 1 ? '' : 's'}`],
      ['ledger lines', `${counts.ledger_lines}; executed: ${counts.executed}, with effects: ${counts.effects}`],
      ['tunes', String(counts.tunes)],
      ['keys', String(counts.keys)],
      ['capabilities', `${counts.mints} minted`],
    ]),
  ];
  if (result.findings.length > 0) {
    const rows = result.findings.map(({ code, epoch, index, file, message }) => [
      code,
      index === undefined ? '' : `${epoch !== undefined && result.epochs.length > 1 ? `e${epoch}:` : ''}${index}`,
      file ?? '',
      message,
    ]);
    out.push(blank, section('Findings', [table(['finding', 'record', 'file', 'what'], rows)]));
    const more = result.findings_total - result.findings.length;
    if (more > 0) out.push(line(`and ${more} more`, 'dim'));
  }
  return out;
}
