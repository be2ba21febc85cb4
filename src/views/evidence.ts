// `ronctl evidence` for people: where it is, what range it covers, and the digest to hand over.

import type { EvidenceResult } from '../operations/evidence.ts';
import { blank, fields, line, type TextModel } from '../ui/text-model.ts';

export function evidenceView(result: EvidenceResult): TextModel {
  const range = result.logs.map(({ epoch, from, size }) =>
    from === size
      ? `log e${epoch}: none of ${size} records`
      : `log e${epoch}: records ${from} to ${size - 1} of ${size}`,
  );
  return [
    line(`evidence in ${result.out}`, 'strong'),
    fields([
      ['files', `${result.files}, ${result.bytes} bytes`],
      ['since', result.since],
      ['until', result.until],
      ['range', range.length === 0 ? 'no log' : range.join('\n')],
      ['evidence.json', `SHA-256 ${result.sha256}`],
      ['words', [0, 4, 8].map((from) => result.words.slice(from, from + 4).join(' ')).join('\n')],
    ]),
    blank,
    line('No private key was opened. Give the words to the auditor by another way than the files.'),
    line('Check it where the genesis is pinned: ronctl audit verify DIR'),
  ];
}
