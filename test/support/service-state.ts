// A state of a healthy service, for tests that change one thing of it; and configuration and surroundings to go with it.

import type { ServiceState } from '../../src/kms/admin-ports.ts';
import type { ReadinessConfig, Surroundings } from '../../src/kms/readiness.ts';

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

export const HEALTHY: ServiceState = {
  backend: 'file',
  backendReady: true,
  backendLostAtMs: null,
  amnesia: false,
  verifyOnly: null,
  governed: true,
  profile: 'macronode',
  ledgerSeq: 7,
  ledgerId: 'main',
  pqMode: 'and',
  rolloutPercent: 100,
  phases: [{ tenant: '_instance', phase: 2 }],
  pqOk: true,
  audit: {
    origin: 'ronctl.invalid/0123456789abcdef0123456789abcdef/e0',
    size: 42,
    writable: true,
    checkpointAtMs: NOW_MS - 30_000,
    checkpointSize: 40,
    checkpointOk: true,
    integrityFailures: 0,
    queueDepth: 0,
    lateAtMs: null,
  },
  sinks: [],
  attestation: { required: true, ready: true, class: 'software' },
  rngOk: true,
  clockOk: true,
  verifyCache: { entries: 3, ageMs: 0 },
  capRootAgeDays: 3,
  capabilities: [{ tenant: 'acme', active: 2 }],
  freeBytes: 500 * 2 ** 30,
  totalBytes: 1000 * 2 ** 30,
  draining: false,
  keys: [{ tenant: 'acme', purpose: 'code', alg: 'hybrid', count: 2 }],
  keyHeads: [{ kid: 'acme/code/hybrid/0190aaaa-0000-7000-8000-000000000001', version: 3 }],
  oldestPendingAtMs: null,
};

export const READINESS_CONFIG: ReadinessConfig = {
  audit: { verify_cache_ttl_ms: 300_000, min_free_bytes: 2 ** 30, reserve_bytes: 256 * 2 ** 20 },
  service: { verify_only: false },
};

export const AROUND: Surroundings = {
  nowMs: NOW_MS,
  monotonicMs: 100_000,
  listenerBound: true,
  reloadRefused: null,
  busReady: true,
};
