// `ronctl store backup` for people.

import type { StoreBackupResult } from '../../operations/store/backup.ts';
import { line, type TextModel } from '../../ui/text-model.ts';

export function storeBackupView({ out, dry_run: dryRun, files, head }: StoreBackupResult): TextModel {
  if (dryRun) return [line(`a backup can be written to ${out}; nothing was written (dry run)`)];
  return [
    line(`${files} files written to ${out}`, 'strong'),
    line(head === null ? 'no checkpoint is in it' : `newest checkpoint in it: size ${head.size} of ${head.origin}`),
    line('It opens with the passphrase of this moment. Signer stores are not in it: ronctl signer backup.', 'dim'),
  ];
}
