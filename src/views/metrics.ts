// `ronctl metrics`: pages and files as they are, objectives as tables.

import type { MetricsResult } from '../operations/metrics.ts';
import type { Quantile } from '../operations/metrics-slo.ts';
import { blank, line, type TextModel, table } from '../ui/text-model.ts';

const figure = (value: number): string => String(Number(value.toPrecision(4)));
const quantileText = ({ value, at_least: more }: Quantile): string => `${more ? '> ' : ''}${figure(value * 1000)} ms`;
const verdict = (met: boolean | null): string => (met === null ? 'no data' : met ? 'met' : 'MISSED');

export function metricsView(data: MetricsResult): TextModel {
  if (data.what !== 'slo') return [line(data.text.trimEnd())];
  const span = data.over_ms === null ? 'since the server started' : `over ${figure(data.over_ms / 1000)} s`;
  return [
    line(`objectives of ${data.source}, ${span}`, 'strong'),
    table(
      ['OBJECTIVE', 'TARGET', 'FOUND', ''],
      data.objectives.map(({ name, target, value, met }) => [
        name,
        target,
        value === null ? '-' : figure(value),
        verdict(met),
      ]),
    ),
    blank,
    table(
      ['OPERATION', 'ALGORITHM', 'COUNT', 'P50', 'P95', 'P99'],
      data.latency.map(({ op, alg, count, p50, p95, p99 }) => [
        op,
        alg,
        String(count),
        quantileText(p50),
        quantileText(p95),
        quantileText(p99),
      ]),
    ),
    blank,
    table(
      ['TENANT', 'OPERATIONS'],
      data.tenants.map(({ tenant, ops }) => [tenant, String(ops)]),
    ),
  ];
}
