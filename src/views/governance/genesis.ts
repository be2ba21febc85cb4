// `ronctl governance init` and `trust` for people: what was drafted, signed, adopted or pinned, with the 12 words.

import type { GenesisResult } from '../../operations/governance/genesis-result.ts';
import type { TrustResult } from '../../operations/governance/trust.ts';
import { type Block, fields, line, type TextModel, table } from '../../ui/text-model.ts';
import { wordsText } from './proposal.ts';

function body(of: Omit<GenesisResult, 'status'>): Block[] {
  const people = [...of.members, ...(of.auditor === null ? [] : [of.auditor])];
  return [
    fields([
      ['ledger', `${of.ledger_id} (${of.name}, ${of.profile})`, 'strong'],
      ['words', wordsText(of.words), 'strong'],
      ['genesis digest', of.genesis_digest],
      ['store', of.store_id],
      ['threshold', `${of.threshold} of ${of.members.length}`],
      ...(of.supersedes === null ? [] : ([['supersedes', of.supersedes]] as const)),
    ]),
    table(
      ['signer', 'role', 'signed'],
      people.map((one) => [one.id, one.role, one.signed ? 'yes' : 'no']),
    ),
  ];
}

export function genesisView(result: GenesisResult, out: string | null): TextModel {
  const missing = result.missing.filter((id) => id !== 'service' && id !== 'log');
  const next =
    result.status === 'adopted'
      ? [line('adopted and pinned: from now on every sensitive change needs its quorum', 'good')]
      : [
          line(out === null ? 'draft' : `written to ${out}`),
          line(
            missing.length === 0
              ? `complete; next: ronctl governance init --adopt ${out ?? 'FILE'}`
              : `not signed yet by ${missing.join(', ')}; each: ronctl governance init --sign ${out ?? 'FILE'} --signer ID --out FILE`,
            'dim',
          ),
        ];
  return [...body(result), ...next];
}

export function trustView(result: TrustResult): TextModel {
  return [
    ...body(result),
    line(result.pin === 'pinned' ? 'pinned in this home' : `pinned already, since ${result.pinned_at}`, 'good'),
  ];
}
