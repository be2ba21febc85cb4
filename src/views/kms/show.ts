// `ronctl kms show` for people.

import type { KmsShowResult } from '../../operations/kms/show.ts';
import { section, type TextModel } from '../../ui/text-model.ts';
import { keyFields, publicKeyTable, trustBlocks, versionTable } from './key.ts';

export function showView({ key, trust }: KmsShowResult): TextModel {
  return [
    keyFields(key),
    section('Versions', [versionTable(key.versions)]),
    section('Public keys', [publicKeyTable(key.versions)]),
    ...trustBlocks(trust),
  ];
}
