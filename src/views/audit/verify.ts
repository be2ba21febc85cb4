// `ronctl audit verify` for people: the verdict first, what was covered, then every finding with its record.

import type { AuditVerifyResult, EpochSummary } from '../../operations/audit/verify.ts';
import { type Block, blank, fields, line, section, type TextModel, type Tone, table } from '../../ui/text-model.ts';

const TONE: Readonly<Record<AuditVerifyResult['verdict'], Tone>> = {
  consistent: 'good',
  inconclusive: 'warn',
  tampered: 'bad',
};

const NOTE: Readonly<Record<AuditVerifyResult['kind'], string>> = {
  home: '',
  server: '',
  copy: ' (a copy)',
  tlog: ' (an export, tlog-tiles)',
};

function epoch(one: EpochSummary): Block {
  const newest = one.checkpoint;
  const rows: [string, string][] = [
    ['log', one.origin],
    ['records', String(one.records)],
    ['checkpoints', String(one.checkpoints)],
    ['newest checkpoint', newest === null ? 'none' : `size ${newest.size}, ${newest.time}`],
  ];
  if (newest !== null) rows.push(['root', newest.root]);
  if (one.remembered !== null) rows.push(['remembered', `size ${one.remembered.size}`]);
  const torn = one.torn_bytes === 0 ? '' : `, and ${one.torn_bytes} bytes of an unfinished line`;
  rows.push(['unsigned tail', `${one.unsigned_tail} records${torn}`]);
  return fields(rows);
}

export function auditVerifyView(result: AuditVerifyResult): TextModel {
  const where = result.first_index === null ? '' : `, first at record ${result.first_index}`;
  const out: Block[] = [
    line(`${result.verdict}${where}`, TONE[result.verdict]),
    fields([
      [result.kind === 'server' ? 'server' : 'directory', `${result.target}${NOTE[result.kind]}`],
      ['keys', result.trust],
      ['checked', checked(result)],
    ]),
    ...result.epochs.flatMap((one) => [blank, epoch(one)]),
  ];
  if (result.findings.length > 0) {
    const many = result.epochs.length > 1;
    const rows = result.findings.map((one) => [
      ...(many ? [String(one.epoch)] : []),
      one.code,
      one.index === undefined ? '' : String(one.index),
      one.file === undefined ? '' : `${one.file}${one.offset === undefined ? '' : `:${one.offset}`}`,
      one.message,
    ]);
    const head = [...(many ? ['epoch'] : []), 'finding', 'record', 'file', 'what'];
    out.push(blank, section('Findings', [table(head, rows)]));
    const more = result.findings_total - result.findings.length;
    if (more > 0) out.push(line(`and ${more} more`, 'dim'));
  }
  if (result.evidence !== null) out.push(blank, line(`both notes are kept in ${result.evidence}`, 'strong'));
  return out;
}

function checked(result: AuditVerifyResult): string {
  const parts = ['hashes, links, tree, tiles, checkpoints'];
  parts.push(result.semantic ? 'meaning of every record' : 'NOT the meaning of the records (--fast)');
  if (result.head_checked) parts.push('authenticated head');
  return parts.join('; ');
}
