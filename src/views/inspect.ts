// `ronctl inspect` for people: what it is, its fingerprint, members, signatures, checks, and what stays open.

import type { InspectResult } from '../operations/inspect.ts';
import { type Block, blank, fields, line, list, section, type TextModel, type Tone, table } from '../ui/text-model.ts';

const VERDICT_TONE: Readonly<Record<InspectResult['verdict'], Tone>> = {
  'nothing invalid': 'good',
  'something invalid': 'bad',
  'key unknown': 'warn',
};

/** Not signed themselves: digest and words are those of the proposal inside. */
const INNER: ReadonlySet<InspectResult['kind']> = new Set(['request', 'proof']);

function head(result: InspectResult): Block {
  const rows: [string, string][] = [['kind', `${result.kind}, version ${result.version}`]];
  if (result.type !== null) rows.push(['type', result.type]);
  rows.push(['size', `${result.size_bytes} bytes`]);
  if (result.digest !== null) rows.push([INNER.has(result.kind) ? 'digest of the proposal' : 'digest', result.digest]);
  if (result.words !== null) {
    rows.push(['words', [0, 4, 8].map((from) => result.words!.slice(from, from + 4).join(' ')).join('\n')]);
  }
  return fields(rows);
}

function signatures(result: InspectResult): Block[] {
  if (result.signatures.length === 0) return [];
  const nested = result.signatures.some((one) => one.object !== '');
  const rows = result.signatures.map((one) => [
    ...(nested ? [one.object] : []),
    one.keyid,
    one.verdict,
    one.key_from ?? '',
  ]);
  return [
    blank,
    section('Signatures', [table([...(nested ? ['object'] : []), 'key id', 'verdict', 'key from'], rows)]),
  ];
}

export function inspectView(result: InspectResult): TextModel {
  const checks = result.checks.map(
    (one) => `${one.ok ? 'ok' : 'WRONG'}: ${one.what}${one.found === undefined ? '' : `: ${one.found}`}`,
  );
  return [
    line(result.file, 'strong'),
    head(result),
    ...(result.members.length === 0
      ? []
      : [blank, section('Members', [fields(result.members.map((one) => [one.name, one.value] as const))])]),
    ...signatures(result),
    ...(checks.length === 0 ? [] : [blank, section('Checked', [list(checks)])]),
    ...(result.unchecked.length === 0 ? [] : [blank, section('Not checked', [list(result.unchecked)])]),
    blank,
    line(`verdict: ${result.verdict}`, VERDICT_TONE[result.verdict]),
  ];
}
