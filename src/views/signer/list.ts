// `ronctl signer list` for people.

import type { SignerListResult } from '../../operations/signer/list.ts';
import { line, type TextModel, table } from '../../ui/text-model.ts';

export function signerListView({ signers }: SignerListResult): TextModel {
  if (signers.length === 0) return [line('no signer in this home; make one: ronctl signer create ID')];
  return [
    table(
      ['SIGNER', 'WORDS', 'CREATED', 'ROTATED'],
      signers.map((one) => [
        one.id,
        `${one.words.slice(0, 4).join(' ')} ...`,
        one.created_at,
        one.previous === null ? 'no' : 'yes',
      ]),
    ),
  ];
}
