// `ronctl kms retire` for people: what the proposal would end for ever.

import type { KmsRetireResult } from '../../operations/kms/retire.ts';
import { type Block, fields, line, list, section, type TextModel } from '../../ui/text-model.ts';
import { wordsText } from '../governance/proposal.ts';
import { dryRunBlocks } from './key.ts';

export function retireView(result: KmsRetireResult): TextModel {
  const warning: Block[] = [line('IRREVERSIBLE: the private halves of these versions will be gone.', 'bad')];
  if (result.loses_envelopes) warning.push(line('No envelope that was wrapped for them opens again.', 'bad'));
  return [
    ...warning,
    section('Versions', [list(result.versions)]),
    fields([
      ['proposal', result.proposal.id, 'strong'],
      ['digest', result.proposal.digest],
      ['words', wordsText(result.proposal.words)],
      ...(result.file === null ? [] : ([['file', result.file]] as const)),
    ]),
    line('Signatures that were made stay checkable. Backups still hold the sealed record.'),
    ...(result.dry_run ? dryRunBlocks(true) : [line(`next: ${result.next}`)]),
  ];
}
