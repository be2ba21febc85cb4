// `ronctl signer backup` for people.

import type { SignerBackupResult } from '../../operations/signer/backup.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { summaryRows } from './summary.ts';

export function signerBackupView(result: SignerBackupResult): TextModel {
  const { signer, pairs, out, dry_run: dryRun } = result;
  return [
    line(dryRun ? 'nothing was written (dry run)' : `backup of ${pairs} key pair(s) written to ${out}`, 'strong'),
    fields(summaryRows(signer)),
    line('What was signed is not in it: after a restore, `ronctl signer resync REQUEST` comes first.', 'dim'),
  ];
}
