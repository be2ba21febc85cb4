// What a row of the metric table says (metrics.ts): a name, a type, labels with their values, and the other spellings of
// C-46 under which the same numbers appear. Rows are data; the registry that counts is kms/metrics.ts.

export type MetricType = 'counter' | 'gauge' | 'histogram';

export interface Label<N extends string = string> {
  readonly name: N;
  /** Every value there is, in the order of the page; null: taken from outside, see `max`. */
  readonly values: readonly string[] | null;
  /** An open label: so many different values, then `other`. Attack: tenants invented to fill the memory of the scraper. */
  readonly max: number;
}

/** The same numbers under another name. A sample appears there only when it carries every label of `when`. */
export interface Alias {
  readonly name: string;
  readonly when?: Readonly<Record<string, string>>;
  /** Labels that the other name does not have; samples that become equal are added up. */
  readonly drop?: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

export interface MetricRow<N extends string = string, T extends MetricType = MetricType, L extends string = string> {
  readonly name: N;
  readonly type: T;
  /** One line. */
  readonly help: string;
  /** As the name ends: seconds, bytes, ms, days, percent, ratio, 1. */
  readonly unit: string;
  readonly labels: readonly Label<L>[];
  /** Upper bounds, ascending, without +Inf; by the value of one label where they differ. */
  readonly buckets?: readonly number[] | { readonly by: L; readonly of: Readonly<Record<string, readonly number[]>> };
  /** Series that exist from the start. Absent: every combination of the closed labels, none when a label is open. */
  readonly zero?: readonly Labels[];
  readonly aliases?: readonly Alias[];
  /** Read from the state of the service at each scrape; nobody counts into it. */
  readonly fromState?: true;
  /** `ronctl metrics` derives it from a home without a server (GAP-49). */
  readonly offline?: true;
}

type More<L extends string> = Omit<Partial<MetricRow<string, MetricType, L>>, 'name' | 'type' | 'help' | 'labels'>;

export const closed = <const N extends string>(name: N, values: readonly string[]): Label<N> => ({
  name,
  values,
  max: values.length,
});

export const open = <const N extends string>(name: N, max: number): Label<N> => ({ name, values: null, max });

const UNITS = ['seconds', 'bytes', 'ms', 'days', 'percent'];

function unitOf(name: string): string {
  const stem = name.replace(/_total$/, '');
  return UNITS.find((unit) => stem.endsWith(`_${unit}`)) ?? '1';
}

function row<const N extends string, T extends MetricType, L extends string>(
  name: N,
  type: T,
  help: string,
  labels: readonly Label<L>[],
  more: More<L>,
): MetricRow<N, T, L> {
  return { name, type, help, labels, unit: unitOf(name), ...more };
}

export const counter = <const N extends string, const L extends string = never>(
  name: N,
  help: string,
  labels: readonly Label<L>[] = [],
  more: More<L> = {},
): MetricRow<N, 'counter', L> => row(name, 'counter', help, labels, more);

export const gauge = <const N extends string, const L extends string = never>(
  name: N,
  help: string,
  labels: readonly Label<L>[] = [],
  more: More<L> = {},
): MetricRow<N, 'gauge', L> => row(name, 'gauge', help, labels, more);

export const histogram = <const N extends string, const L extends string = never>(
  name: N,
  help: string,
  labels: readonly Label<L>[],
  more: More<L>,
): MetricRow<N, 'histogram', L> => row(name, 'histogram', help, labels, more);

/** Every combination of the values of the labels, the last label fastest. */
export function product(labels: readonly Label[]): readonly Labels[] {
  let out: Labels[] = [{}];
  for (const label of labels) {
    out = out.flatMap((left) => (label.values ?? []).map((value) => ({ ...left, [label.name]: value })));
  }
  return out;
}

/** The series of a row that exist before anything was counted. */
export function zeroSeries(of: MetricRow): readonly Labels[] {
  return of.zero ?? product(of.labels);
}

/** Upper bounds of the buckets of one series. A row without buckets is a bug of the table. */
export function bucketsOf(of: MetricRow, labels: Labels): readonly number[] {
  if (of.buckets === undefined) return [];
  if (!('by' in of.buckets)) return of.buckets;
  return of.buckets.of[labels[of.buckets.by] ?? ''] ?? [];
}
