// `ronctl signer create` for people.

import type { SignerCreateResult } from '../../operations/signer/create.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { summaryRows } from './summary.ts';

export function signerCreateView({ id, signer }: SignerCreateResult): TextModel {
  if (signer === null) return [line(`signer ${id} can be created; nothing was written (dry run)`)];
  return [
    line(`signer ${id} created`, 'strong'),
    fields([...summaryRows(signer), ['bundle', signer.file]]),
    line('Whoever takes this bundle compares the words with you by voice.', 'dim'),
  ];
}
