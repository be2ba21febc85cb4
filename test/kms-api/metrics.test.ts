// The metric table itself: names once (aliases included), the documented names all there, closed labels, zero series.

import { describe, expect, test } from 'vitest';
import { bucketsOf, zeroSeries } from '../../src/kms-api/metric-row.ts';
import { METRIC_ROWS, REJECT_REASONS } from '../../src/kms-api/metrics.ts';

/** Every name of the source documents, in the order of the requirements that name them. */
const DOCUMENTED = `
  http_requests_total request_latency_seconds inflight_requests rejected_total service_restarts_total
  bus_lagged_total kms_ops_total kms_latency_seconds kms_audit_appends_total kms_audit_checkpoint_total
  kms_audit_integrity_failed_total kms_audit_queue_depth kms_audit_dropped_total kms_attest_total
  kms_backend_sessions kms_backend_reconnects_total kms_pq_mode kms_pq_rollout_percent kms_reject_total
  kms_verify_cache_age_ms kms_verify_cache_hits_total queue_depth queue_dropped_total busy_rejections_total
  kms_keys_total kms_key_version_head tasks_spawned_total tasks_aborted_total tasks_canceled_total
  io_timeouts_total backoff_retries_total audit_dropped_total verify_cache_expired_total
  kms_governance_proposals_total kms_capabilities_active kms_capabilities_minted_total
  kms_capabilities_minted_fairness_skew kms_emergency_freezes_total kms_attestation_ready_seconds_total
  kms_policy_rejects_total kms_pq_phase tls_handshake_failures_total verify_cache_age_ms auth_failures_total
  pq_handshake_total pq_signature_total pq_signature_failures_total crypto_latency_seconds
  pq_downgrade_events_total pqc_fallback_total pqc_fallback_enabled pqc_handshake_success_total
  pqc_handshake_failure_total pqc_handshake_latency_seconds pqc_key_rotation_success_total
  pqc_key_rotation_failure_total verify_cache_hit_total verify_cache_miss_total verify_cache_stale_total
  backend_reconnects_total verify_cache_stale_max_ms verify_cache_ttl_ms kms_config_verify_cache_ttl_ms
  kms_tenant_ops_total verify_cache_size kms_governance_oldest_pending_seconds`
  .trim()
  .split(/\s+/);

const names = METRIC_ROWS.flatMap((row) => [row.name, ...(row.aliases ?? []).map(({ name }) => name)]);

describe('the metric table', () => {
  test('has every documented name, and each name once', () => {
    expect(DOCUMENTED.filter((name) => !names.includes(name))).toEqual([]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('names follow the form of Prometheus, and a counter ends in _total', () => {
    expect(names.filter((name) => !/^[a-z][a-z0-9_]*$/.test(name))).toEqual([]);
    const counters = METRIC_ROWS.filter(({ type }) => type === 'counter').map(({ name }) => name);
    expect(counters.filter((name) => !name.endsWith('_total'))).toEqual([]);
  });

  test('no series names a p95, a kid or a uuid (C-46, C-48)', () => {
    expect(names.filter((name) => /_p\d\d/.test(name))).toEqual([]);
    const labels = METRIC_ROWS.flatMap((row) => row.labels.map(({ name }) => name));
    expect(labels.filter((name) => ['kid', 'op_id', 'corr_id', 'cap_id'].includes(name))).toEqual([]);
  });

  test('zero series carry exactly the labels of their row, within the closed values', () => {
    for (const row of METRIC_ROWS) {
      for (const series of zeroSeries(row)) {
        expect(Object.keys(series).sort(), row.name).toEqual(row.labels.map(({ name }) => name).sort());
        for (const { name, values } of row.labels) {
          if (values !== null) expect(values, `${row.name}{${name}}`).toContain(series[name]);
        }
      }
    }
  });

  test('every metric without an open label exists at zero, and so do those with documented values', () => {
    const silent = METRIC_ROWS.filter((row) => zeroSeries(row).length === 0).map(({ name }) => name);
    expect(silent).toEqual([
      'kms_tenant_ops_total',
      'kms_keys_total',
      'kms_key_version_head',
      'kms_audit_export_lag_seconds',
      'kms_audit_export_lag_records',
      'kms_audit_export_total',
      'kms_capabilities_active',
      'kms_capabilities_minted_total',
      'kms_readiness',
      'kms_build_info',
    ]);
  });

  test('a histogram has rising buckets for every value that selects them; the documented ones are exact (OBS-06)', () => {
    for (const row of METRIC_ROWS.filter(({ type }) => type === 'histogram')) {
      for (const series of zeroSeries(row)) {
        const bounds = bucketsOf(row, series);
        expect(bounds.length, row.name).toBeGreaterThan(3);
        expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b));
      }
    }
    const latency = METRIC_ROWS.find(({ name }) => name === 'kms_latency_seconds')!;
    expect(bucketsOf(latency, { alg: 'ed25519' })).toEqual([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02]);
    expect(bucketsOf(latency, { alg: 'ml-dsa' })).toEqual([0.002, 0.005, 0.01, 0.02, 0.05, 0.1]);
  });

  test('the reasons of a rejection are the closed union of C-79', () => {
    expect([...REJECT_REASONS].sort()).toEqual(
      'attest_missing backpressure bad_request caveat clock_skew decompress_cap frozen oversize pq_policy quota ratio_cap revoked store_unavailable unauth unsupported'.split(
        ' ',
      ),
    );
  });
});
