// Two Grafana dashboards over the metrics of metrics.ts (OBS-45, MQ-28): `overview` for whoever is on call, `custody` for
// whoever looks into keys, log, policy and governance. Panels are data; the JSON that Grafana imports is made from them.

import type { JsonObject } from '../bytes/canonical-json.ts';

export const DASHBOARDS = ['overview', 'custody'] as const;
export type DashboardName = (typeof DASHBOARDS)[number];

export interface Panel {
  readonly title: string;
  readonly type: 'timeseries' | 'stat' | 'state-timeline' | 'table';
  /** Unit name of Grafana. */
  readonly unit: string;
  readonly targets: readonly { readonly expr: string; readonly legend: string }[];
}

export interface PanelRow {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const panel = (
  title: string,
  unit: string,
  targets: readonly (readonly [expr: string, legend: string])[],
  type: Panel['type'] = 'timeseries',
): Panel => ({ title, type, unit, targets: targets.map(([expr, legend]) => ({ expr, legend })) });

/** Every selector is narrowed to the chosen instances. */
const I = 'instance=~"$instance"';
const rate = (selector: string, by: string): string => `sum by (${by}) (rate(${selector}[5m]))`;
const quantile = (q: number, selector: string, by: string): string =>
  `histogram_quantile(${q}, sum by (${by}, le) (rate(${selector}[5m])))`;

const OVERVIEW: readonly PanelRow[] = [
  {
    title: 'Readiness',
    panels: [
      panel('Ready', 'none', [[`kms_ready{${I}}`, '{{instance}}']], 'state-timeline'),
      panel('Keys of /readyz', 'none', [[`kms_readiness{${I}} < 1`, '{{instance}} {{key}}']], 'state-timeline'),
      panel('Version', 'none', [[`kms_build_info{${I}}`, '{{version}} wire {{wire}}']], 'table'),
      panel('Governed', 'none', [[`kms_governed{${I}}`, '{{instance}}']], 'stat'),
    ],
  },
  {
    title: 'Requests',
    panels: [
      panel('Requests by route', 'reqps', [[rate(`http_requests_total{${I}}`, 'route'), '{{route}}']]),
      panel('Share of 5xx', 'percentunit', [
        [
          `sum(rate(http_requests_total{${I},status=~"5.."}[5m])) / sum(rate(http_requests_total{${I}}[5m]))`,
          '5xx, limit 0.001',
        ],
      ]),
      panel('Rejections by reason', 'reqps', [[rate(`rejected_total{${I}}`, 'reason'), '{{reason}}']]),
      panel('Share of rejections for load', 'percentunit', [
        [
          `sum(rate(rejected_total{${I},reason="backpressure"}[5m])) / sum(rate(http_requests_total{${I}}[5m]))`,
          'advisory 0.005, alert 0.01',
        ],
      ]),
      panel('Latency of requests', 's', [
        [quantile(0.95, `request_latency_seconds_bucket{${I}}`, 'route'), 'p95 {{route}}'],
        [quantile(0.99, `request_latency_seconds_bucket{${I}}`, 'route'), 'p99 {{route}}'],
      ]),
      panel('In flight', 'none', [[`sum by (route) (inflight_requests{${I}})`, '{{route}}']]),
      panel('Authentication and TLS failures', 'reqps', [
        [rate(`auth_failures_total{${I}}`, 'service'), 'capability {{service}}'],
        [`sum(rate(tls_handshake_failures_total{${I}}[5m]))`, 'TLS'],
      ]),
      panel('Operations by tenant', 'ops', [
        [`topk(10, sum by (tenant) (rate(kms_tenant_ops_total{${I}}[5m])))`, '{{tenant}}'],
      ]),
    ],
  },
  {
    title: 'Process',
    panels: [
      panel('Resident memory', 'bytes', [[`process_resident_memory_bytes{${I}}`, '{{instance}}']]),
      panel('Uptime', 's', [[`process_uptime_seconds{${I}}`, '{{instance}}']], 'stat'),
      panel('Restarts, tasks broken off', 'none', [
        [`increase(service_restarts_total{${I}}[10m])`, 'restarts'],
        [`sum by (kind) (increase(tasks_aborted_total{${I}}[10m]))`, 'aborted {{kind}}'],
        [`sum by (kind) (increase(tasks_canceled_total{${I}}[10m]))`, 'given up {{kind}}'],
        [`sum by (kind) (increase(tasks_spawned_total{${I}}[10m]))`, 'started {{kind}}'],
      ]),
      panel('Deadlines and retries', 'none', [
        [`sum by (op) (increase(io_timeouts_total{${I}}[10m]))`, 'deadline {{op}}'],
        [`sum by (op) (increase(backoff_retries_total{${I}}[10m]))`, 'retry {{op}}'],
      ]),
      panel('Days of the certificate', 'd', [[`tls_certificate_left_days{${I}}`, '{{instance}}']], 'stat'),
      panel('Events lost', 'none', [[`increase(bus_lagged_total{${I}}[10m])`, '{{instance}}']]),
    ],
  },
];

const CUSTODY: readonly PanelRow[] = [
  {
    title: 'Operations',
    panels: [
      panel('Operations', 'ops', [[rate(`kms_ops_total{${I}}`, 'op, alg'), '{{op}} {{alg}}']]),
      panel('Failed operations', 'ops', [[rate(`kms_ops_total{${I},result="err"}`, 'op, alg'), '{{op}} {{alg}}']]),
      panel('p95 of sign', 's', [
        [quantile(0.95, `kms_latency_seconds_bucket{${I},op="sign"}`, 'alg'), '{{alg}} (ed25519 0.001, ml-dsa 0.01)'],
      ]),
      panel('p95 of the rest', 's', [
        [quantile(0.95, `kms_latency_seconds_bucket{${I},op!="sign"}`, 'op, alg'), '{{op}} {{alg}}'],
      ]),
      panel('Queues', 'none', [[`sum by (queue) (queue_depth{${I}})`, '{{queue}}']]),
      panel('Queues: refused and dropped', 'none', [
        [`sum by (queue) (increase(busy_rejections_total{${I}}[5m]))`, 'refused {{queue}}'],
        [`sum by (queue) (increase(queue_dropped_total{${I}}[5m]))`, 'dropped {{queue}}'],
      ]),
      panel('Keys', 'none', [[`sum by (alg) (kms_keys_total{${I}})`, '{{alg}}']]),
      panel('Newest versions', 'none', [[`topk(20, kms_key_version_head{${I}})`, '{{kid_hash}}']], 'table'),
    ],
  },
  {
    title: 'Audit log',
    panels: [
      panel('Age of the newest checkpoint', 's', [[`kms_audit_last_checkpoint_age_seconds{${I}}`, '{{instance}}']]),
      panel(
        'Integrity failures',
        'none',
        [[`increase(kms_audit_integrity_failed_total{${I}}[5m])`, '{{instance}}']],
        'stat',
      ),
      panel('Sinks: how far they are behind', 's', [[`kms_audit_export_lag_seconds{${I}}`, '{{instance}} {{sink}}']]),
      panel('Appends and checkpoints', 'ops', [
        [rate(`kms_audit_appends_total{${I}}`, 'result'), 'append {{result}}'],
        [rate(`kms_audit_checkpoint_total{${I}}`, 'result'), 'checkpoint {{result}}'],
        [rate(`kms_audit_export_total{${I}}`, 'sink, result'), 'export {{sink}} {{result}}'],
      ]),
      panel('Dropped auxiliary events', 'none', [
        [`sum by (kind) (increase(kms_audit_dropped_total{${I}}[5m]))`, '{{kind}}'],
      ]),
      panel('Records', 'none', [
        [`kms_audit_log_size{${I}}`, '{{instance}}'],
        [`kms_audit_cosigned_size{${I}}`, 'cosigned {{instance}}'],
      ]),
      panel('Answers of witnesses', 'ops', [[rate(`kms_audit_witness_total{${I}}`, 'result'), '{{result}}']]),
      panel('Free space', 'bytes', [[`kms_audit_free_bytes{${I}}`, '{{instance}}']]),
    ],
  },
  {
    title: 'Attestation and backend',
    panels: [
      panel('Attestation', 'none', [[`kms_attestation_ready{${I}}`, '{{instance}}']], 'state-timeline'),
      panel('Attestations', 'none', [
        [`sum by (backend, result) (increase(kms_attest_total{${I}}[5m]))`, '{{backend}} {{result}}'],
      ]),
      panel('Share of time with attestation, 30 days', 'percentunit', [
        [
          `increase(kms_attestation_ready_seconds_total{${I},state="ready"}[30d]) / ignoring (state) sum without (state) (increase(kms_attestation_ready_seconds_total{${I}}[30d]))`,
          '{{instance}}',
        ],
      ]),
      panel('Sessions', 'none', [[`sum by (backend, state) (kms_backend_sessions{${I}})`, '{{backend}} {{state}}']]),
      panel('Reconnects', 'none', [
        [`sum by (backend) (increase(kms_backend_reconnects_total{${I}}[10m]))`, '{{backend}}'],
      ]),
    ],
  },
  {
    title: 'Degraded verify',
    panels: [
      panel('Age of the cache', 'ms', [
        [`kms_verify_cache_age_ms{${I}}`, 'age'],
        [`2 * kms_config_verify_cache_ttl_ms{${I}}`, 'hard limit'],
      ]),
      panel('Share of hits', 'percentunit', [
        [
          `sum(rate(kms_verify_cache_hits_total{${I},hit="true"}[5m])) / sum(rate(kms_verify_cache_hits_total{${I}}[5m]))`,
          'hits',
        ],
      ]),
      panel('Stale and expired', 'none', [
        [`increase(verify_cache_stale_total{${I}}[5m])`, 'stale'],
        [`increase(verify_cache_expired_total{${I}}[5m])`, 'expired'],
      ]),
      panel('Entries', 'none', [[`kms_verify_cache_entries{${I}}`, '{{instance}}']]),
      panel('Ready', 'none', [[`kms_ready{${I}}`, '{{instance}}']], 'state-timeline'),
    ],
  },
  {
    title: 'Post-quantum',
    panels: [
      panel('Mode', 'none', [[`kms_pq_mode{${I}} == 1`, '{{mode}}']], 'state-timeline'),
      panel('Phase', 'none', [[`kms_pq_phase{${I}} == 1`, '{{tenant}} {{phase}}']], 'table'),
      panel('Rollout', 'percent', [[`kms_pq_rollout_percent{${I}}`, '{{instance}}']], 'stat'),
      panel('Rejections by policy', 'none', [
        [`increase(rejected_total{${I},reason="pq_policy"}[10m])`, '{{instance}}'],
      ]),
      panel('Handshakes', 'ops', [
        [rate(`pq_handshake_total{${I}}`, 'algo, role'), '{{algo}} {{role}}'],
        [`sum(rate(pqc_handshake_success_total{${I}}[5m]))`, 'hybrid'],
        [rate(`pqc_handshake_failure_total{${I}}`, 'reason'), 'failed {{reason}}'],
      ]),
      panel('Downgrades', 'none', [
        [`sum by (from, to, reason) (increase(pq_downgrade_events_total{${I}}[1h]))`, '{{from}} to {{to}}: {{reason}}'],
      ]),
      panel('Handshake latency', 's', [
        [`histogram_quantile(0.95, sum by (le) (rate(pqc_handshake_latency_seconds_bucket{${I}}[5m])))`, 'p95'],
      ]),
      panel('Signatures', 'ops', [
        [rate(`pq_signature_total{${I}}`, 'algo'), '{{algo}}'],
        [rate(`pq_signature_failures_total{${I}}`, 'reason'), 'failed {{reason}}'],
      ]),
      panel('Primitives', 's', [
        [quantile(0.95, `crypto_latency_seconds_bucket{${I}}`, 'op, algo'), 'p95 {{op}} {{algo}}'],
      ]),
      panel('Fallback', 'none', [
        [`pqc_fallback_enabled{${I}}`, 'now'],
        [`sum by (reason) (increase(pqc_fallback_total{${I}}[1h]))`, '{{reason}}'],
      ]),
      panel('Rotations with a post-quantum track', 'none', [
        [`increase(pqc_key_rotation_success_total{${I}}[1h])`, 'done'],
        [`sum by (reason) (increase(pqc_key_rotation_failure_total{${I}}[1h]))`, 'failed {{reason}}'],
      ]),
    ],
  },
  {
    title: 'Governance and capabilities',
    panels: [
      panel('Oldest open proposal', 's', [[`kms_governance_oldest_pending_seconds{${I}}`, '{{instance}}']], 'stat'),
      panel('Proposals', 'none', [
        [`sum by (status) (increase(kms_governance_proposals_total{${I}}[1h]))`, '{{status}}'],
      ]),
      panel('Statements', 'none', [
        [`sum by (purpose) (increase(kms_governance_statements_total{${I}}[1h]))`, '{{purpose}}'],
      ]),
      panel('Ledger', 'none', [[`kms_governance_ledger_seq{${I}}`, '{{instance}}']]),
      panel('Freezes', 'none', [[`increase(kms_emergency_freezes_total{${I}}[1h])`, '{{instance}}']], 'stat'),
      panel('Capabilities', 'none', [[`sum by (tenant) (kms_capabilities_active{${I}})`, '{{tenant}}']]),
      panel('Capabilities minted', 'none', [
        [`sum by (tenant) (increase(kms_capabilities_minted_total{${I}}[1h]))`, '{{tenant}}'],
      ]),
      panel('Busiest tenant over the median', 'none', [
        [`kms_capabilities_minted_fairness_skew{${I}}`, '{{window}}, limit 3 in 1h'],
      ]),
      panel('Age of the capability root', 'd', [[`kms_capability_root_age_days{${I}}`, '{{instance}}']], 'stat'),
    ],
  },
];

export const DASHBOARD_ROWS: Readonly<Record<DashboardName, readonly PanelRow[]>> = {
  overview: OVERVIEW,
  custody: CUSTODY,
};

const WIDTH = 6;
const HEIGHT = 7;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

function panels(rows: readonly PanelRow[]): JsonObject[] {
  const out: JsonObject[] = [];
  let y = 0;
  for (const row of rows) {
    out.push({
      id: out.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
    });
    y += 1;
    for (const [index, one] of row.panels.entries()) {
      const place = { x: (index % 4) * WIDTH, y: y + Math.floor(index / 4) * HEIGHT, w: WIDTH, h: HEIGHT };
      const targets = one.targets.map(({ expr, legend }, at) => ({
        refId: String.fromCharCode(65 + at),
        expr,
        legendFormat: legend,
        datasource: DATASOURCE,
      }));
      out.push({
        id: out.length + 1,
        type: one.type,
        title: one.title,
        datasource: DATASOURCE,
        fieldConfig: { defaults: { unit: one.unit }, overrides: [] },
        gridPos: place,
        targets,
      });
    }
    y += Math.ceil(row.panels.length / 4) * HEIGHT;
  }
  return out;
}

/** What Grafana imports, as JSON. */
export function dashboard(name: DashboardName): JsonObject {
  return {
    uid: `ron-kms-${name}`,
    title: `ron-kms ${name}`,
    tags: ['ron-kms'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        {
          name: 'instance',
          type: 'query',
          datasource: DATASOURCE,
          query: 'label_values(kms_ready, instance)',
          multi: true,
          includeAll: true,
          allValue: '.*',
        },
      ],
    },
    panels: panels(DASHBOARD_ROWS[name]),
  };
}
