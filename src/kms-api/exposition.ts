// The Prometheus text format 0.0.4, written and read: one HELP and TYPE for each family, then its samples. The reader takes
// what the writer makes (and what other exporters make of the same format, without timestamps); it refuses lines that are no
// sample (Malformed), because figures of a page that was cut off would be silently too small.

import { RonError } from '../errors.ts';
import type { Alias, Labels, MetricRow } from './metric-row.ts';

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  /** Upper bounds without +Inf. */
  readonly bounds: readonly number[];
  /** Not added up; the last one is beyond every bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface Family {
  readonly row: MetricRow;
  readonly samples: readonly Sample[];
  readonly histograms: readonly HistogramSample[];
}

const escapeValue = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

function number(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}

function braces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const head = (name: string, row: MetricRow): string[] => [
  `# HELP ${name} ${escapeHelp(row.help)}`,
  `# TYPE ${name} ${row.type}`,
];

function histogramLines(name: string, of: HistogramSample): string[] {
  let total = 0;
  const lines = of.counts.map((count, index) => {
    total += count;
    return `${name}_bucket${braces({ ...of.labels, le: number(of.bounds[index] ?? Number.POSITIVE_INFINITY) })} ${total}`;
  });
  return [...lines, `${name}_sum${braces(of.labels)} ${number(of.sum)}`, `${name}_count${braces(of.labels)} ${total}`];
}

/** The samples of a family as they appear under another name; equal ones are added up. */
export function aliasSamples(alias: Alias, samples: readonly Sample[]): readonly Sample[] {
  const out = new Map<string, Sample>();
  for (const { labels, value } of samples) {
    if (Object.entries(alias.when ?? {}).some(([name, wanted]) => labels[name] !== wanted)) continue;
    const kept = Object.fromEntries(Object.entries(labels).filter(([name]) => !(alias.drop ?? []).includes(name)));
    const key = braces(kept);
    out.set(key, { labels: kept, value: value + (out.get(key)?.value ?? 0) });
  }
  return [...out.values()];
}

/** The whole page, with a final LF. Families in the given order, each followed by its other names. */
export function exposition(families: readonly Family[]): string {
  const lines: string[] = [];
  for (const { row, samples, histograms } of families) {
    lines.push(...head(row.name, row));
    for (const one of samples) lines.push(`${row.name}${braces(one.labels)} ${number(one.value)}`);
    for (const one of histograms) lines.push(...histogramLines(row.name, one));
    for (const alias of row.aliases ?? []) {
      lines.push(...head(alias.name, row));
      for (const one of aliasSamples(alias, samples))
        lines.push(`${alias.name}${braces(one.labels)} ${number(one.value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const UNESCAPED: Readonly<Record<string, string>> = { '\\\\': '\\', '\\n': '\n', '\\"': '"' };
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const PAIR = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(,|$)/s;

function parseLabels(text: string): Labels | null {
  const out: Record<string, string> = {};
  for (let rest = text; rest !== ''; ) {
    const pair = PAIR.exec(rest);
    if (pair === null || Object.hasOwn(out, pair[1]!)) return null;
    out[pair[1]!] = pair[2]!.replaceAll(/\\./gs, (one) => UNESCAPED[one] ?? one);
    rest = rest.slice(pair[0].length);
  }
  return out;
}

function parseNumber(text: string): number {
  if (/^[-+]Inf$/.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^[-+0-9.eE]+$/.test(text) ? Number(text) : Number.NaN;
}

export interface ReadSample extends Sample {
  /** As on the line: `x_bucket`, `x_sum` and `x_count` of a histogram stand for themselves. */
  readonly name: string;
}

/** Every sample of a page. Throws Malformed with the number of the line. */
export function parseExposition(text: string): readonly ReadSample[] {
  const out: ReadSample[] = [];
  if (text !== '' && !text.endsWith('\n')) {
    throw new RonError('Malformed', 'the metrics end in the middle of a line');
  }
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const match = LINE.exec(line);
    const labels = match === null ? null : parseLabels(match[2] ?? '');
    const value = match === null ? Number.NaN : parseNumber(match[3]!);
    if (match === null || labels === null || (Number.isNaN(value) && match[3] !== 'NaN')) {
      throw new RonError('Malformed', `line ${index + 1} of the metrics is no sample`, { field: `line ${index + 1}` });
    }
    out.push({ name: match[1]!, labels, value });
  }
  return out;
}
