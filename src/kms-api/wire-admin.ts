// Capabilities, public files, status and events between the port and the wire.

import type { Json } from '../bytes/canonical-json.ts';
import { anyObject, integer, object, string } from '../bytes/decode.ts';
import { RonError } from '../errors.ts';
import type { FileInfo } from '../host.ts';
import { kidHash } from '../keys/kid-hash.ts';
import type { ListedCapability, MintRequest, ServiceEvent, ServiceState } from '../kms/admin-ports.ts';
import type { Call } from '../kms/ports.ts';
import type { Wire } from './schemas.ts';
import { callMembers } from './wire-call.ts';

export function mintBody(request: MintRequest, call: Call): Wire<'mint', 'body'> {
  const { caveats, once, sub, newTenant } = request;
  return {
    caveats: [...caveats],
    once,
    ...(sub === undefined ? {} : { sub }),
    ...(newTenant === undefined ? {} : { new_tenant: newTenant }),
    ...callMembers(call),
  };
}

export function mintRequest(body: Wire<'mint', 'body'>): MintRequest {
  const { caveats, once, sub, new_tenant } = body;
  return {
    caveats,
    once: once === true,
    ...(sub === undefined ? {} : { sub }),
    ...(new_tenant === undefined ? {} : { newTenant: new_tenant }),
  };
}

export function capabilitiesAnswer(result: readonly ListedCapability[]): Wire<'listCaps', 'answer'> {
  return {
    capabilities: result.map((one) => ({ ...one, tenants: [...one.tenants], scopes: [...one.scopes] })),
  };
}

export function capabilitiesResult(answer: Wire<'listCaps', 'answer'>): readonly ListedCapability[] {
  return answer.capabilities;
}

export function fileInfoAnswer(info: FileInfo | null): Wire<'fileInfo', 'answer'> {
  if (info === null) return { info: null };
  const { type, mode, uid, sizeBytes, mtimeMs } = info;
  return { info: { type, mode, uid, size_bytes: sizeBytes, mtime_ms: mtimeMs } };
}

export function fileInfoResult({ info }: Wire<'fileInfo', 'answer'>): FileInfo | null {
  if (info === null) return null;
  const { type, mode, uid, size_bytes, mtime_ms } = info;
  return { type, mode, uid, sizeBytes: size_bytes, mtimeMs: mtime_ms };
}

export function statusAnswer(state: ServiceState): Wire<'status', 'answer'> {
  const { audit, attestation, verifyCache } = state;
  return {
    backend: state.backend,
    backend_ready: state.backendReady,
    backend_lost_at_ms: state.backendLostAtMs,
    amnesia: state.amnesia,
    verify_only: state.verifyOnly,
    governed: state.governed,
    profile: state.profile,
    ledger_seq: state.ledgerSeq,
    ledger_id: state.ledgerId,
    pq_mode: state.pqMode,
    rollout_percent: state.rolloutPercent,
    phases: state.phases.map((one) => ({ ...one })),
    pq_ok: state.pqOk,
    audit: {
      origin: audit.origin,
      size: audit.size,
      writable: audit.writable,
      checkpoint_at_ms: audit.checkpointAtMs,
      checkpoint_size: audit.checkpointSize,
      checkpoint_ok: audit.checkpointOk,
      integrity_failures: audit.integrityFailures,
      queue_depth: audit.queueDepth,
    },
    attestation: { ...attestation },
    rng_ok: state.rngOk,
    clock_ok: state.clockOk,
    sinks: state.sinks.map(({ lagMs, ...one }) => ({ ...one, lag_ms: lagMs })),
    verify_cache: { entries: verifyCache.entries, age_ms: verifyCache.ageMs },
    cap_root_age_days: state.capRootAgeDays,
    capabilities: state.capabilities.map((one) => ({ ...one })),
    free_bytes: state.freeBytes,
    total_bytes: state.totalBytes,
    draining: state.draining,
    keys: state.keys.map((one) => ({ ...one })),
    key_heads: state.keyHeads.map(({ kid, version }) => ({ kid_hash: kidHash(kid), version })),
    oldest_pending_at_ms: state.oldestPendingAtMs,
  };
}

/** Keys are named by their hash (C-48). */
export function statusResult(answer: Wire<'status', 'answer'>): ServiceState {
  const { audit, verify_cache } = answer;
  return {
    backend: answer.backend,
    backendReady: answer.backend_ready,
    backendLostAtMs: answer.backend_lost_at_ms,
    amnesia: answer.amnesia,
    verifyOnly: answer.verify_only,
    governed: answer.governed,
    profile: answer.profile,
    ledgerSeq: answer.ledger_seq,
    ledgerId: answer.ledger_id,
    pqMode: answer.pq_mode,
    rolloutPercent: answer.rollout_percent,
    phases: answer.phases,
    pqOk: answer.pq_ok,
    audit: {
      origin: audit.origin,
      size: audit.size,
      writable: audit.writable,
      checkpointAtMs: audit.checkpoint_at_ms,
      checkpointSize: audit.checkpoint_size,
      checkpointOk: audit.checkpoint_ok,
      integrityFailures: audit.integrity_failures,
      queueDepth: audit.queue_depth,
      lateAtMs: null,
    },
    sinks: answer.sinks.map(({ lag_ms, ...one }) => ({ ...one, lagMs: lag_ms })),
    attestation: answer.attestation,
    rngOk: answer.rng_ok,
    clockOk: answer.clock_ok,
    verifyCache: { entries: verify_cache.entries, ageMs: verify_cache.age_ms },
    capRootAgeDays: answer.cap_root_age_days,
    capabilities: answer.capabilities,
    freeBytes: answer.free_bytes,
    totalBytes: answer.total_bytes,
    draining: answer.draining,
    keys: answer.keys,
    keyHeads: answer.key_heads.map(({ kid_hash, version }) => ({ kid: kid_hash, version })),
    oldestPendingAtMs: answer.oldest_pending_at_ms,
  };
}

/** One line of the event stream, without LF. */
export function eventLine({ seq, ts, topic, data }: ServiceEvent): string {
  return JSON.stringify({ seq, ts, topic, data });
}

const event = object({ seq: integer(0), ts: string(), topic: string(), data: anyObject });

/** Throws Malformed. */
export function eventOfLine(line: string): ServiceEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new RonError('Malformed', 'the event stream has a line that is no JSON', { cause });
  }
  return event(value as Json, '');
}
