// `ronctl signer rotate` for people.

import type { SignerRotateResult } from '../../operations/signer/rotate.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { summaryRows } from './summary.ts';

export function signerRotateView({ id, signer, pairs }: SignerRotateResult): TextModel {
  if (signer === null) return [line(`signer ${id} can be rotated; nothing was written (dry run)`)];
  return [
    line(`signer ${id} has new keys (pair ${pairs})`, 'strong'),
    fields(summaryRows(signer)),
    line('The old pair goes on signing until a signer-set change that names the new one is executed:', 'dim'),
    line(`ronctl signer export ${id} --out ${id}.signer.json`, 'dim'),
  ];
}
