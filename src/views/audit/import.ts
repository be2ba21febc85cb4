// `ronctl audit import` for people.

import type { AuditImportResult } from '../../operations/audit/import.ts';
import { line, type TextModel } from '../../ui/text-model.ts';

export function auditImportView(result: AuditImportResult): TextModel {
  const { dry_run: dryRun, epochs, kept, ledger, remembered, trust } = result;
  return [
    ...epochs.map(({ origin, size }) => line(`${origin}: verified up to size ${size ?? 0} (${trust})`, 'good')),
    ...kept.map(({ epoch, from, to, fresh }) => {
      const what = dryRun ? 'can be kept (dry run)' : fresh ? 'are kept' : 'were kept before';
      return line(`the lost records ${from} to ${to - 1} of epoch ${epoch} ${what} in audit/e${epoch}/imported`);
    }),
    ...(ledger === null
      ? []
      : [
          line(
            `ledger lines ${ledger.from} to ${ledger.to - 1}, which this home lacked, ${dryRun ? 'can be' : 'are'} brought back`,
          ),
        ]),
    ...(kept.length === 0 && ledger === null ? [line('no range of this log was lost; nothing is kept', 'dim')] : []),
    ...(remembered ? [line('its newest checkpoint is now the one that this home remembers', 'dim')] : []),
  ];
}
