// `ronctl audit archive` for people.

import type { AuditArchiveResult } from '../../operations/audit/archive.ts';
import { line, type TextModel, table } from '../../ui/text-model.ts';

export function auditArchiveView(result: AuditArchiveResult): TextModel {
  const { segments, finished, records, archive, dry_run: dryRun, origin, waiting_for: waitingFor } = result;
  const waiting = waitingFor.map(({ sink, next }) =>
    line(`the sink ${sink} has not taken record ${next} and on yet: what it needs stays`, 'warn'),
  );
  const numbers = [...finished, ...segments.map((one) => one.n)].sort((a, b) => a - b);
  if (dryRun) {
    return [
      line(`${records} records in the segments ${numbers.join(', ')} can be archived; nothing was written (dry run)`),
      ...waiting,
    ];
  }
  const rows = segments.map(({ n, bytes, sha256 }) => [String(n), String(bytes), sha256 ?? '']);
  return [
    line(`${records} records of ${origin} archived to ${archive}`, 'strong'),
    ...(rows.length === 0 ? [] : [table(['segment', 'bytes', 'sha-256'], rows)]),
    ...waiting,
    line(`verify with: ronctl audit verify --archive ${archive}`, 'dim'),
  ];
}
