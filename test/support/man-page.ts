// Reads the mdoc source of a manual page far enough to compare it with the code: sections, their outermost list items,
// and plain text.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface ManItem {
  /** Arguments of `.It` without macros, e.g. `prev (optional)` gives name `prev`. */
  readonly name: string;
  readonly optional: boolean;
}

export interface ManSection {
  readonly title: string;
  /** Items of every outermost list of the section. */
  readonly items: readonly ManItem[];
  /** First cell of each row of every `.Bl -column` list. */
  readonly rows: readonly (readonly string[])[];
  /** All text, macros removed. */
  readonly text: string;
}

export const manPath = (page: string): string => fileURLToPath(new URL(`../../man/${page}`, import.meta.url));

const MACRO = /^(?:Li|Cm|Ev|Pa|Sy|Em|Ar|Fl|Ns|No|Pq|Ql|Xr|Nm|Dq)$/;

function plain(text: string): string {
  return text
    .split(/\s+/)
    .filter((one) => !MACRO.test(one))
    .join(' ')
    .replaceAll('\\&', '')
    .replaceAll('\\-', '-')
    .trim();
}

export function readManPage(page: string): ReadonlyMap<string, ManSection> {
  const sections = new Map<string, { title: string; items: ManItem[]; rows: string[][]; text: string }>();
  let current: { title: string; items: ManItem[]; rows: string[][]; text: string } | null = null;
  const lists: string[] = [];
  for (const line of readFileSync(manPath(page), 'utf8').split('\n')) {
    if (line.startsWith('.\\"')) continue;
    const [macro, ...rest] = line.split(' ');
    const body = rest.join(' ');
    if (macro === '.Ss' || macro === '.Sh') {
      current = { title: body, items: [], rows: [], text: '' };
      sections.set(body, current);
    } else if (macro === '.Bl') {
      lists.push(rest[0] ?? '');
    } else if (macro === '.El') {
      lists.pop();
    } else if (current !== null) {
      if (macro === '.It' && lists.length === 1) {
        if (lists[0] === '-column') current.rows.push(body.split(/ ?\bTa\b ?/).map(plain));
        else {
          const optional = body.endsWith(' Pq optional');
          for (const name of plain(body.replace(/ Pq optional$/, '')).split(/ ?, /))
            current.items.push({ name, optional });
        }
      }
      current.text += ` ${plain(line.startsWith('.') ? body : line)}`;
    }
  }
  return sections;
}
