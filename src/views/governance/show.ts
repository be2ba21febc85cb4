// `ronctl governance show` for people.

import type { ShowResult } from '../../operations/governance/show.ts';
import type { TextModel } from '../../ui/text-model.ts';
import { proposalView, waitingList } from './proposal.ts';

export function showView(result: ShowResult): TextModel {
  return [...proposalView(result), ...waitingList(result.waiting)];
}
