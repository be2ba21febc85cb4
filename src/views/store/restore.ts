// `ronctl store restore` for people.

import type { StoreRestoreResult } from '../../operations/store/restore.ts';
import { line, type TextModel } from '../../ui/text-model.ts';

export function storeRestoreView({ from, home, dry_run: dryRun, files, head }: StoreRestoreResult): TextModel {
  if (dryRun) return [line(`the ${files} files of ${from} can be restored; nothing was written (dry run)`)];
  return [
    line(`${files} files restored to ${home}`, 'strong'),
    line(head === null ? 'no checkpoint is in it' : `as of checkpoint size ${head.size} of ${head.origin}`),
    line('This store only verifies until a restore-accept has been executed.', 'warn'),
  ];
}
