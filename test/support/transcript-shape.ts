// A transcript with everything that differs from run to run replaced by its shape: times, durations, ids, digests, words of
// fingerprints, directories. Columns that these stretch are squeezed.

import { bip39English } from '../../src/envelope/bip39-english.ts';

const WORDS = new Set(bip39English());

/** True for a line of four words of a fingerprint, with or without a label. */
const isWords = (line: string): boolean => {
  const words = line
    .replace(/^(words|digest)\s+/, '')
    .trim()
    .split(/\s+/);
  return words.length === 4 && words.every((word) => WORDS.has(word));
};

const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/\S*ronctl-quickstart-\w+/g, 'DIR'],
  [/\b[0-9a-f]{64}\b/g, 'HEX'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b(gp|gl)-[a-z2-7]{32}\b/g, '$1-ID'],
  [/\b[0-9a-f]{32}\b/g, 'ID'],
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)/g, 'TIME'],
  [/in \d+ h( \d+ min)?/g, 'in DURATION'],
  [/\b\d+\.\d s\b/g, 'N s'],
  [/"(decide_by|expires_at)":\d+/g, '"$1":N'],
  [/\.jsonl:\d+/g, '.jsonl:OFFSET'],
  [/"words":\[[^\]]*\]/g, '"words":[WORDS]'],
  [/local:\d+:\S+/g, 'local:USER'],
  [/ {2,}/g, '  '],
];

export function shapeOfTranscript(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      isWords(line) ? 'WORDS' : SHAPES.reduce((out, [pattern, shape]) => out.replaceAll(pattern, shape), line),
    )
    .join('\n');
}
