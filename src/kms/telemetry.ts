// How the service tells what it does, without knowing who reads it: metrics of the one table in kms-api/metrics.ts, log lines
// with the documented fields, events for `tail` with the topics of kms-api/events.ts. A name or label that the table does not
// have is a bug and throws.
//
// Who counts what: kms/observed.ts wraps the ports and counts, times, logs and spans every operation (kms_ops_total,
// kms_latency_seconds, kms_tenant_ops_total, *_request, *_result); kms/ledger-watch.ts tells proposals, statements, freezes
// and every governance.* event from the ledger itself; the service behind the ports tells only what neither shows (log,
// checkpoints, caches, backend, capabilities); kms/http tells requests, rejections, queues, TLS.

import type { EventTopic } from '../kms-api/events.ts';
import type { LogFields } from '../kms-api/log-fields.ts';
import type { CounterName, GaugeName, HistogramName, LabelsOf } from '../kms-api/metrics.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface Telemetry {
  /** Adds to a counter. Every label of the metric is given; a value outside a closed set throws. */
  count<N extends CounterName>(metric: N, labels?: LabelsOf<N>, by?: number): void;
  /** Sets a gauge. */
  gauge<N extends GaugeName>(metric: N, value: number, labels?: LabelsOf<N>): void;
  /** One observation of a histogram, in its unit (seconds). */
  observe<N extends HistogramName>(metric: N, value: number, labels?: LabelsOf<N>): void;
  /** One line of the log (OBS-26..29). `event` is snake_case; `kid` becomes kid_hash and kid_version. */
  log(level: LogLevel, event: string, fields?: LogFields): void;
  /** Whether a line of this level is written: what is made for nothing but the line need not be made. */
  logs(level: LogLevel): boolean;
  /** Publishes an event to the ring of `tail`. */
  publish(topic: EventTopic, data: Readonly<Record<string, unknown>>): void;
}

/** Says nothing: offline commands. */
export const SILENT: Telemetry = {
  count: () => undefined,
  gauge: () => undefined,
  observe: () => undefined,
  log: () => undefined,
  logs: () => false,
  publish: () => undefined,
};
