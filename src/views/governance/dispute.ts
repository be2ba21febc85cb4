// `ronctl governance dispute` for people.

import type { DisputeResult } from '../../operations/governance/dispute.ts';
import { fields, line, type TextModel, table } from '../../ui/text-model.ts';

export function disputeView(result: DisputeResult, dryRun: boolean): TextModel {
  const there = result.submitted_to;
  const state = result.ingested
    ? `ingested${there === undefined ? '' : ` by ${there}`}: the records are shown as disputed`
    : `${there === undefined ? '' : `handed to ${there}; `}the records are shown as disputed once it is ingested`;
  return [
    line(`${result.dispute_id} ${dryRun ? 'would be signed' : 'signed'} by ${result.claimant}`, 'good'),
    fields([
      ['ledger', result.ledger_id],
      ['text (SHA-256)', result.text_sha256],
      ['file', result.file],
    ]),
    table(
      ['record', 'op', 'leaf'],
      result.records.map((one) => [String(one.index), one.op, one.leaf]),
    ),
    ...(dryRun ? [] : [line(state, result.ingested ? 'good' : 'plain'), line(`next: ${result.next}`, 'dim')]),
  ];
}
