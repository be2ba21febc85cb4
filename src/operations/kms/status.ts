// `kms status`: how the server is that --kms names, or, offline, what lies in this home. What a server says of itself is shown,
// not verified: `audit verify` and `governance verify` judge.

import type { Json } from '../../bytes/canonical-json.ts';
import { RonError } from '../../errors.ts';
import type { ServiceState } from '../../kms/admin-ports.ts';
import type { OperationDeps } from '../deps.ts';
import { withService } from '../service.ts';
import { type StoreStatusResult, storeStatus } from '../store/status.ts';

export interface ServerStatus {
  readonly name: string;
  readonly version: string | null;
  readonly ready: boolean;
  readonly missing: readonly string[];
  readonly degraded: readonly string[];
  /** Key exchange group of the TLS connection; null without TLS. */
  readonly tls_group: string | null;
  /** Null without a capability for it. */
  readonly service: ServiceSummary | null;
}

export interface ServiceSummary {
  readonly profile: string;
  readonly governed: boolean;
  readonly ledger_id: string | null;
  readonly ledger_seq: number | null;
  readonly backend: string;
  readonly backend_ready: boolean;
  readonly amnesia: boolean;
  readonly verify_only: string | null;
  readonly pq_mode: string;
  readonly rollout_percent: number;
  readonly origin: string;
  readonly records: number;
  readonly audit_writable: boolean;
  /** Null before the first one. */
  readonly checkpoint_age_s: number | null;
  readonly unsigned: number;
  readonly integrity_failures: number;
  readonly queue: number;
  readonly sinks: readonly SinkSummary[];
  readonly attestation: string | null;
  readonly keys: number;
  readonly capabilities: number;
  readonly cap_root_age_days: number;
  readonly verify_cache_entries: number;
  readonly free_bytes: number;
  readonly draining: boolean;
}

export interface SinkSummary {
  readonly name: string;
  readonly kind: string;
  /** The next record that it gets. */
  readonly index: number;
  readonly behind: number;
  readonly lag_s: number;
  readonly error: string | null;
}

export type HomeSummary = Pick<
  StoreStatusResult,
  'store_id' | 'trust' | 'ledger_id' | 'ledger_lines' | 'keys' | 'key_versions'
> & {
  readonly records: number;
  readonly unsigned: number;
  readonly checkpoint_at: string | null;
  /** A server holds this home: `--kms local` reaches it. */
  readonly server_pid: number | null;
};

export interface KmsStatusResult {
  readonly server: ServerStatus | null;
  /** Offline only. */
  readonly home: HomeSummary | null;
}

/** Throws Unreachable; offline NotInitialised. */
export async function kmsStatus(deps: OperationDeps): Promise<KmsStatusResult> {
  if (deps.online === null) return { server: null, home: homeOf(await storeStatus(deps)) };
  const { online } = deps;
  const [readiness, version] = await Promise.all([online.probe('/readyz'), online.probe('/version')]);
  const service = await detail(deps);
  const server: ServerStatus = {
    name: online.name,
    version: typeof version['version'] === 'string' ? version['version'] : null,
    ready: readiness['ready'] === true,
    missing: texts(readiness['missing']),
    degraded: texts(readiness['degraded']),
    tls_group: online.tlsGroup(),
    service,
  };
  return { server, home: null };
}

/** Not being allowed to ask is no failure of the server. */
async function detail(deps: OperationDeps): Promise<ServiceSummary | null> {
  try {
    const state = await withService(deps, {}, async ({ call }) => (await deps.online!.kms()).health.status({}, call));
    return serviceOf(state, deps.host.clock.now());
  } catch (error) {
    if (error instanceof RonError && (error.code === 'NoCapability' || error.code === 'Denied')) return null;
    throw error;
  }
}

const texts = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

function serviceOf(state: ServiceState, nowMs: number): ServiceSummary {
  const { audit } = state;
  return {
    profile: state.profile,
    governed: state.governed,
    ledger_id: state.ledgerId,
    ledger_seq: state.ledgerSeq,
    backend: state.backend,
    backend_ready: state.backendReady,
    amnesia: state.amnesia,
    verify_only: state.verifyOnly,
    pq_mode: state.pqMode,
    rollout_percent: state.rolloutPercent,
    origin: audit.origin,
    records: audit.size,
    audit_writable: audit.writable,
    checkpoint_age_s:
      audit.checkpointAtMs === null ? null : Math.max(0, Math.floor((nowMs - audit.checkpointAtMs) / 1000)),
    unsigned: Math.max(0, audit.size - audit.checkpointSize),
    integrity_failures: audit.integrityFailures,
    queue: audit.queueDepth,
    sinks: state.sinks.map(({ lagMs, ...one }) => ({ ...one, lag_s: Math.floor(lagMs / 1000) })),
    attestation: state.attestation.class,
    keys: state.keys.reduce((sum, one) => sum + one.count, 0),
    capabilities: state.capabilities.reduce((sum, one) => sum + one.active, 0),
    cap_root_age_days: Math.floor(state.capRootAgeDays),
    verify_cache_entries: state.verifyCache.entries,
    free_bytes: state.freeBytes,
    draining: state.draining,
  };
}

function homeOf(status: StoreStatusResult): HomeSummary {
  const { store_id, trust, ledger_id, ledger_lines, keys, key_versions, log, holder } = status;
  return {
    store_id,
    trust,
    ledger_id,
    ledger_lines,
    keys,
    key_versions,
    records: log.size + log.behind,
    unsigned: log.behind,
    checkpoint_at: log.checkpoint_at,
    server_pid: holder?.role === 'server' ? holder.pid : null,
  };
}
