// The bodies of `/healthz` and `/version` (OBS-15, OBS-41, C-44, C-65). `/healthz` says that the process lives, always with
// 200, and repeats what readiness last found without asking anybody.

import type { ServerConfig } from '../config/server-config.ts';
import type { ServiceState } from './admin-ports.ts';
import type { Readiness, ReadinessKey } from './readiness.ts';

/** Of the documents under /v1 (C-65); the package has its own version. */
export const WIRE_VERSION = '1.0.0';

export interface HealthPage {
  readonly status: 'ok';
  /** As readiness last judged; null before the first time. */
  readonly ready: boolean | null;
  readonly missing: readonly ReadinessKey[];
  readonly degraded: readonly ReadinessKey[];
}

export function healthPage(last: Readiness | null): HealthPage {
  return {
    status: 'ok',
    ready: last?.ready ?? null,
    missing: last?.missing ?? [],
    degraded: last?.degraded ?? [],
  };
}

export interface BuildFacts {
  /** Version of the package. */
  readonly version: string;
  /** e.g. `26.10.0`. */
  readonly runtime: string;
  readonly openssl: string;
  readonly provider: 'native' | 'noble';
}

export interface VersionPage {
  readonly service: 'ron-kms';
  readonly wire: string;
  readonly package: string;
  readonly runtime: string;
  readonly openssl: string;
  readonly provider: string;
  readonly governed: boolean;
  readonly profile: string;
  /** What the profile and its overrides come to (CFG-53): capability switches of this server. */
  readonly flags: {
    readonly amnesia: boolean;
    readonly backend: string;
    readonly attest_require: string;
    readonly verify_only: boolean;
    readonly tls: boolean;
    readonly tls_pq_only: boolean;
    readonly tlog: string;
    readonly grpc: false;
  };
}

export interface VersionConfig {
  readonly security: Pick<ServerConfig['security'], 'attest_require'>;
  readonly tls: Pick<ServerConfig['tls'], 'enabled' | 'pq_only'>;
  readonly audit: Pick<ServerConfig['audit'], 'tlog'>;
}

export function versionPage(
  build: BuildFacts,
  state: Pick<ServiceState, 'governed' | 'profile' | 'amnesia' | 'backend' | 'verifyOnly'>,
  config: VersionConfig,
): VersionPage {
  return {
    service: 'ron-kms',
    wire: WIRE_VERSION,
    package: build.version,
    runtime: build.runtime,
    openssl: build.openssl,
    provider: build.provider,
    governed: state.governed,
    profile: state.profile,
    flags: {
      amnesia: state.amnesia,
      backend: state.backend,
      attest_require: config.security.attest_require,
      verify_only: state.verifyOnly !== null,
      tls: config.tls.enabled,
      tls_pq_only: config.tls.pq_only,
      tlog: config.audit.tlog,
      grpc: false,
    },
  };
}
