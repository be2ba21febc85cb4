// Registry, log and event ring of one server put together: what `kms serve` makes once and passes to service and transport.
// A scrape reads the state of the service, and is also when readiness is judged for changes of its keys.

import type { ServerConfig } from '../config/server-config.ts';
import type { EventTopic } from '../kms-api/events.ts';
import type { ServiceState } from './admin-ports.ts';
import { createEventRing, type EventRing } from './event-ring.ts';
import { createFairnessSkew } from './fairness-skew.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import {
  type Level,
  READINESS_KEYS,
  type Readiness,
  type ReadinessKey,
  readiness,
  readinessLevels,
  type Surroundings,
} from './readiness.ts';
import { createServiceLog, isLogged, type LogSettings } from './service-log.ts';
import { createSpans, type Spans } from './span.ts';
import { type ProcessFacts, stateGauges } from './state-gauges.ts';
import type { LogLevel, Telemetry } from './telemetry.ts';

export interface TelemetryOptions {
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** One log line without LF. */
  readonly write: (line: string) => void;
  readonly settings: () => TelemetrySettings;
}

export interface TelemetrySettings extends LogSettings {
  /** Name of the custody backend, for spans. */
  readonly backend: string;
}

export interface ServiceTelemetry extends Telemetry {
  readonly metrics: Metrics;
  readonly ring: EventRing;
  readonly spans: Spans;
  /** Judges readiness; a key that changed is logged and published (`readyz_true`, `readyz_false`, `kms.health`). */
  judge(state: ServiceState, config: ServerConfig, around: Around): Readiness;
  /** What `judge` last said, without I/O: the flags of `/healthz` (C-44). Null before the first time. */
  last(): Readiness | null;
  /** The page of `/metrics`; judges first. */
  text(state: ServiceState, config: ServerConfig, around: Around, process: ProcessFacts): string;
}

export type Around = Omit<Surroundings, 'nowMs' | 'monotonicMs' | 'busReady'>;

/** The settings in a configuration. */
export function logSettings({
  observability,
  service,
}: Pick<ServerConfig, 'observability' | 'service'>): TelemetrySettings {
  return {
    backend: service.backend,
    level: observability.log_level,
    format: observability.log_format,
    redact: observability.redact_level,
    logInputs: observability.log_inputs,
  };
}

export function createTelemetry({ nowMs, monotonicMs, write, settings }: TelemetryOptions): ServiceTelemetry {
  const metrics = createMetrics();
  const skew = createFairnessSkew();
  const log = createServiceLog({ nowMs, write, settings });
  const logs = (level: LogLevel): boolean => isLogged(level, settings().level);
  const ring = createEventRing({
    nowMs,
    onLag: (missed) => {
      metrics.count('bus_lagged_total', {}, missed);
      log('warn', 'events_lagged', { count: missed });
    },
  });
  const publish = (topic: EventTopic, data: Readonly<Record<string, unknown>>): void => ring.publish(topic, data);

  let levels: Readonly<Record<ReadinessKey, Level>> | null = null;
  let judged: Readiness | null = null;
  let attestedUntilMs: number | null = null;

  function accrueAttestation(state: ServiceState): void {
    const now = monotonicMs();
    const seconds = Math.max(0, now - (attestedUntilMs ?? now)) / 1000;
    attestedUntilMs = now;
    const present = state.attestation.ready || !state.attestation.required;
    metrics.count('kms_attestation_ready_seconds_total', { state: present ? 'ready' : 'missing' }, seconds);
  }

  function tellChanges(next: Readonly<Record<ReadinessKey, Level>>, now: Readiness): void {
    const changed = READINESS_KEYS.filter((key) => levels?.[key] !== next[key]);
    for (const key of changed) {
      if (levels === null && next[key] === 'ok') continue;
      const level = next[key];
      const why = level === 'ok' ? {} : { reason: `${key} is ${level}` };
      publish('kms.health', { service: 'ron-kms', ok: level === 'ok', key, level, ...why });
    }
    const fields = { ready: now.ready ? 1 : 0, missing: now.missing, degraded: now.degraded };
    if (judged?.ready !== now.ready) {
      log(now.ready ? 'info' : 'warn', now.ready ? 'readyz_true' : 'readyz_false', fields);
      publish('kms.ready', { ready: now.ready, missing: now.missing, degraded: now.degraded });
    } else if (changed.length > 0) log('info', 'readyz_changed', fields);
  }

  function judge(state: ServiceState, config: ServerConfig, around: Around): Readiness {
    const all = { ...around, nowMs: nowMs(), monotonicMs: monotonicMs(), busReady: true };
    const next = readinessLevels(state, config, all);
    const now = readiness(state, config, all);
    accrueAttestation(state);
    tellChanges(next, now);
    levels = next;
    judged = now;
    return now;
  }

  return {
    metrics,
    ring,
    spans: createSpans({ telemetry: { log, logs }, monotonicMs, backend: () => settings().backend }),
    count(metric, labels, by) {
      metrics.count(metric, labels, by);
      if (metric === 'kms_tenant_ops_total') skew.add(tenantOf(labels), by ?? 1, nowMs());
    },
    gauge: (metric, value, labels) => metrics.gauge(metric, value, labels),
    observe: (metric, value, labels) => metrics.observe(metric, value, labels),
    log,
    logs,
    publish,
    judge,
    last: () => judged,
    text(state, config, around, process) {
      judge(state, config, around);
      const scrape = {
        state,
        config,
        levels: levels!,
        skew: skew.skew(nowMs()),
        process,
        nowMs: nowMs(),
        monotonicMs: monotonicMs(),
      };
      for (const [name, samples] of stateGauges(scrape)) metrics.replace(name, samples);
      metrics.gauge('queue_depth', state.audit.queueDepth, { queue: 'audit' });
      return metrics.text();
    },
  };
}

const tenantOf = (labels: unknown): string => (labels as { readonly tenant: string }).tenant;
