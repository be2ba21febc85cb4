// How the service tells what it does, without knowing who reads it: metrics of the one table in kms-api/metrics.ts, log lines
// with the documented fields, events for `tail`. A name or label that the table does not have is a bug and throws.

export type Labels = Readonly<Record<string, string>>;

export interface Telemetry {
  /** Adds to a counter. */
  count(metric: string, labels?: Labels, by?: number): void;
  /** Sets a gauge. */
  gauge(metric: string, value: number, labels?: Labels): void;
  /** One observation of a histogram, in its unit (seconds). */
  observe(metric: string, value: number, labels?: Labels): void;
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
