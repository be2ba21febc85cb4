// `ronctl governance approve`, `reject`, `retract`, `withdraw` for people.

import { spell } from '../../bytes/time.ts';
import type { VoteResult } from '../../operations/governance/vote.ts';
import { fields, line, type TextModel } from '../../ui/text-model.ts';
import { votesText } from './proposal.ts';

export function voteView(result: VoteResult, dryRun: boolean): TextModel {
  const act = dryRun ? 'would be signed' : 'signed';
  const there = result.submitted_to;
  const state = result.ingested
    ? `ingested${there === undefined ? '' : ` by ${there}`}: it counts`
    : `${there === undefined ? '' : `handed to ${there}; `}counts once ingested, at the latest ${result.counts_until} (in ${spell(result.seconds_left * 1000)})`;
  return [
    line(`${result.purpose} of ${result.proposal_id} ${act} by ${result.signer} (${result.role})`, 'good'),
    fields([
      ['statement', result.statement_digest],
      ...(result.submitted_to === undefined ? [['file', result.file] as const] : []),
      ['before it', votesText(result.votes)],
    ]),
    ...(dryRun ? [] : [line(state, result.ingested ? 'good' : 'plain'), line(`next: ${result.next}`, 'dim')]),
  ];
}
