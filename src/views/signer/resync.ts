// `ronctl signer resync` for people.

import type { SignerResyncResult } from '../../operations/signer/resync.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';

export function signerResyncView(result: SignerResyncResult): TextModel {
  return [
    line(
      result.dry_run
        ? 'the request is good; nothing was written (dry run)'
        : `signer ${result.id} knows again what it has seen and signed`,
      'strong',
    ),
    fields([
      ['ledger', `${result.ledger_id}, line ${result.ledger_seq}`],
      ['checkpoint', `size ${result.checkpoint.size} of ${result.checkpoint.origin}`],
      ['own statements', `${result.statements}`],
    ]),
  ];
}
