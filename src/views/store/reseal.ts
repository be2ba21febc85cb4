// `ronctl store reseal` for people.

import type { StoreResealResult } from '../../operations/store/reseal.ts';
import { line, type TextModel } from '../../ui/text-model.ts';

export function storeResealView({ records, new_root: newRoot, audit }: StoreResealResult): TextModel {
  const what = `${records} records${newRoot ? ' under a new root key' : ' under the same root key'}`;
  if (audit === null) return [line(`${what} can be sealed again; nothing was written (dry run)`)];
  return [line(`${what} sealed again (record ${audit.index})`, 'strong')];
}
