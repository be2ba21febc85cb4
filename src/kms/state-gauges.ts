// The gauges that are read from the state of the service at each scrape: they cannot drift from what `/readyz` and
// `kms status` say, and nobody has to remember to set them. A kid leaves here only as the first 8 hex of its BLAKE3 (C-48).

import type { ServerConfig } from '../config/server-config.ts';
import type { Sample } from '../kms-api/exposition.ts';
import type { MetricName } from '../kms-api/metrics.ts';
import type { ServiceState } from './admin-ports.ts';
import { kidHash } from './kid-hash.ts';
import { BACKEND_GRACE_MS, type Level, type ReadinessKey } from './readiness.ts';

export interface ProcessFacts {
  readonly residentBytes: number;
  readonly uptimeMs: number;
  readonly version: string;
  readonly wire: string;
}

export interface Scrape {
  readonly state: ServiceState;
  readonly config: {
    readonly audit: Pick<ServerConfig['audit'], 'verify_cache_ttl_ms'>;
    readonly observability: Pick<ServerConfig['observability'], 'emit_cache_age_metric'>;
  };
  readonly levels: Readonly<Record<ReadinessKey, Level>>;
  readonly skew: Readonly<Record<string, number>>;
  readonly process: ProcessFacts;
  readonly nowMs: number;
  readonly monotonicMs: number;
}

const one = (value: number): readonly Sample[] => [{ labels: {}, value }];
const bit = (value: boolean): number => (value ? 1 : 0);
const ageS = (nowMs: number, atMs: number | null): number => (atMs === null ? 0 : Math.max(0, nowMs - atMs) / 1000);
const LEVELS: Readonly<Record<Level, number>> = { ok: 1, degraded: 0.5, missing: 0 };

function sessions({ state, monotonicMs }: Scrape): readonly Sample[] {
  const lost = state.backendLostAtMs;
  const within = lost !== null && monotonicMs - lost < BACKEND_GRACE_MS;
  const now = state.backendReady ? 'connected' : within ? 'connecting' : 'error';
  return [{ labels: { backend: state.backend, state: now }, value: 1 }];
}

/** Two keys with one hash (1 in 2^32 each pair) share a series: the higher version is shown. */
function heads({ state }: Scrape): readonly Sample[] {
  const out = new Map<string, number>();
  for (const { kid, version } of state.keyHeads) {
    const hash = kidHash(kid);
    out.set(hash, Math.max(version, out.get(hash) ?? 0));
  }
  return [...out].map(([kid_hash, value]) => ({ labels: { kid_hash }, value }));
}

/** Every `fromState` row of the table by name. */
export function stateGauges(of: Scrape): readonly (readonly [MetricName, readonly Sample[]])[] {
  const { state, config, nowMs } = of;
  return [
    [
      'kms_keys_total',
      state.keys.map(({ tenant, purpose, alg, count }) => ({ labels: { tenant, purpose, alg }, value: count })),
    ],
    ['kms_key_version_head', heads(of)],
    ['kms_audit_last_checkpoint_age_seconds', one(ageS(nowMs, state.audit.checkpointAtMs))],
    ['kms_audit_log_size', one(state.audit.size)],
    [
      'kms_audit_export_lag_seconds',
      state.sinks.map(({ name, lagMs }) => ({ labels: { sink: name }, value: lagMs / 1000 })),
    ],
    [
      'kms_audit_export_lag_records',
      state.sinks.map(({ name, behind }) => ({ labels: { sink: name }, value: behind })),
    ],
    ['kms_audit_free_bytes', one(state.freeBytes)],
    ['kms_attestation_ready', one(bit(state.attestation.ready || !state.attestation.required))],
    ['kms_backend_sessions', sessions(of)],
    ['kms_pq_mode', [{ labels: { mode: state.pqMode }, value: 1 }]],
    ['kms_pq_rollout_percent', one(state.rolloutPercent)],
    ['kms_pq_phase', state.phases.map(({ tenant, phase }) => ({ labels: { tenant, phase: String(phase) }, value: 1 }))],
    ['kms_verify_cache_age_ms', one(config.observability.emit_cache_age_metric ? state.verifyCache.ageMs : 0)],
    ['kms_config_verify_cache_ttl_ms', one(config.audit.verify_cache_ttl_ms)],
    ['kms_verify_cache_entries', one(state.verifyCache.entries)],
    ['kms_governance_oldest_pending_seconds', one(ageS(nowMs, state.oldestPendingAtMs))],
    ['kms_governance_ledger_seq', one(state.ledgerSeq ?? 0)],
    [
      'kms_capabilities_active',
      state.capabilities.map(({ tenant, active }) => ({ labels: { tenant }, value: active })),
    ],
    [
      'kms_capabilities_minted_fairness_skew',
      Object.entries(of.skew).map(([window, value]) => ({ labels: { window }, value })),
    ],
    ['kms_capability_root_age_days', one(state.capRootAgeDays)],
    ['kms_ready', one(bit(!Object.values(of.levels).includes('missing')))],
    ['kms_readiness', Object.entries(of.levels).map(([key, level]) => ({ labels: { key }, value: LEVELS[level] }))],
    ['kms_governed', one(bit(state.governed))],
    ['kms_build_info', [{ labels: { version: of.process.version, wire: of.process.wire }, value: 1 }]],
    ['process_resident_memory_bytes', one(of.process.residentBytes)],
    ['process_uptime_seconds', one(of.process.uptimeMs / 1000)],
  ];
}
