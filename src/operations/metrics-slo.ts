// The objectives of the service from one page of its metrics, or from the difference of two (OBS-35, PERF-03, XH-11, C-49,
// C-50, RUN-16). Quantiles are computed from buckets as Prometheus does: linear within a bucket; beyond the last bound only
// the bound is known. Nothing to judge by is `null`, never a pass.

import { parseExposition, type ReadSample } from '../kms-api/exposition.ts';

export interface Quantile {
  /** Seconds. */
  readonly value: number;
  /** The quantile lies beyond the last bucket: at least `value`. */
  readonly at_least: boolean;
}

export interface Objective {
  readonly name: string;
  /** In words, e.g. `p95 <= 0.001 s`. */
  readonly target: string;
  readonly value: number | null;
  readonly met: boolean | null;
}

export interface LatencyRow {
  readonly op: string;
  readonly alg: string;
  readonly count: number;
  readonly p50: Quantile;
  readonly p95: Quantile;
  readonly p99: Quantile;
}

export interface Slo {
  readonly objectives: readonly Objective[];
  readonly latency: readonly LatencyRow[];
  /** Busiest first, at most ten. */
  readonly tenants: readonly { readonly tenant: string; readonly ops: number }[];
}

type Labels = Readonly<Record<string, string>>;

class Page {
  readonly #samples: readonly ReadSample[];

  constructor(samples: readonly ReadSample[]) {
    this.#samples = samples;
  }

  of(name: string, wanted: (labels: Labels) => boolean = () => true): readonly ReadSample[] {
    return this.#samples.filter((one) => one.name === name && wanted(one.labels));
  }

  sum(name: string, wanted?: (labels: Labels) => boolean): number {
    return this.of(name, wanted).reduce((total, { value }) => total + value, 0);
  }

  /** Null where the page has no such series. */
  only(name: string): number | null {
    return this.of(name)[0]?.value ?? null;
  }
}

const seriesKey = ({ name, labels }: ReadSample): string => JSON.stringify([name, Object.entries(labels)]);
const counted = (name: string): boolean => /_(?:total|bucket|sum|count)$/.test(name);

/** What happened between two pages; gauges as they are in the later one. A counter that fell was reset: it counts as it is. */
function difference(earlier: readonly ReadSample[], later: readonly ReadSample[]): readonly ReadSample[] {
  const before = new Map(earlier.map((one) => [seriesKey(one), one.value]));
  return later.map((one) => {
    const was = before.get(seriesKey(one)) ?? 0;
    return counted(one.name) && one.value >= was ? { ...one, value: one.value - was } : one;
  });
}

/** Buckets of several series added up. Null without observations. */
export function quantile(q: number, buckets: readonly ReadSample[]): Quantile | null {
  const totals = new Map<number, number>();
  for (const { labels, value } of buckets) {
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);
    totals.set(bound, (totals.get(bound) ?? 0) + value);
  }
  const sorted = [...totals].sort(([a], [b]) => a - b);
  const all = sorted.at(-1)?.[1] ?? 0;
  if (all === 0) return null;
  const rank = q * all;
  let lower = 0;
  let below = 0;
  for (const [bound, total] of sorted) {
    if (total >= rank && total > below) {
      if (bound === Number.POSITIVE_INFINITY) return { value: lower, at_least: true };
      return { value: lower + ((bound - lower) * (rank - below)) / (total - below), at_least: false };
    }
    if (bound !== Number.POSITIVE_INFINITY) lower = bound;
    below = total;
  }
  return { value: lower, at_least: true };
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

function atMost(name: string, limit: number, unit: string, value: number | null): Objective {
  return { name, target: `<= ${limit}${unit}`, value, met: value === null ? null : value <= limit };
}

function atLeast(name: string, limit: number, value: number | null): Objective {
  return { name, target: `>= ${limit}`, value, met: value === null ? null : value >= limit };
}

function p95(page: Page, name: string, limitS: number, series: string, wanted: (labels: Labels) => boolean): Objective {
  const found = quantile(0.95, page.of(`${series}_bucket`, wanted));
  const met = found === null ? null : !found.at_least && found.value <= limitS;
  return { name, target: `p95 <= ${limitS} s`, value: found?.value ?? null, met };
}

function objectives(page: Page): readonly Objective[] {
  const latency = (name: string, limitS: number, ops: readonly string[], algs?: readonly string[]): Objective =>
    p95(
      page,
      name,
      limitS,
      'kms_latency_seconds',
      ({ op, alg }) => ops.includes(op!) && (algs?.includes(alg!) ?? true),
    );
  const requests = page.sum('http_requests_total');
  const attested = page.sum('kms_attestation_ready_seconds_total', ({ state }) => state === 'ready');
  const hybrid = page.sum('pqc_handshake_success_total');
  const ttl = page.only('kms_config_verify_cache_ttl_ms');
  return [
    latency('sign ed25519', 0.001, ['sign'], ['ed25519']),
    latency('sign ml-dsa', 0.01, ['sign'], ['ml-dsa', 'hybrid']),
    latency('verify', 0.005, ['verify']),
    latency('wrap, unwrap', 0.006, ['wrap', 'unwrap']),
    atMost(
      'share of 5xx',
      0.001,
      '',
      share(
        page.sum('http_requests_total', ({ status }) => /^5\d\d$/.test(status!)),
        requests,
      ),
    ),
    atMost(
      'share of 429 and 503',
      0.01,
      '',
      share(
        page.sum('http_requests_total', ({ status }) => status === '429' || status === '503'),
        requests,
      ),
    ),
    atMost('audit integrity failures', 0, '', page.only('kms_audit_integrity_failed_total')),
    atLeast('ready now', 1, page.only('kms_ready')),
    atLeast('attestation', 0.9999, share(attested, page.sum('kms_attestation_ready_seconds_total'))),
    ttl === null
      ? { name: 'verify cache age', target: 'known', value: null, met: null }
      : atMost('verify cache age', ttl, ' ms', page.only('kms_verify_cache_age_ms')),
    atLeast('hybrid handshakes', 0.99, share(hybrid, hybrid + page.sum('pqc_handshake_failure_total'))),
    p95(page, 'handshake', 0.1, 'pqc_handshake_latency_seconds', () => true),
    atMost('transport fallback', 0, '', page.only('pqc_fallback_enabled')),
    atMost(
      'rejections by PQ policy',
      0,
      '',
      page.sum('rejected_total', ({ reason }) => reason === 'pq_policy'),
    ),
  ];
}

function latencyRows(page: Page): readonly LatencyRow[] {
  return page
    .of('kms_latency_seconds_count')
    .filter(({ value }) => value > 0)
    .map(({ labels: { op, alg }, value }) => {
      const buckets = page.of('kms_latency_seconds_bucket', (labels) => labels['op'] === op && labels['alg'] === alg);
      const at = (q: number): Quantile => quantile(q, buckets) ?? { value: 0, at_least: true };
      return { op: op!, alg: alg!, count: value, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
    });
}

function busiest(page: Page): Slo['tenants'] {
  const totals = new Map<string, number>();
  for (const { labels, value } of page.of('kms_tenant_ops_total')) {
    const tenant = labels['tenant'] ?? '';
    totals.set(tenant, (totals.get(tenant) ?? 0) + value);
  }
  return [...totals]
    .map(([tenant, ops]) => ({ tenant, ops }))
    .filter(({ ops }) => ops > 0)
    .sort((a, b) => b.ops - a.ops)
    .slice(0, 10);
}

/** `earlier` null: since the server started. Throws Malformed. */
export function slo(later: string, earlier: string | null): Slo {
  const now = parseExposition(later);
  const page = new Page(earlier === null ? now : difference(parseExposition(earlier), now));
  return { objectives: objectives(page), latency: latencyRows(page), tenants: busiest(page) };
}
