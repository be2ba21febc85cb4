// Spans as log lines (OBS-31..34): one `span` line at level debug when a span ends, with its name, its parent and the ids of
// its request. The context is passed on in the call, so nothing global and no async hook is needed.

import type { LogFields } from '../kms-api/log-fields.ts';
import type { Call, Span, SpanName } from './ports.ts';
import type { Telemetry } from './telemetry.ts';

export type Spans = (name: SpanName, fields: LogFields) => Span;

export interface SpanOptions {
  readonly telemetry: Pick<Telemetry, 'log' | 'logs'>;
  readonly monotonicMs: () => number;
  /** Name of the custody backend in force. */
  readonly backend: () => string;
}

/** Makes root spans. Ids count up within the process; corr_id tells processes apart. */
export function createSpans({ telemetry, monotonicMs, backend }: SpanOptions): Spans {
  let last = 0;

  /** Nobody would read it; its fields still go into other lines. */
  function unread(fields: LogFields): Span {
    const span: Span = { fields, child: () => span, end: () => undefined };
    return span;
  }

  function start(name: SpanName, fields: LogFields, parent: string | null): Span {
    if (!telemetry.logs('debug')) return unread(fields);
    last += 1;
    const id = last.toString(16).padStart(8, '0');
    const since = monotonicMs();
    let open = true;
    return {
      fields,
      child: (below, more = {}) => start(below, { ...fields, ...more }, id),
      end: (more = {}) => {
        if (!open) return;
        open = false;
        telemetry.log('debug', 'span', {
          ...fields,
          ...more,
          span: name.replace(/^backend\./, `backend.${backend()}.`),
          ...(name.startsWith('backend.') ? { backend: backend() } : {}),
          span_id: id,
          ...(parent === null ? {} : { parent_id: parent }),
          latency_ms: latencyMs(since, monotonicMs()),
        });
      },
    };
  }

  return (name, fields) => start(name, fields, null);
}

/** Milliseconds with three decimals. */
export function latencyMs(fromMs: number, toMs: number): number {
  return Math.round(Math.max(0, toMs - fromMs) * 1000) / 1000;
}

/** Runs a part of a call in a span of its own, where the call has one. */
export async function spanned<T>(call: Pick<Call, 'span'>, name: SpanName, run: () => Promise<T>): Promise<T> {
  const span = call.span?.child(name);
  if (span === undefined) return run();
  try {
    const result = await run();
    span.end({ result: 'ok' });
    return result;
  } catch (error) {
    span.end({ result: 'err' });
    throw error;
  }
}
