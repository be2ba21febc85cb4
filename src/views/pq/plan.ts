// `ronctl pq plan` for people: the ladder, one section per proposal, and the lines to paste.

import type { PlanResult, PlanStep } from '../../operations/pq/plan.ts';
import { type Block, blank, fields, line, list, section, type TextModel } from '../../ui/text-model.ts';

const at = (pq: PlanStep['from']): string =>
  pq.percent === 100 ? `phase ${pq.phase} (${pq.mode})` : `phase ${pq.phase} (${pq.mode}) at ${pq.percent} %`;

function stepBlock(step: PlanStep): Block {
  const blocks: Block[] = [
    fields([
      ['keys that move', String(step.keys_moving.length)],
      [
        'versions that lose acceptance',
        String(step.versions_losing.length),
        step.versions_losing.length > 0 ? 'warn' : 'plain',
      ],
      ['rollback clause', step.rollback?.join(', ') ?? 'none'],
      ...(step.window === null
        ? []
        : ([
            ['window', `${step.window.not_before} to ${step.window.not_after}`],
            ['propose from', step.window.propose_from],
          ] as const)),
      ...(step.evidence_required.length === 0 ? [] : ([['evidence', step.evidence_required.join(', ')]] as const)),
    ]),
  ];
  if (step.missing_tracks.length > 0) {
    blocks.push(line('Rotate first; these keys have no post-quantum track:', 'bad'));
    blocks.push(list(step.missing_tracks.map((kid) => `ronctl kms rotate ${kid}`)));
  }
  blocks.push(line(step.propose, 'strong'));
  return section(`Step ${step.n}: ${at(step.from)} to ${at(step.to)}`, blocks);
}

export function planView(result: PlanResult): TextModel {
  const head: Block[] = [line(`${result.scope}: from ${at(result.from)} to ${result.target}`, 'strong')];
  if (!result.tenant_known) head.push(line(`${result.scope} has no key, value or ceiling here.`, 'warn'));
  if (!result.governed) head.push(line('No genesis has been adopted: ronctl governance init comes first.', 'warn'));
  if (result.steps.length === 0) return [...head, line('Nothing to do.', 'good')];
  const order = line('Make each proposal after the one before it was executed: it starts from that state.', 'dim');
  return [...head, blank, ...result.steps.map(stepBlock), blank, order];
}
