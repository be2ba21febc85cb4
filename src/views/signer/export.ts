// `ronctl signer export` for people.

import type { SignerExportResult } from '../../operations/signer/export.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { summaryRows } from './summary.ts';

export function signerExportView(result: SignerExportResult): TextModel {
  return [
    line(result.dry_run ? 'nothing was written (dry run)' : `bundle written to ${result.out}`, 'strong'),
    fields(summaryRows(result)),
    line('Send the file by any way; compare the words by voice.', 'dim'),
  ];
}
