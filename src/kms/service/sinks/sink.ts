// What an exporter hands over, and to whom (log page 4.11, X-33). The process that serves makes the sinks: files and HTTP are
// not this layer's.

import type { SinkSpec } from '../../../config/sinks.ts';
import type { ServiceState } from '../../admin-ports.ts';

/** Whole lines of NDJSON of one log: `{"index":N,"line":"..."}` and `{"checkpoint":"..."}`, at most 1 MiB. */
export interface SinkBatch {
  readonly epoch: number;
  readonly origin: string;
  readonly bytes: Uint8Array;
}

export interface Sink {
  /** Resolves when the sink has taken it: durable, or answered with 2xx. Throws RonError; the batch then comes again. */
  deliver(batch: SinkBatch, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export type OpenSink = (spec: SinkSpec) => Promise<Sink>;

/** As readiness, metrics and `kms status` show it. */
export type SinkState = ServiceState['sinks'][number];

export const SINK_BATCH_BYTES = 1024 * 1024;
