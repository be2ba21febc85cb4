// `ronctl store passphrase` for people.

import type { StorePassphraseResult } from '../../operations/store/passphrase.ts';
import { line, type TextModel } from '../../ui/text-model.ts';

export function storePassphraseView({ audit }: StorePassphraseResult): TextModel {
  if (audit === null) return [line('the passphrase can be changed; nothing was written (dry run)')];
  return [
    line(`the store opens with the new passphrase (record ${audit.index})`, 'strong'),
    line('Backups made before still open with the old one.', 'warn'),
  ];
}
