// An identity for people: its id, the digest of its bundle, and the 12 words in three lines of four to compare by voice.

import type { SignerSummary } from '../../operations/signer/summary.ts';

export const wordLines = (words: readonly string[]): string =>
  [0, 4, 8].map((from) => words.slice(from, from + 4).join(' ')).join('\n');

export function summaryRows(signer: SignerSummary): (readonly [string, string])[] {
  return [
    ['signer', signer.id],
    ['digest', signer.digest],
    ['words', wordLines(signer.words)],
    ['created', signer.created_at],
    ...(signer.previous === null ? [] : [['replaces', signer.previous] as const]),
  ];
}
