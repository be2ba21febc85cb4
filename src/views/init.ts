// `ronctl init` for people.

import type { InitResult } from '../operations/init.ts';
import { fields, line, type TextModel } from '../ui/text-model.ts';

export function initView({ home, profile, store }: InitResult): TextModel {
  if (store === null) return [line(`a ${profile} store can be made in ${home}; nothing was written (dry run)`)];
  return [
    line(`custody store made in ${home}`, 'strong'),
    fields([
      ['profile', profile],
      ['store', store.store_id],
      ['audit log', store.log.origin],
      ['checkpoint', `size ${store.log.size}, root ${store.log.root}`],
    ]),
    line('Ungoverned until a genesis is adopted: ronctl governance init --members ... --threshold N', 'dim'),
  ];
}
