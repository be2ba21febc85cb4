// `ronctl audit verify` for people: the verdict first, what was covered, then every finding with its record.

import type { RedactedSummary, RonAuditSummary } from '../../operations/audit/verify-file.ts';
import type { AuditVerifyResult, EpochSummary, WitnessSummary } from '../../operations/audit/verify-result.ts';
import { type Block, blank, fields, line, section, type TextModel, type Tone, table } from '../../ui/text-model.ts';
import { quorumBlocks } from './witness.ts';

const TONE: Readonly<Record<AuditVerifyResult['verdict'], Tone>> = {
  consistent: 'good',
  inconclusive: 'warn',
  tampered: 'bad',
};

const WHERE: Readonly<Record<AuditVerifyResult['kind'], string>> = {
  home: 'directory',
  server: 'server',
  copy: 'directory',
  tlog: 'directory',
  export: 'directory',
  sink: 'sink',
  redacted: 'file',
  'ron-audit': 'file',
  checkpoint: 'file',
};

const NOTE: Readonly<Record<AuditVerifyResult['kind'], string>> = {
  home: '',
  server: '',
  copy: ' (a copy)',
  tlog: ' (an export, tlog-tiles)',
  export: ' (an export)',
  sink: ' (records behind its last checkpoint are not final)',
  redacted: ' (a redacted export)',
  'ron-audit': ' (a ron-audit chain)',
  checkpoint: ' (a checkpoint)',
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
  if (one.since !== null)
    rows.push(['read from', `record ${one.since.size} on; before it only tiles, under a kept checkpoint`]);
  rows.push(['compared with', compared(one)]);
  const torn = one.torn_bytes === 0 ? '' : `, and ${one.torn_bytes} bytes of an unfinished line`;
  rows.push(['unsigned tail', `${one.unsigned_tail} records${torn}`]);
  return fields(rows);
}

function checkpointOnly(one: EpochSummary): Block {
  const { checkpoint } = one;
  return fields([
    ['log', one.origin],
    ['checkpoint', checkpoint === null ? 'none that counts' : `size ${checkpoint.size}, ${checkpoint.time}`],
    ...(checkpoint === null ? [] : ([['root', checkpoint.root]] as const)),
    ['compared with', compared(one)],
  ]);
}

function compared({ remembered, anchor }: EpochSummary): string {
  const parts = [
    remembered === null
      ? 'nothing remembered before'
      : `the checkpoint remembered before: size ${remembered.size}, ${remembered.time}`,
  ];
  if (anchor !== null) parts.push(`the anchor: size ${anchor.size}, ${anchor.time}`);
  return parts.join('; ');
}

export function auditVerifyView(result: AuditVerifyResult): TextModel {
  const where = result.first_index === null ? '' : `, first at record ${result.first_index}`;
  const out: Block[] = [
    line(`${result.verdict}${where}`, TONE[result.verdict]),
    fields([
      [WHERE[result.kind], `${result.target}${NOTE[result.kind]}`],
      ['keys', result.trust],
      ['checked', checked(result)],
    ]),
    ...result.epochs.flatMap((one) => [blank, result.kind === 'checkpoint' ? checkpointOnly(one) : epoch(one)]),
  ];
  if (result.ron_audit !== undefined) out.push(blank, ronAudit(result.ron_audit));
  if (result.redacted !== undefined) out.push(blank, ...redacted(result.redacted));
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
  if (result.witnessed !== undefined) out.push(...witnessedBlocks(result.witnessed));
  const last = result.epochs.at(-1);
  if (result.remembered && last?.checkpoint != null && last.checkpoint.size !== last.remembered?.size) {
    out.push(blank, line(`remembered from now on: size ${last.checkpoint.size}`, 'dim'));
  }
  if (result.evidence !== null) out.push(blank, line(`both notes are kept in ${result.evidence}`, 'strong'));
  return out;
}

function ronAudit(chain: RonAuditSummary): Block {
  return fields([
    ['writer', chain.writer_id ?? '-'],
    ['stream', chain.stream ?? '-'],
    ['records', chain.first_seq === null ? '0' : `${chain.records}, seq ${chain.first_seq} to ${chain.last_seq}`],
    ['rule', chain.rule ?? (chain.records === 0 ? '-' : 'none that all records follow')],
    ['head', chain.head ?? '-'],
    ['signed', 'no: nobody signed this chain; whoever writes the file can write all of it, and cut its end', 'warn'],
  ]);
}

function redacted({ whole, redacted: hidden, unproven }: RedactedSummary): Block[] {
  const out: Block[] = [
    fields([
      ['whole', `${whole} records, proved`],
      ['redacted', `${hidden} records, of which only the place is proved`],
    ]),
  ];
  if (unproven.length === 0) return out;
  const rows = unproven.map((one) => [String(one.index), one.redacted.join(', '), JSON.stringify(one.shown)]);
  const title = 'Shown of redacted records: UNPROVEN, whoever redacted them may have written anything';
  const more = hidden - unproven.length;
  const rest = more > 0 ? [line(`and ${more} more, as little proven`, 'dim')] : [];
  return [...out, blank, section(title, [table(['record', 'left out', 'shown'], rows)]), ...rest];
}

function witnessedBlocks({ policy, checkpoint, quorum }: WitnessSummary): Block[] {
  const what = checkpoint === null ? 'nothing' : `size ${checkpoint.size}, ${checkpoint.time}`;
  const met = quorum?.met === true ? 'met' : 'NOT met';
  const blocks = quorum === null ? [] : quorumBlocks(quorum);
  return [
    blank,
    fields([
      ['witness policy', `${policy}: ${met}`],
      ['cosigned', what],
    ]),
    ...blocks,
  ];
}

function checked(result: AuditVerifyResult): string {
  if (result.kind === 'checkpoint') return 'both log signatures; no record was read';
  if (result.kind === 'ron-audit') return 'hashes, links, seq, one writer and stream';
  if (result.kind === 'sink') return 'order, links, tree, checkpoints; meaning of every record';
  if (result.kind === 'redacted') return 'checkpoint, place of every record, meaning of whole ones';
  const parts = ['hashes, links, tree, tiles, checkpoints'];
  parts.push(result.semantic ? 'meaning of every record' : 'NOT the meaning of the records (--fast)');
  if (result.head_checked) parts.push('authenticated head');
  if (result.resumed_segments !== undefined) {
    parts.push(`${result.resumed_segments} segments as an interrupted run left them, by their digest`);
  }
  return parts.join('; ');
}
