// Readiness and liveness as pure functions of what the service says of itself (OBS-15..24, SEC-17, MQ-23, C-43..C-45, C-73).
// Ready is when no key is missing; a degraded key is listed and does not flip it. A lost backend is degraded for a grace of
// 10 s, then missing; the verify cache is degraded beyond its soft limit, missing beyond twice that. Only the own stack
// counts: what a peer can do is refused in its session. Whether verify answers does not depend on this.

import type { ServerConfig } from '../config/server-config.ts';
import type { ServiceState } from './admin-ports.ts';

/** Every key of `/readyz` and when it holds. */
export const READINESS_MEANINGS = {
  config_loaded: 'the configuration is valid, and the last reload was accepted',
  listener_bound: 'the listeners accept',
  backend_ready: 'the custody backend answers; lost for less than 10 s it is degraded',
  attestation_ready: 'attestation is there where it is required',
  audit_ready:
    'the log can be written, the last checkpoint was signed in time, and no check of the log failed; degraded for 10 s after a record that took over 200 ms',
  audit_export: 'every sink of audit.sinks is at most 60 s and 100,000 records behind; degraded beyond',
  checkpoint_recent: 'the newest checkpoint is at most 120 s old',
  rng_ok: 'random numbers come and pass their checks',
  clock_ok: 'the clock is within security.time_skew_tolerance_ms',
  verify_cache_ok:
    'what verify answers from is fresh; degraded beyond audit.verify_cache_ttl_ms, missing beyond twice that',
  policy_loaded: 'the policy in force is known, so that signing is possible; degraded with service.verify_only',
  bus_ready: 'the event stream takes readers',
  pq_ok: 'the own stack does what the post-quantum policy asks; what a peer can do does not count',
  disk_space: 'the volume of the log has room; degraded below audit.min_free or 10 %, missing below audit.reserve',
  cap_root_age: 'the capability root is at most 30 days old; older is degraded',
  governed: 'the service runs under a genesis; without one it is degraded',
  not_draining: 'no shutdown has begun',
} as const satisfies Readonly<Record<string, string>>;
export type ReadinessKey = keyof typeof READINESS_MEANINGS;
export const READINESS_KEYS = Object.keys(READINESS_MEANINGS) as readonly ReadinessKey[];

export type Level = 'ok' | 'degraded' | 'missing';

/** What is not in the state of the service: the process around it. */
export interface Surroundings {
  /** Wall and monotonic ms. */
  readonly nowMs: number;
  readonly monotonicMs: number;
  /** The listeners accept. */
  readonly listenerBound: boolean;
  /** Null = the configuration in force is the newest one; else why the last reload was refused. */
  readonly reloadRefused: string | null;
  /** The event ring takes subscribers. */
  readonly busReady: boolean;
}

export interface ReadinessConfig {
  readonly audit: Pick<ServerConfig['audit'], 'verify_cache_ttl_ms' | 'min_free_bytes' | 'reserve_bytes'>;
  readonly service: Pick<ServerConfig['service'], 'verify_only'>;
}

/** The body of `/readyz` (OBS-24). */
export interface Readiness {
  readonly ready: boolean;
  readonly missing: readonly ReadinessKey[];
  readonly degraded: readonly ReadinessKey[];
  /** Seconds; 0 while ready. */
  readonly retry_after: number;
  readonly snapshot: {
    readonly backend: string;
    readonly pq_mode: string;
    /** Null before the first checkpoint. */
    readonly audit_last_checkpoint_age_s: number | null;
  };
}

/** A reconnect within this time is no outage (C-43). */
export const BACKEND_GRACE_MS = 10_000;
/** So long after a record that was late the log counts as slow. */
export const AUDIT_LATE_MS = 10_000;
/** Idle checkpoints count, so a log without work has a recent one too (GAP-58). */
export const CHECKPOINT_RECENT_MS = 120_000;
export const RETRY_AFTER_S = 5;
/** A sink behind by more than this degrades readiness (log page 4.11). */
export const EXPORT_LAG_MS = 60_000;
export const EXPORT_LAG_RECORDS = 100_000;
/** A capability root older than this is due for `cap rotate` (service page 2). */
export const CAP_ROOT_MAX_DAYS = 30;

const holds = (yes: boolean): Level => (yes ? 'ok' : 'missing');
const wish = (yes: boolean): Level => (yes ? 'ok' : 'degraded');

function backend(state: ServiceState, around: Surroundings): Level {
  if (state.backendReady) return 'ok';
  const lost = state.backendLostAtMs;
  return lost !== null && around.monotonicMs - lost < BACKEND_GRACE_MS ? 'degraded' : 'missing';
}

/** A slow disk: what was asked for was refused because its record was not durable in time. */
function auditReady({ audit }: ServiceState, around: Surroundings): Level {
  if (!audit.writable || !audit.checkpointOk || audit.integrityFailures > 0) return 'missing';
  return wish(audit.lateAtMs === null || around.monotonicMs - audit.lateAtMs > AUDIT_LATE_MS);
}

const isFarBehind = ({ behind, lagMs }: ServiceState['sinks'][number]): boolean =>
  behind >= EXPORT_LAG_RECORDS || (behind > 0 && lagMs >= EXPORT_LAG_MS);

function checkpointAgeMs(state: ServiceState, around: Surroundings): number | null {
  return state.audit.checkpointAtMs === null ? null : Math.max(0, around.nowMs - state.audit.checkpointAtMs);
}

function verifyCache(state: ServiceState, config: ReadinessConfig): Level {
  const { ageMs } = state.verifyCache;
  const soft = config.audit.verify_cache_ttl_ms;
  if (ageMs > 2 * soft) return 'missing';
  return wish(ageMs <= soft);
}

/** Below the reserve only authority changes are written (log page). Nothing on disk: there is no volume to fill. */
function diskSpace(state: ServiceState, config: ReadinessConfig): Level {
  if (state.totalBytes === 0) return 'ok';
  if (state.freeBytes < config.audit.reserve_bytes) return 'missing';
  return wish(state.freeBytes >= config.audit.min_free_bytes && state.freeBytes * 10 >= state.totalBytes);
}

/** Verify-only by configuration is a choice (C-54); otherwise the ledger or the store is not fit to sign under. */
function policyLoaded(state: ServiceState, config: ReadinessConfig): Level {
  if (state.verifyOnly === null) return 'ok';
  return config.service.verify_only ? 'degraded' : 'missing';
}

export function readinessLevels(
  state: ServiceState,
  config: ReadinessConfig,
  around: Surroundings,
): Readonly<Record<ReadinessKey, Level>> {
  const age = checkpointAgeMs(state, around);
  return {
    // What is in force is valid: a refused reload is told, and takes nobody out of rotation.
    config_loaded: wish(around.reloadRefused === null),
    listener_bound: holds(around.listenerBound),
    backend_ready: backend(state, around),
    attestation_ready: state.attestation.ready ? 'ok' : state.attestation.required ? 'missing' : 'ok',
    audit_ready: auditReady(state, around),
    audit_export: wish(!state.sinks.some(isFarBehind)),
    checkpoint_recent: holds(age !== null && age <= CHECKPOINT_RECENT_MS),
    rng_ok: holds(state.rngOk),
    clock_ok: holds(state.clockOk),
    verify_cache_ok: verifyCache(state, config),
    policy_loaded: policyLoaded(state, config),
    bus_ready: holds(around.busReady),
    pq_ok: holds(state.pqOk),
    disk_space: diskSpace(state, config),
    cap_root_age: wish(state.capRootAgeDays <= CAP_ROOT_MAX_DAYS),
    governed: wish(state.governed),
    not_draining: holds(!state.draining),
  };
}

export function readiness(state: ServiceState, config: ReadinessConfig, around: Surroundings): Readiness {
  const levels = readinessLevels(state, config, around);
  const at = (level: Level): readonly ReadinessKey[] => READINESS_KEYS.filter((key) => levels[key] === level);
  const missing = at('missing');
  const age = checkpointAgeMs(state, around);
  return {
    ready: missing.length === 0,
    missing,
    degraded: at('degraded'),
    retry_after: missing.length === 0 ? 0 : RETRY_AFTER_S,
    snapshot: {
      backend: state.backend,
      pq_mode: state.pqMode,
      audit_last_checkpoint_age_s: age === null ? null : Math.floor(age / 1000),
    },
  };
}
