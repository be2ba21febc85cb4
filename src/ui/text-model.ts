// What a view returns: plain blocks, no escape sequences, no widths. ui/print.ts turns them into lines and escapes every
// text, so that a view cannot forget it (cli rule 10). Meaning never rests on tone (cli rule 2).

export type Tone = 'plain' | 'good' | 'bad' | 'warn' | 'dim' | 'strong';

export type Block =
  | { readonly kind: 'line'; readonly text: string; readonly tone: Tone }
  | { readonly kind: 'blank' }
  | { readonly kind: 'fields'; readonly rows: readonly (readonly [label: string, value: string, tone?: Tone])[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'section'; readonly title: string; readonly blocks: readonly Block[] };

export type TextModel = readonly Block[];

export const line = (text: string, tone: Tone = 'plain'): Block => ({ kind: 'line', text, tone });

export const blank: Block = { kind: 'blank' };

/** Label and value pairs, labels aligned. A value may hold line feeds: each line is aligned under the first. */
export const fields = (rows: readonly (readonly [string, string, Tone?])[]): Block => ({ kind: 'fields', rows });

/** Columns as wide as their widest cell; without rows only `(none)` is printed. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): Block => ({
  kind: 'table',
  head,
  rows,
});

export const list = (items: readonly string[]): Block => ({ kind: 'list', items });

/** A title and indented blocks. */
export const section = (title: string, blocks: readonly Block[]): Block => ({ kind: 'section', title, blocks });
