// `ronctl audit checkpoint` for people: the note itself, ready to be kept elsewhere.

import type { AuditCheckpointResult } from '../../operations/audit/checkpoint.ts';
import { blank, line, type TextModel } from '../../ui/text-model.ts';

export function auditCheckpointView({ checkpoint }: AuditCheckpointResult): TextModel {
  if (checkpoint === null) return [line('a checkpoint can be signed; nothing was written (dry run)')];
  return [
    line(`checkpoint of size ${checkpoint.size}`, 'good'),
    blank,
    ...checkpoint.note
      .trimEnd()
      .split('\n')
      .map((text) => (text === '' ? blank : line(text))),
  ];
}
