// `ronctl signer restore` for people.

import type { SignerRestoreResult } from '../../operations/signer/restore.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { summaryRows } from './summary.ts';

export function signerRestoreView({ id, signer }: SignerRestoreResult): TextModel {
  if (signer === null)
    return [line(`the backup opens and signer ${id} can be restored; nothing was written (dry run)`)];
  return [
    line(`signer ${id} restored`, 'strong'),
    fields([...summaryRows(signer), ['bundle', signer.file]]),
    line(`It signs nothing until: ronctl signer resync REQUEST --signer ${id}`, 'warn'),
  ];
}
