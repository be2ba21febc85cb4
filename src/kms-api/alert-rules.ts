// Alert rules for the metrics of metrics.ts; alert-file.ts prints them. Where the source documents have a rule that cannot
// detect what it names (C-47), the corrected one stands here and the original beside it, printed as a comment.

export type Severity = 'critical' | 'page' | 'ticket';

/** Sections of ronctl-monitoring(7) that say what to do (OBS-40). */
export type Runbook = 'audit_integrity' | 'attestation' | 'backpressure' | 'latency_pq' | 'readiness' | 'governance';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** How long it must hold; absent: at once. */
  readonly for?: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly runbook: Runbook;
  /** Rules of the documents that this one replaces, and why they are not used. */
  readonly replaces?: readonly { readonly expr: string; readonly why: string }[];
}

const share = (part: string, whole: string): string =>
  `sum by (instance) (rate(${part})) / sum by (instance) (rate(${whole}))`;
const quantile95 = (selector: string, by: string): string =>
  `histogram_quantile(0.95, sum by (${by}le) (rate(${selector}[5m])))`;

export const ALERTS: readonly AlertRule[] = [
  {
    alert: 'KMS_Audit_Integrity',
    expr: 'increase(kms_audit_integrity_failed_total[5m]) > 0',
    severity: 'critical',
    summary: 'A check of the audit log failed, or a checkpoint could not be written.',
    runbook: 'audit_integrity',
  },
  {
    alert: 'KMS_Checkpoint_Old',
    expr: 'kms_audit_last_checkpoint_age_seconds > 120',
    for: '1m',
    severity: 'page',
    summary: 'No checkpoint for two minutes; idle services sign one every minute.',
    runbook: 'audit_integrity',
  },
  {
    alert: 'KMS_Audit_Export_Behind',
    expr: 'kms_audit_export_lag_seconds > 60 or kms_audit_export_lag_records > 100000',
    severity: 'page',
    summary: 'A sink of audit.sinks is over 60 s or 100,000 records behind; kms status names what hinders it.',
    runbook: 'audit_integrity',
  },
  {
    alert: 'KMS_Not_Ready',
    expr: 'max_over_time(kms_ready[5m]) == 0',
    severity: 'page',
    summary: 'Not ready for five minutes; /readyz says what is missing.',
    runbook: 'readiness',
    replaces: [
      {
        expr: 'max_over_time(kube_probe_ready{service="ron-kms"}[5m]) == 0',
        why: 'kube_probe_ready comes from a cluster that need not be there; the service exports kms_ready itself',
      },
    ],
  },
  {
    alert: 'KMS_Sign_Latency_Classical',
    expr: `${quantile95('kms_latency_seconds_bucket{op="sign",alg="ed25519"}', '')} > 0.001`,
    for: '5m',
    severity: 'ticket',
    summary: 'p95 of Ed25519 signatures over 1 ms.',
    runbook: 'latency_pq',
  },
  {
    alert: 'KMS_Sign_Latency_PQ',
    expr: `${quantile95('kms_latency_seconds_bucket{op="sign",alg=~"ml-dsa|hybrid"}', 'alg, ')} > 0.01`,
    for: '5m',
    severity: 'ticket',
    summary: 'p95 of ML-DSA or hybrid signatures over 10 ms.',
    runbook: 'latency_pq',
  },
  {
    alert: 'KMS_Sign_Queue_Full',
    expr: 'increase(busy_rejections_total{queue="sign"}[1m]) > 50',
    severity: 'page',
    summary: 'More than 50 signatures a minute refused because the queue is full.',
    runbook: 'backpressure',
  },
  {
    alert: 'KMS_Backend_Flapping',
    expr: 'increase(kms_backend_reconnects_total[10m]) > 3',
    severity: 'page',
    summary: 'The custody backend was lost more than three times in ten minutes: look at the volume of the home.',
    runbook: 'readiness',
    replaces: [
      {
        expr: 'increase(kms_backend_reconnects_total{backend="pkcs11"}[10m]) > 3',
        why: 'every backend can flap, and this version has no pkcs11',
      },
    ],
  },
  {
    alert: 'KMS_Attestation_Missing',
    expr: 'sum by (instance) (increase(kms_attest_total{result="missing"}[2m])) > 0 and on (instance) kms_ready == 1',
    severity: 'critical',
    summary: 'Attestation is missing and the service still counts as ready.',
    runbook: 'attestation',
    replaces: [
      {
        expr: 'kms_attest_total{result="missing"}',
        why: 'a counter never falls: without increase() the alert would never end',
      },
    ],
  },
  {
    alert: 'KMS_Attestation_Budget',
    expr: 'increase(kms_attestation_ready_seconds_total{state="missing"}[30d]) > 0.0001 * 30 * 86400',
    severity: 'ticket',
    summary: 'Attestation was missing for more than 0.01 % of 30 days.',
    runbook: 'attestation',
  },
  {
    alert: 'KMS_VerifyCache_Stale',
    expr: 'avg_over_time(kms_verify_cache_age_ms[5m]) > 2 * kms_config_verify_cache_ttl_ms',
    for: '2m',
    severity: 'ticket',
    summary: 'Verify answers from material older than twice its limit, because the backend is away.',
    runbook: 'readiness',
    replaces: [
      {
        expr: 'verify_cache_stale_max_ms > 2 * verify_cache_ttl_ms',
        why: 'the same condition under other names, which the service exports as aliases',
      },
    ],
  },
  {
    alert: 'KMS_Backpressure_Advisory',
    expr: `${share('rejected_total{reason="backpressure"}[5m]', 'http_requests_total[5m]')} > 0.005`,
    for: '5m',
    severity: 'ticket',
    summary: 'Over 0.5 % of the requests are refused for load: time to scale.',
    runbook: 'backpressure',
  },
  {
    alert: 'KMS_Backpressure_Excess',
    expr: `${share('rejected_total{reason="backpressure"}[5m]', 'http_requests_total[5m]')} > 0.01`,
    for: '5m',
    severity: 'page',
    summary: 'Over 1 % of the requests are refused for load.',
    runbook: 'backpressure',
    replaces: [
      {
        expr: 'sum(rate(rejected_total{reason="backpressure"}[5m])) > 0.01',
        why: 'compares rejections per second with a share',
      },
    ],
  },
  {
    alert: 'KMS_5xx_Excess',
    expr: `${share('http_requests_total{status=~"5.."}[5m]', 'http_requests_total[5m]')} > 0.001`,
    for: '5m',
    severity: 'page',
    summary: 'Over 0.1 % of the requests end in 5xx.',
    runbook: 'backpressure',
    replaces: [
      {
        expr: 'sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.001',
        why: 'the label is status, so it never fires',
      },
    ],
  },
  {
    alert: 'KMS_PQ_Policy_Rejects',
    expr: 'increase(rejected_total{reason="pq_policy"}[10m]) > 0',
    for: '10m',
    severity: 'page',
    summary: 'Requests are refused by the post-quantum policy; nothing is rolled back by itself.',
    runbook: 'latency_pq',
    replaces: [
      {
        expr: 'increase(kms_reject_total{reason="pq_policy"}[10m]) > 0',
        why: 'the name was defined twice; kms_reject_total is an alias of rejected_total',
      },
      {
        expr: 'increase(kms_policy_rejects_total{reason="pq_policy"}[10m]) > 0',
        why: 'the name was defined twice; kms_policy_rejects_total is an alias of rejected_total',
      },
    ],
  },
  {
    alert: 'KMS_PQ_Downgrade',
    expr: 'increase(pq_downgrade_events_total[5m]) > 0',
    severity: 'ticket',
    summary: 'A session or object was less than hybrid.',
    runbook: 'latency_pq',
  },
  {
    alert: 'KMS_PQ_Downgrade_Share',
    expr: `${share('pq_downgrade_events_total[1h]', 'pq_handshake_total[1h]')} >= 0.01`,
    severity: 'page',
    summary: 'At least 1 % of the handshakes are downgrades: no promotion to the next phase.',
    runbook: 'latency_pq',
  },
  {
    alert: 'KMS_PQ_Handshake_Failure',
    expr: 'rate(pqc_handshake_failure_total[5m]) > 0',
    severity: 'ticket',
    summary: 'Handshakes fail or are refused.',
    runbook: 'latency_pq',
  },
  {
    alert: 'KMS_PQ_Handshake_Success',
    expr: 'sum by (instance) (rate(pqc_handshake_success_total[5m])) / (sum by (instance) (rate(pqc_handshake_success_total[5m])) + sum by (instance) (rate(pqc_handshake_failure_total[5m]))) < 0.99',
    for: '5m',
    severity: 'page',
    summary: 'Fewer than 99 % of the handshakes succeed.',
    runbook: 'latency_pq',
    replaces: [
      {
        expr: 'pqc_handshake_success_rate < 0.99',
        why: 'no such series: a rate is computed from the two counters',
      },
    ],
  },
  {
    alert: 'KMS_PQ_Handshake_Latency',
    expr: `${quantile95('pqc_handshake_latency_seconds_bucket', '')} > 0.1`,
    for: '5m',
    severity: 'ticket',
    summary: 'p95 of handshakes over 100 ms.',
    runbook: 'latency_pq',
    replaces: [{ expr: 'pqc_handshake_p95_latency > 0.1', why: 'no such series: a quantile is computed from buckets' }],
  },
  {
    alert: 'KMS_PQ_Operation_Latency',
    expr: `${quantile95('crypto_latency_seconds_bucket{algo=~"ml-dsa|ml-kem|hybrid"}', 'op, algo, ')} > 0.1`,
    for: '5m',
    severity: 'ticket',
    summary: 'p95 of a post-quantum operation over 100 ms.',
    runbook: 'latency_pq',
  },
  {
    alert: 'KMS_PQ_Fallback',
    expr: 'pqc_fallback_enabled > 0',
    severity: 'critical',
    summary: 'The transport runs in its classical fallback, which ends after an hour.',
    runbook: 'latency_pq',
  },
  {
    alert: 'KMS_PQ_Rotation_Failure',
    expr: 'increase(pqc_key_rotation_failure_total[1h]) > 0',
    severity: 'critical',
    summary: 'A key rotation failed; rotate_result in the log says why.',
    runbook: 'readiness',
    replaces: [{ expr: 'key_rotation_success_rate < 0.99', why: 'no such series, and any failure needs a look' }],
  },
  {
    alert: 'KMS_Signature_Failures',
    expr: `${share('pq_signature_failures_total[5m]', 'kms_ops_total{op="verify"}[5m]')} > 0.01`,
    for: '5m',
    severity: 'ticket',
    summary: 'Over 1 % of the verified signatures fail: rotation incomplete, or somebody tries.',
    runbook: 'latency_pq',
  },
  {
    alert: 'KMS_Governance_Deadlock',
    expr: 'kms_governance_oldest_pending_seconds > 86400',
    severity: 'page',
    summary: 'A proposal has been open for more than a day.',
    runbook: 'governance',
    replaces: [
      {
        expr: 'increase(kms_governance_proposals_total{status="pending"}[24h]) > 0',
        why: 'counts new proposals; an old one that nobody decides does not raise it',
      },
    ],
  },
  {
    alert: 'KMS_Emergency_Freeze',
    expr: 'increase(kms_emergency_freezes_total[5m]) > 0',
    severity: 'page',
    summary: 'A freeze was executed; ronctl governance log says by whom.',
    runbook: 'governance',
  },
  {
    alert: 'KMS_Capability_Fairness_Skew',
    expr: 'kms_capabilities_minted_fairness_skew{window="1h"} > 3',
    for: '30m',
    severity: 'ticket',
    summary: 'One tenant does more than three times the work of the median one.',
    runbook: 'backpressure',
  },
  {
    alert: 'KMS_Capability_Root_Old',
    expr: 'kms_capability_root_age_days > 30',
    severity: 'ticket',
    summary: 'The capability root is over 30 days old; ronctl cap rotate makes a new one.',
    runbook: 'readiness',
  },
  {
    alert: 'KMS_Auth_Failures',
    expr: 'sum by (instance) (rate(auth_failures_total[5m])) > 1',
    for: '5m',
    severity: 'ticket',
    summary: 'More than one request a second without a valid capability; the log names peer and reason.',
    runbook: 'backpressure',
  },
  {
    alert: 'KMS_Clock_Skew',
    expr: 'kms_readiness{key="clock_ok"} < 1',
    severity: 'page',
    summary: 'The clock of the server is off: fix NTP or the hardware clock, then restart.',
    runbook: 'readiness',
  },
  {
    alert: 'KMS_Client_Clock_Skew',
    expr: 'sum by (instance) (increase(rejected_total{reason="clock_skew"}[5m])) > 0',
    severity: 'ticket',
    summary: 'A capability came less than five minutes before the time its holder gave it: compare the clocks.',
    runbook: 'readiness',
  },
  {
    alert: 'KMS_Disk_Space',
    expr: 'kms_readiness{key="disk_space"} < 1',
    severity: 'page',
    summary:
      'The volume of the audit log runs full; below audit.reserve only authority changes are written. ronctl audit archive makes room.',
    runbook: 'readiness',
  },
  {
    alert: 'KMS_Certificate_Expiry',
    expr: 'tls_certificate_left_days != 0 and tls_certificate_left_days < 14',
    severity: 'ticket',
    summary: 'The certificate of the listener expires within 14 days; put a new pair in its place and send SIGHUP.',
    runbook: 'readiness',
  },
  {
    alert: 'KMS_Memory',
    expr: 'process_resident_memory_bytes > 512 * 1024 * 1024',
    for: '10m',
    severity: 'ticket',
    summary: 'More than 512 MiB resident: cap verify_cache.max_entries or shorten its limit.',
    runbook: 'readiness',
  },
  {
    alert: 'KMS_Restarts',
    expr: 'increase(service_restarts_total[10m]) > 3',
    severity: 'page',
    summary: 'A part of the service keeps failing; the log names the task.',
    runbook: 'readiness',
  },
  {
    alert: 'KMS_Events_Lost',
    expr: 'increase(bus_lagged_total[10m]) > 0 or increase(kms_audit_dropped_total[10m]) > 0',
    severity: 'ticket',
    summary: 'A reader of the event stream was too slow, or auxiliary events were dropped.',
    runbook: 'backpressure',
  },
];
