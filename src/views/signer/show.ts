// `ronctl signer show` for people.

import type { SignerShowResult } from '../../operations/signer/show.ts';
import { fields, type TextModel } from '../../ui/text-model.ts';
import { summaryRows } from './summary.ts';

export function signerShowView(result: SignerShowResult): TextModel {
  return [
    fields([
      ...summaryRows(result),
      ['ed25519', result.keys.ed25519],
      ['ml-dsa-65', `${result.keys.ml_dsa_65.slice(0, 43)}... (1952 bytes)`],
      ['bundle', result.file],
    ]),
  ];
}
