// A text model as lines. Every text is escaped here (cli rule 10): what a peer wrote cannot move the cursor, change
// colours, or reorder the line.

import { escapeText } from '../bytes/text.ts';
import type { Block, TextModel, Tone } from './text-model.ts';
import type { Paint } from './theme.ts';
import { type Width, widthFor } from './width.ts';

interface Line {
  readonly text: string;
  readonly tone: Tone;
  /** The first so many UTF-16 units are a label and keep the plain tone. */
  readonly label?: number;
}

function* textsOf(blocks: TextModel): Iterable<string> {
  for (const block of blocks) {
    if (block.kind === 'line') yield block.text;
    else if (block.kind === 'fields') for (const [label, value] of block.rows) yield* [label, value];
    else if (block.kind === 'list') yield* block.items;
    else if (block.kind === 'table') {
      yield* block.head;
      for (const row of block.rows) yield* row;
    } else if (block.kind === 'section') {
      yield block.title;
      yield* textsOf(block.blocks);
    }
  }
}

const pad = (text: string, columns: number, width: Width): string =>
  text + ' '.repeat(Math.max(0, columns - width(text)));

function fieldLines(rows: Extract<Block, { kind: 'fields' }>['rows'], width: Width): Line[] {
  const columns = Math.max(0, ...rows.map(([label]) => width(label)));
  return rows.flatMap(([label, value, tone]) =>
    value.split('\n').map((part, index) => {
      const head = pad(index === 0 ? escapeText(label) : '', columns, width);
      return { text: `${head}  ${escapeText(part)}`.trimEnd(), tone: tone ?? 'plain', label: head.length };
    }),
  );
}

function tableLines({ head, rows }: Extract<Block, { kind: 'table' }>, width: Width): Line[] {
  if (rows.length === 0) return [{ text: '(none)', tone: 'dim' }];
  const cells = [head, ...rows].map((row) => row.map((cell) => escapeText(cell)));
  const columns = head.map((_, column) => Math.max(...cells.map((row) => width(row[column] ?? ''))));
  return cells.map((row, index) => ({
    text: row
      .map((cell, column) => pad(cell, columns[column] ?? 0, width))
      .join('  ')
      .trimEnd(),
    tone: index === 0 ? 'strong' : 'plain',
  }));
}

function blockLines(block: Block, width: Width): Line[] {
  switch (block.kind) {
    case 'line':
      return block.text.split('\n').map((text) => ({ text: escapeText(text), tone: block.tone }));
    case 'blank':
      return [{ text: '', tone: 'plain' }];
    case 'fields':
      return fieldLines(block.rows, width);
    case 'table':
      return tableLines(block, width);
    case 'list':
      return block.items.map((text) => ({ text: `- ${escapeText(text)}`, tone: 'plain' }));
    default:
      return [{ text: escapeText(block.title), tone: 'strong' }, ...lines(block.blocks, width).map(indented)];
  }
}

const indented = ({ text, tone, label }: Line): Line => ({
  text: text === '' ? '' : `  ${text}`,
  tone,
  ...(label === undefined ? {} : { label: label + 2 }),
});

function lines(blocks: TextModel, width: Width): Line[] {
  return blocks.flatMap((block) => blockLines(block, width));
}

/** The text of a model, each line ended by LF; an empty model is an empty text. */
export async function printText(model: TextModel, paint: Paint): Promise<string> {
  const width = await widthFor(textsOf(model));
  return lines(model, width)
    .map(({ text, tone, label }) =>
      label === undefined || tone === 'plain'
        ? `${paint(text, tone)}\n`
        : `${text.slice(0, label)}${paint(text.slice(label), tone)}\n`,
    )
    .join('');
}
