// `ronctl governance propose` for people: the stored defaults are shown with the rest.

import type { ProposeResult } from '../../operations/governance/propose.ts';
import { line, type TextModel } from '../../ui/text-model.ts';
import { proposalView } from './proposal.ts';

export function proposeView(result: ProposeResult, out: string | null, dryRun: boolean): TextModel {
  const { proposal } = result;
  const written = dryRun ? 'would be written' : 'written';
  const where =
    result.status === 'draft'
      ? [line(`draft ${written} to ${out ?? '-'}: evidence is missing and this profile demands it`, 'warn')]
      : [
          line(
            result.ingested
              ? `${result.submitted_to === undefined ? `${result.file} ingested` : `ingested by ${result.submitted_to}`}: it is open`
              : `${written} to ${result.submitted_to ?? result.file}; it counts once ingested, at the latest ${proposal.decide_by}`,
          ),
          ...(out === null ? [] : [line(`copy ${written} to ${out}`)]),
        ];
  return [
    ...proposalView(proposal),
    ...(result.recomputed.length === 0
      ? []
      : [line(`recomputed since the draft: ${result.recomputed.join(', ')}`, 'warn')]),
    ...where,
    ...(dryRun ? [] : [line(`next: ${result.next}`, 'dim')]),
  ];
}
