// `ronctl kms list` for people.

import type { KmsListResult } from '../../operations/kms/list.ts';
import { type TextModel, table } from '../../ui/text-model.ts';
import { seconds, trustBlocks } from './key.ts';

export function listView({ keys, trust }: KmsListResult): TextModel {
  const rows = keys.map((key) => {
    const head = key.versions.at(-1);
    return [
      key.kid,
      `#v${key.version}`,
      key.state === 'retired' ? 'retired' : (head?.state ?? '-'),
      head?.tracks.join(' + ') ?? '-',
      seconds(head?.created_at ?? null),
    ];
  });
  return [table(['key', 'newest', 'state', 'tracks', 'created'], rows), ...trustBlocks(trust)];
}
