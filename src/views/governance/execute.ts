// `ronctl governance execute` and `ingest` for people.

import type { ExecuteResult } from '../../operations/governance/execute.ts';
import type { IngestResult } from '../../operations/governance/ingest.ts';
import { type Block, fields, line, section, type TextModel, table } from '../../ui/text-model.ts';

type File = IngestResult['ingested'][number];

const rows = (files: readonly File[]): string[][] =>
  files.map((one) => [one.type, one.purpose ?? '', one.by ?? '', one.id ?? '', one.name]);
const HEAD = ['type', 'purpose', 'by', 'proposal', 'file'];

const refusedBlock = (refused: IngestResult['refused']): Block[] =>
  refused.length === 0
    ? []
    : [
        section('refused, moved to inbox/refused', [
          table(
            ['file', 'code', 'why'],
            refused.map((one) => [one.name, one.code, one.message]),
          ),
        ]),
      ];

export function executeView(result: ExecuteResult): TextModel {
  const { receipt } = result;
  if (receipt === null) return [line(`${result.id} would be executed now`, 'good'), ...refusedBlock(result.refused)];
  return [
    line(result.replayed ? `${result.id} was executed before; nothing changed now` : `${result.id} executed`, 'good'),
    fields([
      ['receipt', receipt.digest],
      ['judged at', receipt.judged_at],
      ['by', receipt.executed_by],
      ['effects', receipt.effects.map((one) => `${one.n} ${one.effect} (record ${one.index})`).join('\n')],
      ['audit', `${receipt.audit.origin} record ${receipt.audit.index}`],
      ...(result.checkpoint === null
        ? []
        : ([['checkpoint', `size ${result.checkpoint.size}, root ${result.checkpoint.root}`]] as const)),
    ]),
    ...refusedBlock(result.refused),
  ];
}

export function ingestView(result: IngestResult): TextModel {
  const part = (title: string, files: readonly File[]): Block[] =>
    files.length === 0 ? [] : [section(title, [table(HEAD, rows(files))])];
  return [
    line(
      `${result.ingested.length} ingested, ${result.known.length} known, ${result.waiting.length + result.behind.length} waiting, ${result.refused.length} refused`,
    ),
    ...part('ingested', result.ingested),
    ...(result.behind.length === 0
      ? part('waiting for their proposal', result.waiting)
      : [
          section('nothing is taken in because of', [
            table(
              ['by', 'file', 'code', 'why'],
              result.behind.map((one) => [one.by ?? '', one.name, one.code, one.message]),
            ),
          ]),
          ...part('waiting until then', result.waiting),
        ]),
    ...refusedBlock(result.refused),
    fields([
      ['ledger', `line ${result.ledger_seq}`],
      ...(result.checkpoint === null ? [] : ([['checkpoint', `size ${result.checkpoint.size}`]] as const)),
      ...(result.recovered === null ? [] : ([['recovered', result.recovered]] as const)),
    ]),
  ];
}
