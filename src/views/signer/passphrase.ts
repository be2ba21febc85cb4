// `ronctl signer passphrase` for people.

import type { SignerPassphraseResult } from '../../operations/signer/passphrase.ts';
import { line, type TextModel } from '../../ui/text-model.ts';

export function signerPassphraseView({ id, changed }: SignerPassphraseResult): TextModel {
  if (!changed) return [line(`the passphrase of signer ${id} can be changed; nothing was written (dry run)`)];
  return [
    line(`signer ${id} opens with the new passphrase`, 'strong'),
    line('Copies made before still open with the old one.', 'warn'),
  ];
}
