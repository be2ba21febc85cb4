// `ronctl governance export`, `import`, `verify`, `diff`, `tune` for people.

import type { DiffResult } from '../../operations/governance/diff.ts';
import type { ExportResult, ImportResult } from '../../operations/governance/export.ts';
import type { TunedResult } from '../../operations/governance/tune.ts';
import type { VerifyResult } from '../../operations/governance/verify.ts';
import { type Block, fields, line, list, section, type TextModel, table } from '../../ui/text-model.ts';
import { valueText } from '../policy/value.ts';

export function exportView(result: ExportResult, out: string): TextModel {
  return [
    line(`${result.what} of ${result.id} written to ${out}`, 'good'),
    fields([
      ['digest', result.proposal_digest],
      ['size', `${result.bytes} bytes`],
      ['statements', String(result.statements)],
    ]),
  ];
}

export function importView(result: ImportResult): TextModel {
  return [
    table(
      ['file', 'type', 'purpose', 'by', 'proposal'],
      result.imported.map((one) => [one.from, one.type, one.purpose, one.by, one.proposal_id ?? '']),
    ),
    line(
      result.ingested
        ? `ingested${result.submitted_to === undefined ? '' : ` by ${result.submitted_to}`}`
        : `in the inbox${result.submitted_to === undefined ? '' : ` of ${result.submitted_to}`}; they count once ingested: ronctl governance ingest`,
      'dim',
    ),
  ];
}

export function verifyView(result: VerifyResult): TextModel {
  const tone = result.verdict === 'consistent' ? 'good' : result.verdict === 'tampered' ? 'bad' : 'warn';
  return [
    line(`${result.what}: ${result.verdict}`, tone),
    table(
      ['result', 'predicate', 'detail'],
      result.predicates.map((one) => [one.result, one.name, one.why ?? '']),
    ),
    ...(result.unsaid.length === 0 ? [] : [section('this does not say', [list(result.unsaid)])]),
  ];
}

export function diffView(result: DiffResult): TextModel {
  const set = (label: string, of: NonNullable<DiffResult['signer_set']>['before']): [string, string] => [
    label,
    `epoch ${of.epoch}, ${of.threshold} of ${of.members.length}: ${of.members.map((one) => `${one.id} (${one.role})`).join(', ')}`,
  ];
  const sets: Block[] =
    result.signer_set === null
      ? []
      : [fields([set('old signer set', result.signer_set.before), set('new signer set', result.signer_set.after)])];
  return [
    table(
      ['key', 'before', 'after'],
      result.changes.map((one) => [one.key, valueText(one.before), valueText(one.after)]),
    ),
    ...sets,
    fields([
      ['scope', result.scope],
      ...(result.action === null ? [] : ([['action', result.action]] as const)),
      ['state now', result.state_before],
      ['state after', result.state_after ?? '-'],
      ['proposal says', result.expected_state_hash],
    ]),
    line(result.fits ? 'it fits the present state' : `it does not fit: ${result.reason}`, result.fits ? 'good' : 'bad'),
  ];
}

export function tuneView(result: TunedResult): TextModel {
  return [
    line(`${result.scope}: ${result.key} tuned from ${result.from} to ${result.to}`, 'good'),
    fields([['room', `${result.min} to ${result.max}, approved ${result.baseline}`]]),
  ];
}
