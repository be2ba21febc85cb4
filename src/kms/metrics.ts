// The registry: counts into the table of kms-api/metrics.ts and prints it (OBS-14). A metric, label or value that the table
// does not have throws, also when the caller is right about everything else: a series that no page names is read by nobody.
// Open labels (tenant, status) keep a bounded number of values, later ones count as `other`.

import { exposition, type Family, type Sample } from '../kms-api/exposition.ts';
import {
  bucketsOf,
  type Label,
  type Labels,
  type MetricRow,
  type MetricType,
  zeroSeries,
} from '../kms-api/metric-row.ts';
import { METRIC_ROWS } from '../kms-api/metrics.ts';
import type { Telemetry } from './telemetry.ts';

export type Counting = Pick<Telemetry, 'count' | 'gauge' | 'observe'>;

export interface Metrics extends Counting {
  /** Replaces every series of a metric that is read from the state. */
  replace(metric: string, samples: readonly Sample[]): void;
  /** The value of one series; 0 when it does not exist. For histograms the number of observations. */
  value(metric: string, labels?: Labels): number;
  families(): readonly Family[];
  /** The page of `/metrics`. */
  text(): string;
}

interface Series {
  readonly labels: Labels;
  value: number;
  /** Histograms: counts of the buckets, the last one beyond every bound. */
  readonly counts: number[];
  readonly bounds: readonly number[];
}

interface Held {
  readonly row: MetricRow;
  readonly series: Map<string, Series>;
  /** Values seen of each open label. */
  readonly seen: ReadonlyMap<string, Set<string>>;
}

const SEPARATOR = '\u0000';

function bug(what: string): never {
  throw new TypeError(`metrics: ${what}`);
}

function labelValue(held: Held, label: Label, given: string | undefined): string {
  const { name } = held.row;
  if (given === undefined) bug(`${name} needs the label ${label.name}`);
  if (label.values !== null) {
    if (!label.values.includes(given)) bug(`${name} has no ${label.name} ${JSON.stringify(given)}`);
    return given;
  }
  const seen = held.seen.get(label.name)!;
  if (seen.has(given)) return given;
  if (seen.size >= label.max) return 'other';
  seen.add(given);
  return given;
}

const keyOf = (values: readonly string[]): string => values.map((value) => value + SEPARATOR).join('');

/** The series of labels that were there before, whatever they are: only right ones have one. */
function knownSeries({ row, series }: Held, labels: Labels): Series | undefined {
  if (Object.keys(labels).length !== row.labels.length) return undefined;
  let key = '';
  for (const { name } of row.labels) {
    const value = labels[name];
    if (value === undefined) return undefined;
    key += value + SEPARATOR;
  }
  return series.get(key);
}

function seriesOf(held: Held, labels: Labels): Series {
  const there = knownSeries(held, labels);
  if (there !== undefined) return there;
  const { row } = held;
  for (const name of Object.keys(labels)) {
    if (!row.labels.some((label) => label.name === name)) bug(`${row.name} has no label ${name}`);
  }
  const values = row.labels.map((label) => labelValue(held, label, labels[label.name]));
  const key = keyOf(values);
  const known = held.series.get(key);
  if (known !== undefined) return known;
  const own = Object.fromEntries(row.labels.map((label, index) => [label.name, values[index]!]));
  const bounds = bucketsOf(row, own);
  const made: Series = { labels: own, value: 0, bounds, counts: Array.from({ length: bounds.length + 1 }, () => 0) };
  held.series.set(key, made);
  return made;
}

function hold(row: MetricRow): Held {
  const seen = new Map(row.labels.filter(({ values }) => values === null).map(({ name }) => [name, new Set<string>()]));
  const held: Held = { row, series: new Map(), seen };
  for (const labels of zeroSeries(row)) seriesOf(held, labels);
  return held;
}

function familyOf({ row, series }: Held): Family {
  const all = [...series.values()];
  if (row.type !== 'histogram') return { row, samples: all, histograms: [] };
  return {
    row,
    samples: [],
    histograms: all.map(({ labels, bounds, counts, value }) => ({ labels, bounds, counts: [...counts], sum: value })),
  };
}

/** A registry with every zero series of the table. */
export function createMetrics(rows: readonly MetricRow[] = METRIC_ROWS): Metrics {
  const held = new Map(rows.map((row) => [row.name, hold(row)]));

  function find(metric: string, type: MetricType): Held {
    const found = held.get(metric) ?? bug(`no metric ${metric}`);
    if (found.row.type !== type) bug(`${metric} is a ${found.row.type}, not a ${type}`);
    return found;
  }
  const counted = (metric: string, type: MetricType): Held => {
    const found = find(metric, type);
    if (found.row.fromState === true) bug(`${metric} is read from the state`);
    return found;
  };
  const families = (): readonly Family[] => [...held.values()].map(familyOf);

  return {
    count(metric: string, labels: Labels = {}, by = 1) {
      if (!(Number.isFinite(by) && by >= 0)) bug(`${metric}: a counter does not rise by ${by}`);
      seriesOf(counted(metric, 'counter'), labels).value += by;
    },
    gauge(metric: string, value: number, labels: Labels = {}) {
      seriesOf(counted(metric, 'gauge'), labels).value = value;
    },
    observe(metric: string, value: number, labels: Labels = {}) {
      if (!Number.isFinite(value)) bug(`${metric}: ${value} is no observation`);
      const series = seriesOf(counted(metric, 'histogram'), labels);
      const place = series.bounds.findIndex((bound) => value <= bound);
      series.counts[place < 0 ? series.bounds.length : place]! += 1;
      series.value += value;
    },
    replace(metric, samples) {
      const found = find(metric, held.get(metric)?.row.type ?? 'gauge');
      if (found.row.fromState !== true && found.row.offline !== true)
        bug(`${metric} is counted, not read from the state`);
      found.series.clear();
      for (const set of found.seen.values()) set.clear();
      for (const labels of zeroSeries(found.row)) seriesOf(found, labels);
      for (const { labels, value } of samples) seriesOf(found, labels).value = value;
    },
    value(metric, labels = {}) {
      const found = held.get(metric) ?? bug(`no metric ${metric}`);
      const key = keyOf(found.row.labels.map(({ name }) => labels[name] ?? ''));
      const series = found.series.get(key);
      if (series === undefined) return 0;
      return found.row.type === 'histogram' ? series.counts.reduce((sum, one) => sum + one, 0) : series.value;
    },
    families,
    text: () => exposition(families()),
  };
}
