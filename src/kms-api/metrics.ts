// Every metric of the service, once (service page; OBS-01..14, IDB-34, CON-32, CON-33, GOV-42..46, SEC-16, MQ-19..22,
// XH-07..10). Canonical names are those of the observability page, other spellings are aliases of the same row (C-46). The
// registry, the alert rules, the dashboards, `ronctl metrics` and ronctl-monitoring(7) are made from this table; a name or
// label that it does not have does not compile and does not count.

import { type Alias, closed, counter, gauge, histogram, type MetricRow, open, product } from './metric-row.ts';
import { BASE_PATH, ROUTES } from './routes.ts';

/** Why a request was turned away before or instead of its work (C-79): the label, and `reason` in the log. */
export const REJECT_REASONS = [
  'unauth',
  'backpressure',
  'decompress_cap',
  'ratio_cap',
  'pq_policy',
  'attest_missing',
  'store_unavailable',
  'oversize',
  'quota',
  'bad_request',
  'unsupported',
  'caveat',
  'revoked',
  'frozen',
  'clock_skew',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

export const OPS = ['sign', 'verify', 'wrap', 'unwrap', 'rotate', 'create', 'attest', 'checkpoint'] as const;
export type Op = (typeof OPS)[number];

/** `hybrid`: both tracks in one operation. */
export const OP_ALGS = ['ed25519', 'ml-dsa', 'x25519', 'ml-kem', 'aead', 'slh-dsa', 'hybrid'] as const;
export type OpAlg = (typeof OP_ALGS)[number];

/** What the label `route` may say: the paths of the API with `{kid}` and `{id}`, the plain ones, those of the published log, and `other`. */
export const ROUTE_LABELS: readonly string[] = [
  ...new Set(ROUTES.map(({ path }) => `${BASE_PATH}${path}`)),
  '/healthz',
  '/readyz',
  '/metrics',
  '/version',
  '/checkpoint',
  '/tile',
  'other',
];

const DOCUMENTED = ['sign', 'verify', 'wrap', 'unwrap', 'createKey', 'rotateKey', 'getKey'];
const documented = ROUTES.filter(({ id }) => DOCUMENTED.includes(id)).map(({ method, path }) => ({
  route: `${BASE_PATH}${path}`,
  method,
}));

const SIGNING = ['ed25519', 'ml-dsa', 'slh-dsa', 'hybrid'];
const KEMS = ['x25519', 'ml-kem', 'hybrid'];
const ALGS_OF: Readonly<Record<Op, readonly string[]>> = {
  sign: SIGNING,
  verify: SIGNING,
  wrap: [...KEMS, 'aead'],
  unwrap: [...KEMS, 'aead'],
  rotate: [...SIGNING, 'x25519', 'ml-kem'],
  create: [...SIGNING, 'x25519', 'ml-kem'],
  attest: ['hybrid'],
  checkpoint: ['hybrid'],
};
const opAlgs = OPS.flatMap((op) => ALGS_OF[op].map((alg) => ({ op, alg })));

const CLASSICAL_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02];
const LATTICE_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1];
const HASH_BUCKETS = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const REQUEST_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5];
const HANDSHAKE_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

const op = closed('op', OPS);
const alg = closed('alg', OP_ALGS);
const result = closed('result', ['ok', 'err']);
const reason = closed('reason', REJECT_REASONS);
const backend = closed('backend', ['file', 'inmem']);
const tenant = open('tenant', 1000);
const sink = open('sink', 16);
const route = closed('route', ROUTE_LABELS);
const method = closed('method', ['GET', 'POST', 'other']);
/** The documented queues and the other places of the service that are limited in flight. */
const queue = closed('queue', ['sign', 'audit', 'verify', 'wrap', 'mutate', 'read']);
const task = closed('kind', ['request', 'checkpoint', 'ingest', 'attest', 'backend', 'reload', 'flush']);
const io = closed('op', ['sign', 'attest', 'checkpoint', 'verify', 'wrap', 'unwrap', 'append', 'backend']);
const pqAlgo = closed('algo', ['x25519', 'ml-kem', 'hybrid']);
const signAlgo = closed('algo', ['ed25519', 'ml-dsa', 'slh-dsa']);
const handshakeReason = closed('reason', ['timeout', 'invalid_key', 'classical_refused', 'no_shared_group', 'other']);
const alias = (name: string, more: Omit<Alias, 'name'> = {}): Alias => ({ name, ...more });

export const METRICS = [
  // Requests.
  counter(
    'http_requests_total',
    'Requests answered, by route, method and status.',
    [route, method, open('status', 64)],
    {
      zero: documented.map((one) => ({ ...one, status: '200' })),
    },
  ),
  histogram('request_latency_seconds', 'Time from the first byte of a request to its answer.', [route, method], {
    buckets: REQUEST_BUCKETS,
    zero: documented,
  }),
  gauge('inflight_requests', 'Requests being answered.', [route], {
    zero: documented.map(({ route }) => ({ route })),
  }),
  counter('rejected_total', 'Requests turned away, by reason.', [reason], {
    aliases: [alias('kms_reject_total'), alias('kms_policy_rejects_total')],
  }),
  counter('auth_failures_total', 'Requests without a valid capability.', [closed('service', ['ron-kms', 'micronode'])]),
  counter('tls_handshake_failures_total', 'TLS handshakes that did not come about.'),
  gauge('tls_certificate_left_days', 'Days until the certificate of the listener expires; 0 without TLS.'),
  counter('service_restarts_total', 'Parts of the service that failed and were started again.'),
  counter('bus_lagged_total', 'Events that a slow reader of the event stream did not get.'),

  // Operations.
  counter('kms_ops_total', 'Operations of the custody service.', [op, alg, result], {
    zero: opAlgs.flatMap((one) => product([result]).map((end) => ({ ...one, ...end }))),
  }),
  histogram(
    'kms_latency_seconds',
    'Time of an operation in the service, its durable record included; refusals are not timed.',
    [op, alg],
    {
      buckets: {
        by: 'alg',
        of: {
          ed25519: CLASSICAL_BUCKETS,
          x25519: CLASSICAL_BUCKETS,
          aead: CLASSICAL_BUCKETS,
          'ml-dsa': LATTICE_BUCKETS,
          'ml-kem': LATTICE_BUCKETS,
          'slh-dsa': HASH_BUCKETS,
          hybrid: LATTICE_BUCKETS,
        },
      },
      zero: opAlgs,
    },
  ),
  counter('kms_tenant_ops_total', 'Operations by tenant.', [tenant, op]),
  gauge('kms_keys_total', 'Keys in custody.', [tenant, open('purpose', 1000), open('alg', 16)], {
    fromState: true,
    offline: true,
  }),
  gauge(
    'kms_key_version_head',
    'Newest version of a key; the key by the first 8 hex of its BLAKE3.',
    [open('kid_hash', 2000)],
    { fromState: true, offline: true },
  ),

  // Audit log.
  counter('kms_audit_appends_total', 'Records appended to the audit log.', [result]),
  counter('kms_audit_checkpoint_total', 'Checkpoints signed.', [result]),
  counter(
    'kms_audit_integrity_failed_total',
    'Failed checks of the log, and checkpoints that could not be written.',
    [],
  ),
  counter(
    'kms_audit_dropped_total',
    'Auxiliary events that were dropped; never a record of an operation.',
    [closed('kind', ['non_checkpoint', 'other'])],
    { aliases: [alias('audit_dropped_total', { drop: ['kind'] })] },
  ),
  gauge('kms_audit_last_checkpoint_age_seconds', 'Age of the newest checkpoint; 0 before the first one.', [], {
    fromState: true,
    offline: true,
  }),
  gauge('kms_audit_log_size', 'Records in the audit log.', [], { fromState: true, offline: true }),
  counter('kms_audit_witness_total', 'Answers of witnesses that were asked to cosign a checkpoint.', [result]),
  gauge('kms_audit_cosigned_size', 'Records under the newest checkpoint that met the witness policy; 0 before it.', []),
  gauge(
    'kms_audit_export_lag_seconds',
    'Age of the oldest synced record that a sink does not have; 0 without one.',
    [sink],
    {
      fromState: true,
    },
  ),
  gauge('kms_audit_export_lag_records', 'Synced records that a sink does not have yet.', [sink], { fromState: true }),
  counter('kms_audit_export_total', 'Batches handed to a sink, by what came of it.', [sink, result]),
  gauge('kms_audit_free_bytes', 'Free space of the volume of the log.', [], { fromState: true }),

  // Queues, tasks, timeouts.
  gauge('queue_depth', 'Entries that wait or are worked on.', [queue], {
    aliases: [alias('kms_audit_queue_depth', { when: { queue: 'audit' }, drop: ['queue'] })],
  }),
  counter('queue_dropped_total', 'Entries dropped from a queue.', [queue]),
  counter('busy_rejections_total', 'Requests refused because a queue was full.', [queue]),
  counter('tasks_spawned_total', 'Tasks started.', [task]),
  counter('tasks_aborted_total', 'Tasks broken off at the end of the drain.', [task]),
  counter('tasks_canceled_total', 'Tasks given up because their caller went away.', [task]),
  counter('io_timeouts_total', 'Deadlines that passed.', [io]),
  counter('backoff_retries_total', 'Attempts after a failure.', [io]),

  // Backend and attestation.
  counter('kms_attest_total', 'Attestations of keys and of the backend.', [
    backend,
    closed('result', ['ok', 'err', 'missing']),
  ]),
  gauge('kms_attestation_ready', 'Attestation is there where it is required.', [], { fromState: true }),
  counter('kms_attestation_ready_seconds_total', 'Time spent with and without the attestation that is required.', [
    closed('state', ['ready', 'missing']),
  ]),
  gauge(
    'kms_backend_sessions',
    'Sessions of the custody backend.',
    [backend, closed('state', ['connected', 'connecting', 'error'])],
    { fromState: true },
  ),
  counter('kms_backend_reconnects_total', 'Attempts to reach the backend again.', [backend], {
    aliases: [alias('backend_reconnects_total')],
  }),

  // Post-quantum policy.
  gauge('kms_pq_mode', '1 for the verify mode in force for the instance.', [closed('mode', ['or', 'and', 'pq_only'])], {
    fromState: true,
    offline: true,
  }),
  gauge('kms_pq_rollout_percent', 'Percent of the keys under the approved phase.', [], {
    fromState: true,
    offline: true,
  }),
  gauge(
    'kms_pq_phase',
    '1 for the approved phase; _instance is the global value.',
    [tenant, closed('phase', ['0', '1', '2', '3'])],
    {
      zero: product([closed('tenant', ['_instance']), closed('phase', ['0', '1', '2', '3'])]),
      fromState: true,
      offline: true,
    },
  ),
  counter('pq_handshake_total', 'TLS handshakes by key exchange.', [pqAlgo, closed('role', ['server', 'client'])]),
  counter('pq_signature_total', 'Signatures made.', [signAlgo]),
  counter('pq_signature_failures_total', 'Signatures that failed.', [
    closed('reason', ['invalid', 'missing_pq', 'missing_classical', 'malformed', 'self_check']),
  ]),
  histogram(
    'crypto_latency_seconds',
    'Time of one cryptographic operation.',
    [
      closed('op', ['kex', 'sign', 'verify']),
      closed('algo', ['x25519', 'ml-kem', 'hybrid', 'ed25519', 'ml-dsa', 'slh-dsa']),
    ],
    {
      buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
      zero: [
        { op: 'kex', algo: 'hybrid' },
        ...['sign', 'verify'].flatMap((op) => ['ed25519', 'ml-dsa'].map((algo) => ({ op, algo }))),
      ],
    },
  ),
  counter('pq_downgrade_events_total', 'Sessions or objects that were less than hybrid where hybrid was wanted.', [
    closed('from', ['hybrid', 'pq_only']),
    closed('to', ['classical']),
    closed('reason', ['peer', 'policy', 'rollback']),
  ]),
  counter('pqc_fallback_total', 'Falls back to classical transport; custody never falls back.', [
    closed('reason', ['forced', 'unavailable']),
  ]),
  gauge('pqc_fallback_enabled', '1 while the transport runs in its fallback.'),
  counter('pqc_handshake_success_total', 'Handshakes with the hybrid group.'),
  counter('pqc_handshake_failure_total', 'Handshakes that failed or were refused.', [handshakeReason]),
  histogram('pqc_handshake_latency_seconds', 'Time of a handshake.', [], { buckets: HANDSHAKE_BUCKETS }),
  counter('pqc_key_rotation_success_total', 'Rotations that made a post-quantum track.'),
  counter('pqc_key_rotation_failure_total', 'Rotations that failed.', [
    closed('reason', ['store', 'policy', 'attestation', 'other']),
  ]),

  // Verify cache.
  gauge('kms_verify_cache_age_ms', 'Age of the key material from which verify answers while the backend is away.', [], {
    fromState: true,
    aliases: [alias('verify_cache_age_ms'), alias('verify_cache_stale_max_ms')],
  }),
  gauge('kms_config_verify_cache_ttl_ms', 'Configured soft limit of that age; the hard one is twice as much.', [], {
    fromState: true,
    aliases: [alias('verify_cache_ttl_ms')],
  }),
  gauge('kms_verify_cache_entries', 'Results in the verify cache.', [], {
    fromState: true,
    aliases: [alias('verify_cache_size')],
  }),
  counter('kms_verify_cache_hits_total', 'Look-ups in the verify cache.', [closed('hit', ['true', 'false'])], {
    aliases: [
      alias('verify_cache_hit_total', { when: { hit: 'true' }, drop: ['hit'] }),
      alias('verify_cache_miss_total', { when: { hit: 'false' }, drop: ['hit'] }),
    ],
  }),
  counter('verify_cache_stale_total', 'Answers from material older than its soft limit.'),
  counter('verify_cache_expired_total', 'Answers refused because the material was older than its hard limit.'),

  // Governance and capabilities.
  counter(
    'kms_governance_proposals_total',
    'Proposals that reached a status.',
    [closed('status', ['pending', 'approved', 'rejected', 'withdrawn', 'suspended', 'expired', 'executed', 'failed'])],
    { offline: true },
  ),
  counter(
    'kms_governance_statements_total',
    'Statements in the ledger.',
    [closed('purpose', ['approve', 'reject', 'retract', 'withdraw', 'escalate', 'tie-break'])],
    { offline: true },
  ),
  gauge(
    'kms_governance_oldest_pending_seconds',
    'Age of the oldest proposal that can still be decided; 0 without one.',
    [],
    {
      fromState: true,
      offline: true,
    },
  ),
  gauge('kms_governance_ledger_seq', 'Newest entry of the ledger.', [], { fromState: true, offline: true }),
  counter('kms_emergency_freezes_total', 'Governed freezes; automatic interlocks do not count.', [], { offline: true }),
  gauge('kms_capabilities_active', 'Capabilities that are neither spent, revoked nor expired.', [tenant], {
    fromState: true,
  }),
  counter('kms_capabilities_minted_total', 'Capabilities minted.', [tenant]),
  gauge(
    'kms_capabilities_minted_fairness_skew',
    'Operations of the busiest tenant over those of the median one.',
    [closed('window', ['5m', '1h'])],
    { fromState: true },
  ),
  gauge('kms_capability_root_age_days', 'Age of the newest capability root.', [], { fromState: true }),

  // The service itself.
  gauge('kms_ready', '1 while /readyz answers 200.', [], { fromState: true }),
  gauge('kms_readiness', '1 for a key of /readyz that holds, 0.5 degraded, 0 missing.', [open('key', 32)], {
    fromState: true,
  }),
  gauge('kms_governed', '1 under a genesis.', [], { fromState: true, offline: true }),
  gauge('kms_build_info', 'Version of the package and of the wire contract.', [open('version', 1), open('wire', 1)], {
    fromState: true,
  }),
  gauge('process_resident_memory_bytes', 'Resident memory.', [], { fromState: true }),
  gauge('process_uptime_seconds', 'Time since the service started.', [], { fromState: true }),
] as const satisfies readonly MetricRow[];

type Row = (typeof METRICS)[number];
export type MetricName = Row['name'];
export type CounterName = Extract<Row, { readonly type: 'counter' }>['name'];
export type GaugeName = Extract<Row, { readonly type: 'gauge' }>['name'];
export type HistogramName = Extract<Row, { readonly type: 'histogram' }>['name'];
/** The names of the labels of a metric; `never` for one without. */
export type LabelName<N extends MetricName> = Extract<Row, { readonly name: N }>['labels'][number]['name'];
/** Every label of a metric, once. */
export type LabelsOf<N extends MetricName> = { readonly [K in LabelName<N>]: string };

/** The rows without their exact types, for whoever walks over them. */
export const METRIC_ROWS: readonly MetricRow[] = METRICS;
