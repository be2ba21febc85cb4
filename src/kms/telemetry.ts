// How the service tells what it does, without knowing who reads it: metrics of the one table in kms-api/metrics.ts, log lines
// with the documented fields, events for `tail`. A name or label that the table does not have is a bug and throws.

import type { CounterName, GaugeName, HistogramName, LabelsOf } from '../kms-api/metrics.ts';

export interface Telemetry {
  /** Adds to a counter. Every label of the metric is given; a value outside a closed set throws. */
  count<N extends CounterName>(metric: N, labels?: LabelsOf<N>, by?: number): void;
  /** Sets a gauge. */
  gauge<N extends GaugeName>(metric: N, value: number, labels?: LabelsOf<N>): void;
  /** One observation of a histogram, in its unit (seconds). */
  observe<N extends HistogramName>(metric: N, value: number, labels?: LabelsOf<N>): void;
  /**
   * One line of the log (OBS-26..29). `fields` are an allow-list: op_id, kid_hash, kid_version, alg, result, latency_ms,
   * reason and the like, never a token, payload, secret or raw kid.
   */
  log(
    level: 'error' | 'warn' | 'info' | 'debug' | 'trace',
    event: string,
    fields?: Readonly<Record<string, unknown>>,
  ): void;
  /** Publishes an event to the ring of `tail`. */
  publish(topic: string, data: Readonly<Record<string, unknown>>): void;
}

/** Says nothing: offline commands. */
export const SILENT: Telemetry = {
  count: () => undefined,
  gauge: () => undefined,
  observe: () => undefined,
  log: () => undefined,
  publish: () => undefined,
};
